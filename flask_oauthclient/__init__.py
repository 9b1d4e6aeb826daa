"""OAuth 1.0a, OAuth 2 and OpenID Connect client for Flask.

::

    oauth = OAuth(app)
    oauth.register("demo", issuer="https://id.example", client_kwargs={"scope": "openid email"})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__
from .flask_client import OAuth
from .flask_client import OAuthError
from .flask_client import token_update
from .protocol.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FlaskIntegration": ".flask_client",
        "FlaskOAuth1App": ".flask_client",
        "FlaskOAuth2App": ".flask_client",
        "FlaskRemoteApp": ".flask_client",
    },
)
