"""The compact serialization of a signed JWT, read to the letter (RFC 7515 section 7.1, RFC 7519).

Decoders that forgive padding, foreign characters or stray trailing bits make several strings of
one token; nothing of the kind is accepted here.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from typing import NamedTuple

from . import strict_json
from .error_codes import clean_text
from .errors import MalformedIDTokenError
from .errors import UnsupportedAlgError

MAX_TOKEN = 128 * 1024
MAX_HEADER = 16 * 1024

# To the standard alphabet; the characters that only that one has become what no decoder takes.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
# The last character of a segment whose length is 2 or 3 (mod 4) has bits that must be zero.
_LAST = {0: None, 2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
_PADDING = {0: b"", 2: b"==", 3: b"="}

#: Headers of this length at the most are remembered: an issuer's tokens all have the same one.
_SHORT_HEADER = 512


class SignedJWT(NamedTuple):
    """Three segments, cut but not yet believed."""

    header_segment: str
    payload_segment: str
    signing_input: bytes
    signature: bytes


def decode_segment(segment: str) -> bytes:
    """Decode base64url without padding (RFC 7515 appendix C), canonical form only.

    :raises ValueError: for anything else.
    """
    rest = len(segment) % 4
    if rest == 1:
        raise ValueError("not base64url")
    last = _LAST[rest]
    if last is not None and segment[-1] not in last:
        raise ValueError("not canonical")
    standard = segment.encode("ascii").translate(_TO_STANDARD) + _PADDING[rest]
    return binascii.a2b_base64(standard, strict_mode=True)


def split_compact(token: object) -> SignedJWT:
    """Cut a compact JWS into its segments.

    :raises MalformedIDTokenError: if it is none, or longer than any honest token.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN or not token.isascii():
        raise MalformedIDTokenError
    segments = token.split(".")
    if len(segments) != 3 or len(segments[0]) > MAX_HEADER:
        raise MalformedIDTokenError(detail={"segments": len(segments)})
    try:
        signature = decode_segment(segments[2])
    except ValueError:
        signature = b""
    signing_input = token.rpartition(".")[0].encode("ascii")
    if not signature:
        raise _unsigned(segments)
    return SignedJWT(segments[0], segments[1], signing_input, signature)


def _unsigned(segments: list[str]) -> MalformedIDTokenError | UnsupportedAlgError:
    # An unsecured JWT (RFC 7519 section 6) deserves its own name in a report.
    if not segments[2] and _alg_of(segments[0]) == "none":
        return UnsupportedAlgError(detail={"alg": "none"})
    return MalformedIDTokenError()


def _alg_of(header_segment: str) -> str | None:
    try:
        alg = read_object(header_segment).get("alg")
    except MalformedIDTokenError:
        return None
    return alg.lower() if isinstance(alg, str) else None


def read_object(segment: str) -> dict[str, Any]:
    """Decode a segment that has to be a JSON object.

    :raises MalformedIDTokenError: if it is anything else.
    """
    try:
        value = strict_json.loads(decode_segment(segment))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise MalformedIDTokenError
    return value


def check_typ(typ: object) -> None:
    """A token with an explicit type of another kind is not an ID token (RFC 8725 section 3.11)."""
    if typ is None:
        return
    if not isinstance(typ, str) or typ.lower().endswith("+jwt"):
        raise MalformedIDTokenError(
            "invalid_id_token",
            "This JWT has another purpose than an ID token.",
            detail={"typ": clean_text(typ)},
        )


def read_header(segment: str, check_type: Callable[[object], None] = check_typ) -> dict[str, Any]:
    """Decode a header and judge it, apart from the algorithm's fitness.

    :param check_type: refuses the ``typ`` of a token for another purpose.
    :returns: the header; ``alg`` is a string. It is shared: do not change it.
    :raises UnsupportedAlgError: if ``alg`` is absent or no string.
    :raises MalformedIDTokenError: for ``crit``, since no extension is understood here (RFC 7515
        section 4.1.11), or for another kind of token.
    """
    judge = _known_header if len(segment) <= _SHORT_HEADER else _judge_header
    return judge(segment, check_type)


def _judge_header(segment: str, check_type: Callable[[object], None]) -> dict[str, Any]:
    header = read_object(segment)
    if "crit" in header:
        raise MalformedIDTokenError(detail={"header": "crit"})
    check_type(header.get("typ"))
    if not isinstance(header.get("alg"), str):
        raise UnsupportedAlgError(detail={"alg": clean_text(header.get("alg"))})
    return header


# Only headers that pass are remembered, and few of them.
_known_header = lru_cache(maxsize=64)(_judge_header)
