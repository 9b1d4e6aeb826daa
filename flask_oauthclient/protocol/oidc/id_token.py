"""ID token validation, complete (OpenID Connect Core 3.1.3.7).

:func:`verify_id_token` reads like that list. Each check is a function named after what it
checks, takes what it needs and raises one error. The order is: form, header, signature, then the
claims; nothing of the payload is used before the signature is good.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from .. import jose
from ..error_codes import clean_text
from ..errors import ExpiredIDTokenError
from ..errors import ImmatureIDTokenError
from ..errors import InvalidClaimError
from ..errors import MissingClaimError
from ..errors import UnsupportedAlgError
from ..jwt import read_header
from ..jwt import read_object
from ..jwt import split_compact
from .jwks import SignatureKeys

#: Tolerance for clocks that differ, in seconds, in both directions.
LEEWAY = 60
#: How long ago an ID token of a fresh login may have been issued, in seconds.
MAX_AGE_OF_TOKEN = 86_400

_FAR = 2**53
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class Expected(NamedTuple):
    """What the ID token of one login has to fit."""

    client_id: str
    issuer: str | None
    algs: frozenset[str] = jose.ASYMMETRIC
    nonce: str | None = None
    access_token: str | None = None
    code: str | None = None
    state: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    trusted_audiences: frozenset[str] = frozenset()
    leeway: float = LEEWAY
    max_token_age: float | None = MAX_AGE_OF_TOKEN

    def __repr__(self) -> str:
        return f"<Expected {self.issuer!r} {self.client_id!r}>"


class IDTokenContent(NamedTuple):
    """A verified ID token: its header and its claims."""

    header: dict[str, Any]
    claims: dict[str, Any]


def verify_id_token(
    token: object, keys: SignatureKeys, expected: Expected, now: float
) -> IDTokenContent:
    """Verify an ID token.

    :param token: the compact JWT.
    :param keys: the keys of the expected issuer.
    :param expected: what the login asked for.
    :param now: seconds since the epoch.
    :raises IDTokenError: a subclass with a stable code, for the first check that fails.
    """
    jwt = split_compact(token)
    header = read_header(jwt.header_segment)
    alg = check_alg(header["alg"], expected.algs)
    keys.verify(alg, header.get("kid"), jwt.signing_input, jwt.signature)
    claims = read_object(jwt.payload_segment)

    check_not_logout_token(claims)
    check_issuer(claims, expected.issuer)  # 3.1.3.7-2
    check_audience(claims, expected.client_id, expected.trusted_audiences)  # -3
    check_authorized_party(claims, expected.client_id)  # -4, -5
    check_subject(claims)
    check_expiry(claims, now, expected.leeway)  # -9
    check_issued_at(claims, now, expected.leeway, expected.max_token_age)  # -10
    check_not_before(claims, now, expected.leeway)
    check_nonce(claims, expected.nonce)  # -11
    check_acr(claims, expected.acr_values, essential=expected.acr_essential)  # -12
    check_auth_time(claims, now, expected.leeway, expected.max_age)  # -13
    check_hash(claims, "at_hash", expected.access_token, alg)  # 3.1.3.8
    check_hash(claims, "c_hash", expected.code, alg)  # 3.3.2.11
    check_hash(claims, "s_hash", expected.state, alg)  # FAPI 1.0 part 2, 5.1.1
    return IDTokenContent(dict(header), claims)


def check_alg(alg: str, allowed: frozenset[str]) -> str:
    """The algorithm is one that this client expects (Core 3.1.3.7-7, RFC 8725 section 3.1)."""
    if alg not in allowed:
        raise UnsupportedAlgError(
            "unsupported_alg",
            "The ID token is signed with an algorithm that is not allowed for this client. "
            "If the provider is right, register id_token_signed_response_alg.",
            detail={"alg": clean_text(alg, 20), "allowed": sorted(allowed)},
        )
    return alg


def check_not_logout_token(claims: Mapping[str, Any]) -> None:
    """A logout token is signed by the same key; it must not pass (Back-Channel Logout 2.4)."""
    if "events" in claims:
        raise invalid_claim("events", "a logout token is not an ID token")


def check_issuer(claims: Mapping[str, Any], issuer: str | None) -> None:
    """``iss`` is exactly the issuer that the login was started at."""
    received = required_claim(claims, "iss")
    if not isinstance(received, str) or not received:
        raise invalid_claim("iss", "it is not a string")
    if issuer is not None and received != issuer:
        raise invalid_claim("iss", "it is another issuer", expected=issuer, received=received)


def check_audience(
    claims: Mapping[str, Any], client_id: str, trusted: frozenset[str] = frozenset()
) -> None:
    """``aud`` contains this client, and nobody else who is not trusted."""
    received = required_claim(claims, "aud")
    audiences = [received] if isinstance(received, str) else received
    if not isinstance(audiences, list) or not all(isinstance(a, str) for a in audiences):
        raise invalid_claim("aud", "it is neither a string nor a list of strings")
    if client_id not in audiences:
        raise invalid_claim("aud", "it is meant for another client", expected=client_id)
    if not trusted.issuperset(set(audiences) - {client_id}):
        raise invalid_claim("aud", "it names further audiences; list them in trusted_audiences")


def check_authorized_party(claims: Mapping[str, Any], client_id: str) -> None:
    """``azp`` is this client; several audiences demand it."""
    azp = claims.get("azp")
    aud = claims.get("aud")
    if azp is None and isinstance(aud, list) and any(one != client_id for one in aud):
        raise missing_claim("azp")
    if azp is not None and azp != client_id:
        raise invalid_claim("azp", "it was issued to another client", expected=client_id)


def check_subject(claims: Mapping[str, Any]) -> None:
    """``sub`` is a string of at most 255 ASCII characters (Core section 2)."""
    subject = required_claim(claims, "sub")
    if not isinstance(subject, str) or not subject.isascii() or not 0 < len(subject) <= 255:
        raise invalid_claim("sub", "it is not a string of 1 to 255 ASCII characters")


def check_expiry(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    """The current time is before ``exp``; at exactly ``exp + leeway`` the token is dead."""
    expiry = required_time(claims, "exp")
    if now >= expiry + leeway:
        raise _expired(expiry, now)


def check_issued_at(
    claims: Mapping[str, Any], now: float, leeway: float, max_token_age: float | None
) -> None:
    """``iat`` lies neither in the future nor too far in the past."""
    issued = required_time(claims, "iat")
    if issued > now + leeway:
        raise _immature("iat", now, issued)
    if max_token_age is not None and issued < now - max_token_age - leeway:
        raise invalid_claim("iat", "it is too long ago for a fresh login", now=int(now), iat=issued)


def check_not_before(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    """``nbf``, when there is one, has been reached (RFC 7519 section 4.1.5)."""
    not_before = _time(claims, "nbf")
    if not_before is not None and not_before > now + leeway:
        raise _immature("nbf", now, not_before)


def check_nonce(claims: Mapping[str, Any], nonce: str | None) -> None:
    """``nonce`` is the one of this login, which stops replay and code injection."""
    if nonce is None:
        return
    received = required_claim(claims, "nonce")
    if not isinstance(received, str) or not _same(received, nonce):
        raise invalid_claim("nonce", "it belongs to another login")


def check_acr(claims: Mapping[str, Any], acr_values: tuple[str, ...], *, essential: bool) -> None:
    """``acr`` is one that was asked for; only an essential request makes it mandatory."""
    if not acr_values and not essential:
        return
    acr = claims.get("acr")
    if acr is None:
        if essential:
            raise missing_claim("acr")
        return
    if acr_values and acr not in acr_values:
        raise invalid_claim("acr", "the user logged in another way than asked for", received=acr)


def check_auth_time(
    claims: Mapping[str, Any], now: float, leeway: float, max_age: int | None
) -> None:
    """``auth_time`` is plausible, and recent enough if ``max_age`` was sent."""
    if max_age is None and claims.get("auth_time") is None:
        return
    authenticated = required_time(claims, "auth_time")
    if authenticated > now + leeway:
        raise invalid_claim("auth_time", "it lies in the future; check the clock", now=int(now))
    if max_age is not None and authenticated + max_age + leeway < now:
        raise invalid_claim("auth_time", "the user logged in too long ago for max_age")


def check_hash(claims: Mapping[str, Any], name: str, value: str | None, alg: str) -> None:
    """The left half of a hash binds a value of the response to the ID token.

    When the claim is there it must fit, in the code flow too, where it is optional. An algorithm
    without a known hash fails closed.
    """
    received = claims.get(name)
    if received is None or value is None:
        return
    expected = half_hash(value, alg)
    if not isinstance(received, str) or expected is None or not _same(received, expected):
        raise invalid_claim(name, "it does not belong to this response")


def half_hash(value: str, alg: str) -> str | None:
    """The left-most half of the hash of the signature's algorithm, in base64url."""
    function = hashlib.sha512 if alg in ("EdDSA", "Ed25519") else _HASHES.get(alg[-3:])
    if function is None:
        return None
    digest = function(_octets(value)).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(_octets(one), _octets(other))


