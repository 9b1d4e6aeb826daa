"""OAuth 1.0a and OAuth 2 sessions on requests."""

from __future__ import annotations

from ..protocol.errors import OAuthError
from ..protocol.oauth1.placement import SIGNATURE_TYPE_BODY
from ..protocol.oauth1.placement import SIGNATURE_TYPE_HEADER
from ..protocol.oauth1.placement import SIGNATURE_TYPE_QUERY
from ..protocol.oauth1.signature import SIGNATURE_HMAC_SHA1
from ..protocol.oauth1.signature import SIGNATURE_PLAINTEXT
from ..protocol.oauth1.signature import SIGNATURE_RSA_SHA1
from .assertion_session import AssertionSession
from .oauth1_auth import OAuth1Auth
from .oauth1_session import OAuth1Session
from .oauth2_auth import OAuth2Auth
from .oauth2_session import OAuth2Session

__all__ = [
    "SIGNATURE_HMAC_SHA1",
    "SIGNATURE_PLAINTEXT",
    "SIGNATURE_RSA_SHA1",
    "SIGNATURE_TYPE_BODY",
    "SIGNATURE_TYPE_HEADER",
    "SIGNATURE_TYPE_QUERY",
    "AssertionSession",
    "OAuth1Auth",
    "OAuth1Session",
    "OAuth2Auth",
    "OAuth2Session",
    "OAuthError",
]
