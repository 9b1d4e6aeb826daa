"""OpenID Connect on top of OAuth 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .claims import UserInfo
    from .id_token_claims import CodeIDToken
    from .id_token_claims import HybridIDToken
    from .id_token_claims import IDToken
    from .id_token_claims import ImplicitIDToken
    from .id_token_claims import get_claim_cls_by_response_type
    from .logout_token import LogoutToken
    from .provider_metadata import OpenIDProviderMetadata
    from .provider_metadata import get_well_known_url

__all__ = [
    "CodeIDToken",
    "HybridIDToken",
    "IDToken",
    "ImplicitIDToken",
    "LogoutToken",
    "OpenIDProviderMetadata",
    "UserInfo",
    "get_claim_cls_by_response_type",
    "get_well_known_url",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CodeIDToken": ".id_token_claims",
        "HybridIDToken": ".id_token_claims",
        "IDToken": ".id_token_claims",
        "ImplicitIDToken": ".id_token_claims",
        "LogoutToken": ".logout_token",
        "OpenIDProviderMetadata": ".provider_metadata",
        "UserInfo": ".claims",
        "get_claim_cls_by_response_type": ".id_token_claims",
        "get_well_known_url": ".provider_metadata",
    },
)
