"""Faults in the ID token and in the authorization response."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from collections.abc import Callable
from collections.abc import Iterable

from . import jws
from .fault import Fault
from .keys import SigningKey

Claims = dict[str, t.Any]
ParamList = list[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class TokenDraft:
    """A JWT that is about to be signed."""

    header: Claims
    claims: Claims
    sign: Callable[[bytes], bytes] = dataclasses.field(repr=False)
    #: Raw bytes in place of the encoded claims: JSON that no encoder would write.
    payload: bytes | None = dataclasses.field(default=None, repr=False)
    #: Changes to the finished compact form.
    edits: tuple[Callable[[str], str], ...] = ()

    def compact(self) -> str:
        """Sign and serialize (RFC 7515 3.1).

        :returns: The compact form.
        """
        payload = jws.dump(self.claims) if self.payload is None else self.payload
        signing_input = f"{jws.b64url(jws.dump(self.header))}.{jws.b64url(payload)}"
        token = f"{signing_input}.{jws.b64url(self.sign(signing_input.encode()))}"
        return functools.reduce(lambda text, edit: edit(text), self.edits, token)


class TokenFault(Fault[TokenDraft]):
    """A fault in the ID token."""

    def edit_claims(self, change: Callable[[Claims], Claims]) -> t.Self:
        """Change the claims before signing.

        :param change: Gets the claims, returns others.
        :returns: This fault.
        """
        return self.edit(lambda draft: dataclasses.replace(draft, claims=change(draft.claims)))

    def edit_header(self, change: Callable[[Claims], Claims]) -> t.Self:
        """Change the header before signing; the key and algorithm of the signature stay.

        :param change: Gets the header, returns another.
        :returns: This fault.
        """
        return self.edit(lambda draft: dataclasses.replace(draft, header=change(draft.header)))

    def payload(self, payload: bytes) -> t.Self:
        """Sign these bytes instead of the claims.

        :param payload: What stands in place of the encoded claims.
        :returns: This fault.
        """
        return self.edit(lambda draft: dataclasses.replace(draft, payload=payload))

    def edit_compact(self, change: Callable[[str], str]) -> t.Self:
        """Change the signed and serialized token.

        :param change: Gets the compact form, returns another.
        :returns: This fault.
        """
        return self.edit(lambda draft: dataclasses.replace(draft, edits=(*draft.edits, change)))

    def tamper_signature(self) -> t.Self:
        """Flip one bit of the signature.

        :returns: This fault.
        """
        return self.edit(_tampered)

    def sign_with(
        self, alg: str, key: SigningKey | jws.SigningSecret = None, kid: str | None = None
    ) -> t.Self:
        """Sign otherwise.

        :param alg: The algorithm; ``none`` leaves the signature empty.
        :param key: A key, or the secret of an HMAC algorithm.
        :param kid: The key id in the header; that of a :class:`SigningKey` by default, else the
            ID token's own stays.
        :returns: This fault.
        """
        return self.edit(lambda draft: sign_draft(draft, alg, key, kid))


class CallbackFault(Fault[ParamList]):
    """A fault in the parameters of the authorization response."""

    def edit_params(self, change: Callable[[ParamList], Iterable[tuple[str, str]]]) -> t.Self:
        """Change the parameters.

        :param change: Gets names and values in order, returns others; a name may be repeated.
        :returns: This fault.
        """
        return self.edit(lambda pairs: list(change(pairs)))


def sign_draft(
    draft: TokenDraft,
    alg: str,
    key: SigningKey | jws.SigningSecret,
    kid: str | None = None,
) -> TokenDraft:
    header = {**draft.header, "alg": alg}
    if isinstance(key, SigningKey):
        header["kid"] = kid or key.kid
        key = key.private
    elif kid is not None:
        header["kid"] = kid
    sign = functools.partial(jws.sign, alg, key)
    return dataclasses.replace(draft, header=header, sign=sign)


def _tampered(draft: TokenDraft) -> TokenDraft:
    def sign(data: bytes) -> bytes:
        return _flip(draft.sign(data))

    return dataclasses.replace(draft, sign=sign)


def _flip(signature: bytes) -> bytes:
    return bytes([signature[0] ^ 1]) + signature[1:] if signature else b"\x00"
