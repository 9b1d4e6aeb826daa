"""The Flask registry.

The classes of clients are imported when they are first asked for: an application that only sets
up its registry does not wait for the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

from ..protocol.errors import OAuthError
from .extension import OAuth
from .signals import token_update

if TYPE_CHECKING:
    from .integration import FlaskIntegration
    from .remote_app import FlaskOAuth1App
    from .remote_app import FlaskOAuth2App
    from .remote_app import FlaskRemoteApp

_LATER = {
    "FlaskIntegration": ".integration",
    "FlaskOAuth1App": ".remote_app",
    "FlaskOAuth2App": ".remote_app",
    "FlaskRemoteApp": ".remote_app",
}

__all__ = [
    "FlaskIntegration",
    "FlaskOAuth1App",
    "FlaskOAuth2App",
    "FlaskRemoteApp",
    "OAuth",
    "OAuthError",
    "token_update",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name], __name__), name)
    raise AttributeError(name)
