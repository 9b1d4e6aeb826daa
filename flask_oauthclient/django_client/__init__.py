"""The Django registry, and the application ``flask_oauthclient.django_client``.

Nothing here imports models, or what an application may not need: names are imported when they
are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..protocol.lazy import lazy_names

if TYPE_CHECKING:
    from ..protocol.errors import LoginRequired
    from ..protocol.errors import OAuthError
    from ..sign_in.identity import Identity
    from ..sign_in.login_result import LoginResult
    from ..sign_in.next_url import safe_next
    from .cookies import apply_cookies
    from .integration import DjangoIntegration
    from .registry import OAuth
    from .remote_app import DjangoOAuth1App
    from .remote_app import DjangoOAuth2App
    from .remote_app import DjangoRemoteApp
    from .signals import account_linked
    from .signals import account_unlinked
    from .signals import logged_out
    from .signals import login_failed
    from .signals import login_started
    from .signals import login_succeeded
    from .signals import token_refresh_failed
    from .signals import token_refreshed
    from .signals import token_update
    from .signed_in import current_identity
    from .signed_in import login_required
    from .token_store import DjangoTokenStore

__all__ = [
    "DjangoIntegration",
    "DjangoOAuth1App",
    "DjangoOAuth2App",
    "DjangoRemoteApp",
    "DjangoTokenStore",
    "Identity",
    "LoginRequired",
    "LoginResult",
    "OAuth",
    "OAuthError",
    "account_linked",
    "account_unlinked",
    "apply_cookies",
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
        "login_required": ".signed_in",
        "current_identity": ".signed_in",
        "account_unlinked": ".signals",
        "account_linked": ".signals",
        "DjangoIntegration": ".integration",
        "DjangoOAuth1App": ".remote_app",
        "DjangoOAuth2App": ".remote_app",
        "DjangoRemoteApp": ".remote_app",
        "DjangoTokenStore": ".token_store",
        "Identity": "..sign_in.identity",
        "LoginRequired": "..protocol.errors",
        "LoginResult": "..sign_in.login_result",
        "OAuth": ".registry",
        "OAuthError": "..protocol.errors",
        "apply_cookies": ".cookies",
        "logged_out": ".signals",
        "login_failed": ".signals",
        "login_started": ".signals",
        "login_succeeded": ".signals",
        "safe_next": "..sign_in.next_url",
        "token_refresh_failed": ".signals",
        "token_refreshed": ".signals",
        "token_update": ".signals",
    },
)
