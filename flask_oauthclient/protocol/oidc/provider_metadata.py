"""The metadata document of an OpenID Provider, judged in full (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

from typing import Any
from typing import ClassVar
from urllib.parse import urlsplit

from ..oauth2.metadata import OPENID
from ..oauth2.metadata import check_issuer_url
from ..oauth2.server_metadata import AuthorizationServerMetadata
from ..oauth2.server_metadata import bad_member

#: Members whose values come from a closed list (Discovery section 3).
_CHOICES = {
    "subject_types_supported": frozenset({"pairwise", "public"}),
    "display_values_supported": frozenset({"page", "popup", "touch", "wap"}),
    "claim_types_supported": frozenset({"normal", "aggregated", "distributed"}),
}


def get_well_known_url(issuer: str, external: bool = False) -> str:
    """Where Discovery 4.1 has the metadata: the suffix stands behind the issuer's path.

    :param issuer: the issuer.
    :param external: give the whole URL instead of its path.
    :raises MetadataError: (a ``ValueError``) if that is no issuer.
    """
    check_issuer_url(issuer)
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/") + OPENID
    return f"{parts.scheme}://{parts.netloc}{path}" if external else path


class OpenIDProviderMetadata(AuthorizationServerMetadata):
    """A metadata document of an OpenID Provider; its registered members are attributes too."""

    REGISTRY_KEYS: ClassVar[tuple[str, ...]] = (
        *AuthorizationServerMetadata.REGISTRY_KEYS,
        "userinfo_endpoint",
        "end_session_endpoint",
        "acr_values_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "id_token_encryption_alg_values_supported",
        "id_token_encryption_enc_values_supported",
        "userinfo_signing_alg_values_supported",
        "userinfo_encryption_alg_values_supported",
        "userinfo_encryption_enc_values_supported",
        "request_object_signing_alg_values_supported",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
        "display_values_supported",
        "claim_types_supported",
        "claims_supported",
        "claims_locales_supported",
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
    )
    DEFAULTS: ClassVar[dict[str, Any]] = {
        **AuthorizationServerMetadata.DEFAULTS,
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": False,
    }
    BOOLEANS = (
        *AuthorizationServerMetadata.BOOLEANS,
        "claims_parameter_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
    )

    def check(self) -> None:
        """Check the rules of RFC 8414 and of Discovery section 3."""
        super().check()
        self.check_required(
            "jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"
        )
        if "RS256" not in self["id_token_signing_alg_values_supported"]:
            raise bad_member("id_token_signing_alg_values_supported", "lacks RS256")
        for name, choices in _CHOICES.items():
            if not choices.issuperset(self.get(name, ())):
                raise bad_member(name, "has a value that is not defined")
