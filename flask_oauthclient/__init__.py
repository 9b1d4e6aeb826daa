"""OAuth 1.0a, OAuth 2 and OpenID Connect client for Flask.

::

    oauth = OAuth(app)
    oauth.register("demo", issuer="https://id.example", client_kwargs={"scope": "openid email"})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__
from .protocol.lazy import lazy_names

if TYPE_CHECKING:
    from .flask_client import CacheTokenStore
    from .flask_client import FlaskIntegration
    from .flask_client import FlaskOAuth1App
    from .flask_client import FlaskOAuth2App
    from .flask_client import FlaskRemoteApp
    from .flask_client import Identity
    from .flask_client import LoginRequired
    from .flask_client import LoginResult
    from .flask_client import MemoryTokenStore
    from .flask_client import OAuth
    from .flask_client import OAuthError
    from .flask_client import SealedTokenStore
    from .flask_client import SessionTokenStore
    from .flask_client import SQLAlchemyTokenStore as SQLAlchemyTokenStore
    from .flask_client import TokenKey
    from .flask_client import TokenMixin as TokenMixin
    from .flask_client import TokenStore
    from .flask_client import account_linked
    from .flask_client import account_unlinked
    from .flask_client import current_identity
    from .flask_client import logged_out
    from .flask_client import login_failed
    from .flask_client import login_required
    from .flask_client import login_started
    from .flask_client import login_succeeded
    from .flask_client import safe_next
    from .flask_client import token_refresh_failed
    from .flask_client import token_refreshed
    from .flask_client import token_table as token_table
    from .flask_client import token_update

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
    "__version__",
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

# Flask is imported when a name is asked for: the other rooms do without it.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CacheTokenStore": ".flask_client",
        "FlaskIntegration": ".flask_client",
        "FlaskOAuth1App": ".flask_client",
        "FlaskOAuth2App": ".flask_client",
        "FlaskRemoteApp": ".flask_client",
        "Identity": ".flask_client",
        "LoginRequired": ".flask_client",
        "LoginResult": ".flask_client",
        "MemoryTokenStore": ".flask_client",
        "OAuth": ".flask_client",
        "OAuthError": ".flask_client",
        "SQLAlchemyTokenStore": ".flask_client",
        "SealedTokenStore": ".flask_client",
        "SessionTokenStore": ".flask_client",
        "TokenKey": ".flask_client",
        "TokenMixin": ".flask_client",
        "TokenStore": ".flask_client",
        "account_linked": ".flask_client",
        "account_unlinked": ".flask_client",
        "current_identity": ".flask_client",
        "logged_out": ".flask_client",
        "login_failed": ".flask_client",
        "login_required": ".flask_client",
        "login_started": ".flask_client",
        "login_succeeded": ".flask_client",
        "safe_next": ".flask_client",
        "token_refresh_failed": ".flask_client",
        "token_refreshed": ".flask_client",
        "token_table": ".flask_client",
        "token_update": ".flask_client",
    },
)
