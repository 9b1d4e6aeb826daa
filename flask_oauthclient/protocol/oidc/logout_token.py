"""Logout token validation (OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6).

A logout token is signed like an ID token and arrives on its own, from anybody. Where a rule is the
ID token's, its check is used; the failure is reported as the logout token's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..error_codes import clean_text
from ..errors import IDTokenError
from ..errors import LogoutTokenError
from ..errors import MalformedIDTokenError
from ..jwt import read_header
from ..jwt import read_object
from ..jwt import split_compact
from .id_token import Expected
from .id_token import check_alg
from .id_token import check_audience
from .id_token import check_expiry
from .id_token import check_issued_at
from .id_token import check_issuer
from .id_token import check_not_before
from .id_token import check_subject
from .id_token import invalid_claim
from .id_token import missing_claim
from .id_token import required_claim
from .id_token import required_time
from .jwks import SignatureKeys

#: The member of ``events`` that makes a JWT a logout token.
EVENT = "http://schemas.openid.net/event/backchannel-logout"
#: How long ago a logout token may have been issued, in seconds. Its ``jti`` has to be remembered
#: only that long.
MAX_AGE_OF_LOGOUT_TOKEN = 600

# RFC 7515 section 4.1.9: the prefix of a media type may be left out, and case does not matter.
_TYPES = frozenset({"jwt", "logout+jwt", "application/jwt", "application/logout+jwt"})


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """A verified logout token."""

    issuer: str
    #: The user; with no ``sid`` beside it, all of their sessions are meant.
    sub: str | None
    #: The session at the provider.
    sid: str | None
    #: What makes the token unique at its issuer.
    jti: str
    issued_at: float
    #: When it would be refused as too old, whatever clocks do; until then it can be replayed.
    acceptable_until: float


def verify_logout_token(
    token: object, keys: SignatureKeys, expected: Expected, now: float
) -> LogoutToken:
    """Verify a logout token.

    ``exp`` is required, as the final specification has it (drafts did not know the claim, and a
    few servers still leave it out).

    :param token: the compact JWT.
    :param keys: the keys of the expected issuer.
    :param expected: the client, the issuer and the algorithms of its ID tokens; what belongs to
        one login is not looked at.
    :param now: seconds since the epoch.
    :raises LogoutTokenError: for the first check that fails; ``detail`` has the ``reason`` and,
        where there is one, the ``claim``.
    """
    try:
        return _verify(token, keys, expected, now)
    except IDTokenError as failure:
        raise LogoutTokenError(
            "invalid_logout_token",
            # Our own words, which hold nothing of the token.
            failure.description.replace("ID token", "logout token"),
            detail={"reason": failure.error, **failure.detail},
        ) from None


def _verify(token: object, keys: SignatureKeys, expected: Expected, now: float) -> LogoutToken:
    jwt = split_compact(token)
    header = read_header(jwt.header_segment, check_typ)
    alg = check_alg(header["alg"], expected.algs)
    keys.verify(alg, header.get("kid"), jwt.signing_input, jwt.signature)  # 2.6-2
    claims = read_object(jwt.payload_segment)

    check_event(claims)  # 2.6-6, first: it tells an ID token from a bad logout token
    check_no_nonce(claims)  # -7
    check_issuer(claims, expected.issuer)  # -3
    check_audience(claims, expected.client_id, expected.trusted_audiences)
    check_expiry(claims, now, expected.leeway)
    check_issued_at(claims, now, expected.leeway, None)
    check_recent(claims, now, expected.leeway)
    check_not_before(claims, now, expected.leeway)
    check_target(claims)  # -5
    check_identifier(claims)  # 2.4
    return _content(claims, expected.leeway)


def _content(claims: Mapping[str, Any], leeway: float) -> LogoutToken:
    issued_at = required_time(claims, "iat")
    last = min(required_time(claims, "exp"), issued_at + MAX_AGE_OF_LOGOUT_TOKEN)
    return LogoutToken(
        claims["iss"],
        claims.get("sub"),
        claims.get("sid"),
        claims["jti"],
        issued_at,
        acceptable_until=last + leeway,
    )


def check_typ(typ: object) -> None:
    """``typ`` is the logout token's own, or says nothing (2.4, RFC 8725 section 3.11).

    Unlike an ID token's, the rule names what is good: a token for any other purpose that this
    provider signs must not end a session.
    """
    if typ is not None and not (isinstance(typ, str) and typ.lower() in _TYPES):
        raise MalformedIDTokenError(
            "invalid_id_token",
            "This JWT has another purpose than a logout token.",
            detail={"typ": clean_text(typ)},
        )


def check_event(claims: Mapping[str, Any]) -> None:
    """``events`` has the one member that makes a JWT a logout token, an object (2.4)."""
    events = required_claim(claims, "events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise invalid_claim("events", "it does not tell of a back-channel logout")


def check_no_nonce(claims: Mapping[str, Any]) -> None:
    """There is no ``nonce``, so that no logout token is an ID token of any login (2.4)."""
    if "nonce" in claims:
        raise invalid_claim("nonce", "a logout token must have none")


def check_recent(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    """``iat`` is not long ago, which bounds how long a captured token is worth something (4)."""
    issued = required_time(claims, "iat")
    if issued + MAX_AGE_OF_LOGOUT_TOKEN + leeway <= now:
        raise invalid_claim("iat", "it is too long ago", now=int(now), iat=issued)


def check_target(claims: Mapping[str, Any]) -> None:
    """Somebody or something ends: ``sub``, ``sid`` or both (2.4)."""
    if claims.get("sub") is None and claims.get("sid") is None:
        raise missing_claim("sid")
    if claims.get("sub") is not None:
        check_subject(claims)
    if claims.get("sid") is not None:
        _check_filled(claims, "sid")


def check_identifier(claims: Mapping[str, Any]) -> None:
    """``jti`` is there, to know the token again by (2.4, 2.6-8)."""
    _check_filled(claims, "jti")


def _check_filled(claims: Mapping[str, Any], name: str) -> None:
    value = required_claim(claims, name)
    if not isinstance(value, str) or not value:
        raise invalid_claim(name, "it is not a string with something in it")
