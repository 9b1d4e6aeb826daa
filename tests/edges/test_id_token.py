"""The rows of the tables of ID tokens, each in a login."""

# ruff: noqa: F403  the tests of those modules, once more
from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterator

import pytest

from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.site import Site
from tests.protocol import _login
from tests.protocol import test_id_token_signature
from tests.protocol.test_id_token_claims import *
from tests.protocol.test_id_token_form import *
from tests.protocol.test_id_token_signature import *

from ._judge import Judge
from ._judge import PublishedKeys

pytestmark = pytest.mark.edges("flask", "flask-httpx", "django")


@pytest.fixture(autouse=True)
def _judged_by_logins(
    provider: DevelopmentProvider,
    make_site: Callable[..., Site],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    judge = Judge(provider, make_site)
    monkeypatch.setattr(_login, "verify_id_token", judge)
    for module in (_login, test_id_token_signature):
        monkeypatch.setattr(module, "JWKSet", PublishedKeys)
    monkeypatch.setattr(time, "time", lambda: _login.NOW)
    yield
    assert judge.count, "no token was judged"
