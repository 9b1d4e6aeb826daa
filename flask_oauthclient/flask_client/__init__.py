"""The Flask registry.

The classes of clients are imported when they are first asked for: an application that only sets
up its registry does not wait for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..protocol.errors import OAuthError
from ..protocol.lazy import lazy_names
from .extension import OAuth
from .signals import token_update

if TYPE_CHECKING:
    from .integration import FlaskIntegration
    from .remote_app import FlaskOAuth1App
    from .remote_app import FlaskOAuth2App
    from .remote_app import FlaskRemoteApp

__all__ = [
    "FlaskIntegration",
    "FlaskOAuth1App",
    "FlaskOAuth2App",
    "FlaskRemoteApp",
    "OAuth",
    "OAuthError",
    "token_update",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FlaskIntegration": ".integration",
        "FlaskOAuth1App": ".remote_app",
        "FlaskOAuth2App": ".remote_app",
        "FlaskRemoteApp": ".remote_app",
    },
)
