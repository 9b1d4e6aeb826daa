"""Proof Key for Code Exchange (RFC 7636): S256, and nothing weaker."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from ..errors import InvalidSettingError

#: Length of the verifiers that are generated here, in characters (RFC 7636 section 4.1: 43-128).
VERIFIER_LENGTH = 48


def create_s256_code_challenge(code_verifier: str) -> str:
    """Compute the code challenge of a verifier (RFC 7636 section 4.2).

    :param code_verifier: 43 to 128 unreserved ASCII characters.
    :raises InvalidSettingError: if it is not ASCII.
    """
    if not code_verifier.isascii():  # the codec's own exception would show the verifier
        raise InvalidSettingError(
            "invalid_configuration", "code_verifier is made of ASCII characters only."
        )
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def check_code_challenge_method(method: str | None) -> None:
    """Accept S256 or an explicit ``None``.

    ``plain`` hides the verifier from nobody who reads the authorization request (RFC 9700
    section 2.1.1), so it is not offered even when the server lists nothing else.

    :raises InvalidSettingError: for any other value.
    """
    if method not in ("S256", None):
        raise InvalidSettingError(
            "invalid_configuration",
            'code_challenge_method is "S256" (or None to switch PKCE off).',
        )
