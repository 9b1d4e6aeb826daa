"""OAuth 2 sessions on requests."""

from __future__ import annotations

from ..protocol.errors import OAuthError
from .auth import OAuth2Auth
from .oauth2_session import OAuth2Session

__all__ = ["OAuth2Auth", "OAuth2Session", "OAuthError"]