def _octets(value: str) -> bytes:
    # JSON can carry half a surrogate pair, which is no character but must not be an exception.
    return value.encode("utf-8", "surrogatepass")


def required_claim(claims: Mapping[str, Any], name: str) -> Any:
    """Look a claim up; ``null`` is as good as absent.

    :raises MissingClaimError: if it is absent.
    """
    value = claims.get(name)
    if value is None:
        raise missing_claim(name)
    return value


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    return None if claims.get(name) is None else required_time(claims, name)


def required_time(claims: Mapping[str, Any], name: str) -> float:
    """Read a NumericDate: a number of whole or broken seconds, of a size that can be added to."""
    value = required_claim(claims, name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not -_FAR < value < _FAR:  # NaN and infinity fail the comparison
        raise invalid_claim(name, "it is not a number of seconds")
    seconds: float = value
    return seconds


def missing_claim(claim: str) -> MissingClaimError:
    """The error for a claim that is required and absent."""
    return MissingClaimError(
        "missing_claim", f"The ID token lacks the claim {claim!r}.", detail={"claim": claim}
    )


def invalid_claim(
    claim: str, why: str, kind: type[InvalidClaimError] = InvalidClaimError, **facts: Any
) -> InvalidClaimError:
    """The error for a claim with a value that does not fit; ``facts`` are cleaned for logs."""
    return kind(
        "invalid_claim",
        f"The ID token's claim {claim!r} is not acceptable: {why}.",
        detail={"claim": claim, **{k: _clean(v) for k, v in facts.items()}},
    )


def _immature(claim: str, now: float, moment: float) -> InvalidClaimError:
    why, facts = "it lies in the future; check the clock", {"now": int(now), claim: moment}
    return invalid_claim(claim, why, ImmatureIDTokenError, **facts)


def _clean(value: Any) -> Any:
    return value if isinstance(value, int | float) else clean_text(value)


def _expired(expiry: float, now: float) -> ExpiredIDTokenError:
    return ExpiredIDTokenError(
        "expired_id_token",
        f"The ID token expired {int(now - expiry)} seconds ago. Check the clock of this machine.",
        detail={"claim": "exp", "exp": expiry, "now": int(now)},
    )
