"""What every token store has to do, as tests for a store of your own.

Subclass :class:`TokenStoreContract` in a test module, and give it a pytest fixture ``store`` that
makes an empty store. pytest finds the tests by itself::

    import pytest
    from flask_oauthclient.testing.token_stores import TokenStoreContract

    class TestMyStore(TokenStoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyTokenStore(tmp_path)

A store that works only in an application context, or the like, overrides ``in_thread``.
"""

from __future__ import annotations

from ._shared import Calls
from ._shared import make_token
from .keeping import KeepingContract
from .refreshing import RefreshingContract
from .together import TogetherContract

__all__ = ["Calls", "TokenStoreContract", "make_token"]


class TokenStoreContract(KeepingContract, RefreshingContract, TogetherContract):
    """Tests that a token store passes."""
