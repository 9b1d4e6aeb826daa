"""OAuth 2 as the RFCs have it, one file per concept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from ..errors import MismatchingStateException
    from ..errors import MissingCodeException
    from ..errors import MissingTokenException
    from ..errors import MissingTokenTypeException
    from ..errors import OAuth2Error
    from .assertion import AssertionClient
    from .bearer import TokenAuth
    from .client import OAuth2Client
    from .client_assertion import ClientSecretJWT
    from .client_assertion import PrivateKeyJWT
    from .client_auth import ClientAuth
    from .pkce import create_s256_code_challenge
    from .server_metadata import AuthorizationServerMetadata
    from .server_metadata import get_well_known_url
    from .token import OAuth2Token

__all__ = [
    "AssertionClient",
    "AuthorizationServerMetadata",
    "ClientAuth",
    "ClientSecretJWT",
    "MismatchingStateException",
    "MissingCodeException",
    "MissingTokenException",
    "MissingTokenTypeException",
    "OAuth2Client",
    "OAuth2Error",
    "OAuth2Token",
    "PrivateKeyJWT",
    "TokenAuth",
    "create_s256_code_challenge",
    "get_well_known_url",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AssertionClient": ".assertion",
        "AuthorizationServerMetadata": ".server_metadata",
        "ClientAuth": ".client_auth",
        "ClientSecretJWT": ".client_assertion",
        "MismatchingStateException": "..errors",
        "MissingCodeException": "..errors",
        "MissingTokenException": "..errors",
        "MissingTokenTypeException": "..errors",
        "OAuth2Client": ".client",
        "OAuth2Error": "..errors",
        "OAuth2Token": ".token",
        "PrivateKeyJWT": ".client_assertion",
        "TokenAuth": ".bearer",
        "create_s256_code_challenge": ".pkce",
        "get_well_known_url": ".server_metadata",
    },
)
