"""What is sealed into a row: the token, its key, and the last failure to refresh it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from ...protocol.errors import InvalidSettingError
from ...protocol.errors import OAuthError
from ...protocol.errors import TokenRequestError
from ...protocol.errors import TokenStoreError
from ...protocol.errors import TransportError
from ...protocol.masked import MaskedDict
from .key import TokenKey

#: Seconds for which a provider that has failed is not asked again about the same token.
FAILURE_SECONDS = 30
#: Bytes of a token response that are kept.
MAX_TOKEN_BYTES = 60_000
#: Members of a token that belong to the login that gave it.
_NOT_KEPT = frozenset({"extra"})

Token = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_decode = json.JSONDecoder().raw_decode


class Failure(NamedTuple):
    """A refresh that failed for reasons that may pass."""

    at: float
    is_transport: bool
    error: str
    description: str
    http_status: int

    @classmethod
    def of(cls, error: OAuthError, at: float) -> Failure:
        """Note an error."""
        is_transport = isinstance(error, TransportError)
        return cls(at, is_transport, error.error, error.description, error.http_status)

    def check_is_over(self, now: float) -> None:
        """Raise the error once more while it is fresh.

        :raises ProviderError: as the provider failed, for whoever asked then.
        """
        if not 0 <= now - self.at < FAILURE_SECONDS:  # a clock that was set back proves nothing
            return
        kind = TransportError if self.is_transport else TokenRequestError
        raise kind(
            self.error,
            self.description,
            detail={"remembered": True, "age": round(now - self.at, 1)},
            http_status=self.http_status,
        )


class Kept(NamedTuple):
    """The content of a row."""

    key: TokenKey
    token: Token | None
    failure: Failure | None = None

    def write(self) -> bytes:
        """Encode.

        :raises InvalidSettingError: for a token that is no JSON.
        :raises TokenStoreError: for one that is too large.
        """
        try:
            data = _encode(self).encode("ascii")
        except (TypeError, ValueError, RecursionError):
            data = b""
        if not data:
            raise InvalidSettingError(
                "invalid_configuration", "A token to be stored consists of what JSON can say."
            )
        size = len(data)
        if size <= MAX_TOKEN_BYTES:
            return data
        del data  # error trackers show the variables of whoever raises
        raise TokenStoreError("token_too_large", detail={"size": size, "limit": MAX_TOKEN_BYTES})


def read_kept(data: bytes) -> Kept:
    """Decode what :meth:`Kept.write` wrote; it was authenticated as that.

    :raises ValueError: for what another version of it wrote, in a form of its own.
    """
    try:
        (key, token, failure), _ = _decode(data.decode("ascii"))
        masked = None if token is None else MaskedDict(token)
        return Kept(TokenKey(*key), masked, Failure(*failure) if failure else None)
    except (TypeError, RecursionError) as error:
        raise ValueError(type(error).__name__) from None


def is_other(stale: Mapping[str, Any] | None, current: Mapping[str, Any] | None) -> bool:
    """Whether another token is there than the one that somebody finds stale."""
    if current is None:
        return False
    if stale is None or _name(stale) != _name(current):
        return True
    # Some providers answer a refresh with the same access token and a new refresh token.
    spent, there = stale.get("refresh_token"), current.get("refresh_token")
    return bool(spent and there) and spent != there


def _name(token: Mapping[str, Any]) -> Any:
    return token.get("access_token"), token.get("oauth_token")


def without_extra(token: Mapping[str, Any]) -> Token:
    """A token without what belongs to the login that gave it; its ``repr`` shows no secret."""
    return MaskedDict({n: value for n, value in token.items() if n not in _NOT_KEPT})


def now() -> float:
    """Seconds since the epoch, as all machines count them."""
    return time.time()
