"""The userinfo endpoint (OpenID Connect Core 5.3)."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ..error_codes import clean_text
from ..errors import InsecureTransportError
from ..errors import UserInfoError
from ..jwt import read_object
from ..jwt import split_compact
from ..messages import Purpose
from ..messages import Request
from ..messages import Response
from ..urls import is_secure
from .claims import UserInfo

#: Claims of the ID token's own business; a userinfo response has nothing to say about them.
_NOT_ABOUT_THE_USER = frozenset(
    {"iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "jti"}
)


def userinfo_request(endpoint: str, access_token: str, *, insecure_http: bool = False) -> Request:
    """Ask for claims with the access token in the header (Core 5.3.1, RFC 6750 section 2.1).

    :raises InsecureTransportError: if the token would travel in the clear.
    """
    if not is_secure(endpoint) and not insecure_http:
        raise InsecureTransportError
    headers = {
        "Accept": "application/json, application/jwt;q=0.9",
        "Authorization": f"Bearer {access_token}",
    }
    return Request(Purpose.USERINFO, "GET", endpoint, headers)


def parse_userinfo(
    response: Response,
    *,
    sub: str | None,
    openid: bool,
    verify_jwt: Callable[[str], Mapping[str, Any]],
    signed: bool = False,
) -> UserInfo:
    """Read and check a userinfo response.

    :param response: the answer, status included.
    :param sub: subject of the verified ID token, if there was one.
    :param openid: whether the token came from an OpenID Connect login, where ``sub`` is required.
        The user endpoints of plain OAuth 2 providers know no such claim.
    :param verify_jwt: verifies a signed response and gives its claims.
    :param signed: whether the client registered for a signed response.
    :raises UserInfoError: if it must not be used.
    :raises IDTokenError: if the signature of a signed response is not good.
    """
    check_status(response)
    if response.content_type == "application/jwt":
        claims = dict(verify_jwt(response.body.decode("ascii", "replace").strip()))
    elif signed:
        raise UserInfoError(
            "invalid_userinfo", "The userinfo response is not signed, though it has to be."
        )
    else:
        claims = response.json_object("userinfo response")
    if openid or sub is not None:
        check_subject(claims, sub)
    return UserInfo({k: v for k, v in claims.items() if k not in _NOT_ABOUT_THE_USER})


def check_status(response: Response) -> None:
    """Only 200 is an answer."""
    if response.status == 200:
        return
    refused = response.status in (401, 403)
    why = "does not accept the access token" if refused else "failed"
    raise UserInfoError(
        "invalid_userinfo",
        f"The userinfo endpoint {why} (HTTP {response.status}).",
        detail={"status": response.status},
        http_status=401 if refused else 502,
    )


def check_subject(claims: Mapping[str, Any], sub: str | None) -> None:
    """``sub`` MUST be there and MUST be the ID token's, or nothing may be used (Core 5.3.2)."""
    received = claims.get("sub")
    if not isinstance(received, str) or not received:
        raise UserInfoError("invalid_userinfo", "The userinfo response has no sub.")
    if sub is not None and received != sub:
        raise UserInfoError("userinfo_sub_mismatch", detail={"claim": "sub"})


def check_response_issuer(claims: Mapping[str, Any], issuer: str | None, client_id: str) -> None:
    """A signed response names its issuer and is meant for us, if it says so (Core 5.3.2)."""
    audience = claims.get("aud", client_id)
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss", issuer) != issuer or client_id not in audiences:
        raise UserInfoError(
            "invalid_userinfo",
            "The signed userinfo response comes from another issuer or is for another client.",
            detail={"iss": clean_text(claims.get("iss"))},
        )


def subject_of(id_token: object) -> str | None:
    """The subject of an ID token that was verified when it was received.

    It is only ever compared with, so that a userinfo response for another user is caught.
    """
    subject = claims_of(id_token).get("sub")
    return subject if isinstance(subject, str) else None


def claims_of(id_token: object) -> dict[str, Any]:
    """The claims of an ID token that was verified when it was received; to compare with only."""
    if not isinstance(id_token, str):
        return {}
    return dict(read_object(split_compact(id_token).payload_segment))
