"""Discovery and the key set: what the provider publishes about itself."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from .answer import Answer
from .answer import json_answer
from .authorization import ACR_VALUES
from .authorization import RESPONSE_MODES
from .clients import AUTH_METHODS
from .jws_verification import KEY_ALGORITHMS
from .jws_verification import SECRET_ALGORITHMS
from .keys import ALGORITHMS
from .personas import SCOPE_CLAIMS
from .tokens import GRANT_TYPES

if t.TYPE_CHECKING:
    from .provider import DevelopmentProvider


def well_known_paths(issuer_path: str) -> tuple[str, ...]:
    """List the three places where a client may look for the metadata.

    :param issuer_path: The path of the issuer, without a trailing slash.
    :returns: Paths from the root of the host: appended to the issuer (OpenID Connect Discovery
        4), and inserted before its path (RFC 8414 3.1) under both names.
    """
    return (
        f"{issuer_path}/.well-known/openid-configuration",
        f"/.well-known/openid-configuration{issuer_path}",
        f"/.well-known/oauth-authorization-server{issuer_path}",
    )


def discovery(provider: DevelopmentProvider) -> Answer:
    """Answer with the provider's metadata.

    :param provider: The provider.
    :returns: The answer.
    """
    return _cacheable(json_answer(metadata(provider)), provider.discovery_cache_control)


def metadata(provider: DevelopmentProvider) -> dict[str, t.Any]:
    """Describe a provider (OpenID Connect Discovery 3, RFC 8414 2).

    :param provider: The provider.
    :returns: The document.
    """
    base = provider.base_url
    claims = {name for names in SCOPE_CLAIMS.values() for name in names}
    protocol_claims = {"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr"}
    return {
        "issuer": provider.issuer,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "jwks_uri": f"{base}/jwks",
        "end_session_endpoint": f"{base}/end_session",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "scopes_supported": list(provider.scopes_supported),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        **_client_authentication("token", AUTH_METHODS),
        **_client_authentication("revocation", AUTH_METHODS),
        # RFC 7662 2.1: introspection is for clients that have credentials.
        **_client_authentication("introspection", [m for m in AUTH_METHODS if m != "none"]),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": list(ACR_VALUES),
        "claims_supported": sorted(claims | protocol_claims),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def _client_authentication(endpoint: str, methods: Iterable[str]) -> dict[str, list[str]]:
    return {
        f"{endpoint}_endpoint_auth_methods_supported": list(methods),
        f"{endpoint}_endpoint_auth_signing_alg_values_supported": [
            *SECRET_ALGORITHMS,
            *KEY_ALGORITHMS,
        ],
    }


def jwks(provider: DevelopmentProvider) -> Answer:
    """Answer with the public keys (RFC 7517 5).

    :param provider: The provider.
    :returns: The answer.
    """
    answer = json_answer(provider.keys.document(), content_type="application/jwk-set+json")
    return _cacheable(answer, provider.jwks_cache_control)


def _cacheable(answer: Answer, cache_control: str | None) -> Answer:
    return answer.with_header("ETag", answer.etag).with_header("Cache-Control", cache_control)
