"""OAuth 1.0a (RFC 5849)."""

from __future__ import annotations

from .client import OAuth1Client
from .client_auth import ClientAuth
from .placement import SIGNATURE_TYPE_BODY
from .placement import SIGNATURE_TYPE_HEADER
from .placement import SIGNATURE_TYPE_QUERY
from .signature import SIGNATURE_HMAC_SHA1
from .signature import SIGNATURE_HMAC_SHA256
from .signature import SIGNATURE_HMAC_SHA512
from .signature import SIGNATURE_PLAINTEXT
from .signature import SIGNATURE_RSA_SHA1
from .signature import SIGNATURE_RSA_SHA256
from .signature import SIGNATURE_RSA_SHA512
from .signature import SignatureRequest
from .token import OAuth1Token

__all__ = [
    "SIGNATURE_HMAC_SHA1",
    "SIGNATURE_HMAC_SHA256",
    "SIGNATURE_HMAC_SHA512",
    "SIGNATURE_PLAINTEXT",
    "SIGNATURE_RSA_SHA1",
    "SIGNATURE_RSA_SHA256",
    "SIGNATURE_RSA_SHA512",
    "SIGNATURE_TYPE_BODY",
    "SIGNATURE_TYPE_HEADER",
    "SIGNATURE_TYPE_QUERY",
    "ClientAuth",
    "OAuth1Client",
    "OAuth1Token",
    "SignatureRequest",
]
