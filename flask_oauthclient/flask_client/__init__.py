"""The Flask registry.

The classes of clients are imported when they are first asked for: an application that only sets
up its registry does not wait for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..protocol.errors import LoginRequired
from ..protocol.errors import OAuthError
from ..protocol.lazy import lazy_names
from .extension import OAuth
from .signals import account_linked
from .signals import account_unlinked
from .signals import logged_out
from .signals import login_failed
from .signals import login_started
from .signals import login_succeeded
from .signals import token_refresh_failed
from .signals import token_refreshed
from .signals import token_update

if TYPE_CHECKING:
    from ..sign_in.identity import Identity
    from ..sign_in.login_result import LoginResult
    from ..sign_in.next_url import safe_next
    from ..storage.tokens.cache import CacheTokenStore
    from ..storage.tokens.key import TokenKey
    from ..storage.tokens.memory import MemoryTokenStore
    from ..storage.tokens.sqlalchemy import SQLAlchemyTokenStore as SQLAlchemyTokenStore
    from ..storage.tokens.sqlalchemy import TokenMixin as TokenMixin
    from ..storage.tokens.sqlalchemy import token_table as token_table
    from ..storage.tokens.store import SealedTokenStore
    from ..storage.tokens.store import TokenStore
    from .integration import FlaskIntegration
    from .remote_app import FlaskOAuth1App
    from .remote_app import FlaskOAuth2App
    from .remote_app import FlaskRemoteApp
    from .session_tokens import SessionTokenStore
    from .signed_in import current_identity
    from .step_up import login_required

__all__ = [
    "CacheTokenStore",
    "FlaskIntegration",
    "FlaskOAuth1App",
    "FlaskOAuth2App",
    "FlaskRemoteApp",
    "Identity",
    "LoginRequired",
    "LoginResult",
    "MemoryTokenStore",
    "OAuth",
    "OAuthError",
    "SealedTokenStore",
    "SessionTokenStore",
    "TokenKey",
    "TokenStore",
    "account_linked",
    "account_unlinked",
    "current_identity",
    "logged_out",
    "login_failed",
    "login_required",
    "login_started",
    "login_succeeded",
    "safe_next",
    "token_refresh_failed",
    "token_refreshed",
    "token_update",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CacheTokenStore": "..storage.tokens.cache",
        "MemoryTokenStore": "..storage.tokens.memory",
        "SQLAlchemyTokenStore": "..storage.tokens.sqlalchemy",
        "SealedTokenStore": "..storage.tokens.store",
        "SessionTokenStore": ".session_tokens",
        "TokenKey": "..storage.tokens.key",
        "TokenStore": "..storage.tokens.store",
        "TokenMixin": "..storage.tokens.sqlalchemy",
        "token_table": "..storage.tokens.sqlalchemy",
        "FlaskIntegration": ".integration",
        "FlaskOAuth1App": ".remote_app",
        "FlaskOAuth2App": ".remote_app",
        "FlaskRemoteApp": ".remote_app",
        "Identity": "..sign_in.identity",
        "LoginResult": "..sign_in.login_result",
        "current_identity": ".signed_in",
        "login_required": ".step_up",
        "safe_next": "..sign_in.next_url",
    },
)
