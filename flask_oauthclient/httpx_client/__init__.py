"""OAuth 1.0a and OAuth 2 clients on httpx2, blocking and for event loops (asyncio, trio)."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("httpx2") is None:  # it is an extra
    raise ImportError(
        "flask_oauthclient.httpx_client needs httpx2: pip install 'flask_oauthclient[httpx]'"
    )

from ..protocol.errors import OAuthError
from ..protocol.oauth1.placement import SIGNATURE_TYPE_BODY
from ..protocol.oauth1.placement import SIGNATURE_TYPE_HEADER
from ..protocol.oauth1.placement import SIGNATURE_TYPE_QUERY
from ..protocol.oauth1.signature import SIGNATURE_HMAC_SHA1
from ..protocol.oauth1.signature import SIGNATURE_PLAINTEXT
from ..protocol.oauth1.signature import SIGNATURE_RSA_SHA1
from .assertion_client import AssertionClient
from .assertion_client import AsyncAssertionClient
from .client_auth import OAuth2ClientAuth
from .oauth1_auth import OAuth1Auth
from .oauth1_client import AsyncOAuth1Client
from .oauth1_client import OAuth1Client
from .oauth2_auth import OAuth2Auth
from .oauth2_client import AsyncOAuth2Client
from .oauth2_client import OAuth2Client

__all__ = [
    "SIGNATURE_HMAC_SHA1",
    "SIGNATURE_PLAINTEXT",
    "SIGNATURE_RSA_SHA1",
    "SIGNATURE_TYPE_BODY",
    "SIGNATURE_TYPE_HEADER",
    "SIGNATURE_TYPE_QUERY",
    "AssertionClient",
    "AsyncAssertionClient",
    "AsyncOAuth1Client",
    "AsyncOAuth2Client",
    "OAuth1Auth",
    "OAuth1Client",
    "OAuth2Auth",
    "OAuth2Client",
    "OAuth2ClientAuth",
    "OAuthError",
]
