"""The Flask registry.

The classes of clients are imported when they are first asked for: an application that only sets
up its registry does not wait for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..protocol.errors import OAuthError
from ..protocol.lazy import lazy_names
from .extension import OAuth
from .signals import account_linked
from .signals import account_unlinked
from .signals import logged_out
from .signals import login_failed
from .signals import login_started
from .signals import login_succeeded
from .signals import token_update

if TYPE_CHECKING:
    from .identity import Identity
    from .integration import FlaskIntegration
    from .login_result import LoginResult
    from .next_url import safe_next
    from .remote_app import FlaskOAuth1App
    from .remote_app import FlaskOAuth2App
    from .remote_app import FlaskRemoteApp
    from .signed_in import current_identity
    from .step_up import login_required

__all__ = [
    "FlaskIntegration",
    "FlaskOAuth1App",
    "FlaskOAuth2App",
    "FlaskRemoteApp",
    "Identity",
    "LoginResult",
    "OAuth",
    "OAuthError",
    "account_linked",
    "account_unlinked",
    "current_identity",
    "logged_out",
    "login_failed",
    "login_required",
    "login_started",
    "login_succeeded",
    "safe_next",
    "token_update",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FlaskIntegration": ".integration",
        "FlaskOAuth1App": ".remote_app",
        "FlaskOAuth2App": ".remote_app",
        "FlaskRemoteApp": ".remote_app",
        "Identity": ".identity",
        "LoginResult": ".login_result",
        "current_identity": ".signed_in",
        "login_required": ".step_up",
        "safe_next": ".next_url",
    },
)
