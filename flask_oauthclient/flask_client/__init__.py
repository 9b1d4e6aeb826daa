"""The Flask registry."""

from __future__ import annotations

from ..protocol.errors import OAuthError
from .extension import OAuth
from .integration import FlaskIntegration
from .remote_app import FlaskOAuth2App
from .remote_app import FlaskRemoteApp
from .signals import token_update

__all__ = [
    "FlaskIntegration",
    "FlaskOAuth2App",
    "FlaskRemoteApp",
    "OAuth",
    "OAuthError",
    "token_update",
]
