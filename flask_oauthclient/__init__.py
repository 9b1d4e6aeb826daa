"""OAuth 1.0a, OAuth 2 and OpenID Connect client for Flask.

::

    oauth = OAuth(app)
    oauth.register("demo", issuer="https://id.example", client_kwargs={"scope": "openid email"})
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from . import flask_client as _flask_client
from ._version import __version__
from .flask_client import OAuth
from .flask_client import OAuthError
from .flask_client import token_update

if TYPE_CHECKING:
    from .flask_client import FlaskIntegration
    from .flask_client import FlaskOAuth1App
    from .flask_client import FlaskOAuth2App
    from .flask_client import FlaskRemoteApp

__all__ = [
    "FlaskIntegration",
    "FlaskOAuth1App",
    "FlaskOAuth2App",
    "FlaskRemoteApp",
    "OAuth",
    "OAuthError",
    "__version__",
    "token_update",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(_flask_client, name)
    raise AttributeError(name)
