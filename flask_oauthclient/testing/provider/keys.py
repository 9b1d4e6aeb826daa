"""The provider's signing keys: one per algorithm, published together, rotated together."""

from __future__ import annotations

import dataclasses
import functools
import secrets
import threading
import typing as t
import weakref
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa

from . import jws

#: The algorithms that every provider has a key for.
ALGORITHMS = ("RS256", "ES256", "EdDSA")
#: How many old keys stay published.
MAX_RETIRED = 24


@dataclasses.dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the name and the algorithm that it is published under."""

    kid: str
    alg: str
    private: jws.PrivateKey = dataclasses.field(repr=False)

    @classmethod
    def generate(cls, alg: str = "RS256", kid: str | None = None) -> SigningKey:
        """Make a new key that no provider publishes.

        :param alg: ``RS256`` and its relatives, ``ES256`` or ``EdDSA``.
        :param kid: Its key id; a random one by default.
        :returns: The key.
        :raises ValueError: if no key can be made for the algorithm.
        """
        return cls(kid or _new_kid(alg), alg, _generate(alg))

    @property
    def public_jwk(self) -> dict[str, t.Any]:
        """The public key as published (RFC 7517 4)."""
        return {**jws.public_jwk(self.private), "kid": self.kid, "alg": self.alg, "use": "sig"}

    def sign(self, data: bytes) -> bytes:
        """Sign with this key and its algorithm.

        :param data: The signing input.
        :returns: The raw signature.
        """
        return jws.sign(self.alg, self.private, data)


def _generate(alg: str) -> jws.PrivateKey:
    if alg[:2] in ("RS", "PS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"No signing key can be made for {alg!r}; use one of {ALGORITHMS}.")


def _new_kid(alg: str) -> str:
    return f"{alg.lower()}-{secrets.token_hex(4)}"


class _Lease:
    """An RSA key borrowed from the pool; the pool takes it back when nobody holds this."""

    __slots__ = ("__weakref__", "key")

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key = key


class _RSAPool:
    """Lends RSA keys, which take some 40 ms each to make.

    Two key rings alive at the same time never share a key: a client that mixed up two issuers
    would not be caught by that. A ring that is gone gives its keys back, so that a suite of
    hundreds of providers makes a handful of keys.
    """

    def __init__(self) -> None:
        # Reentrant, because a lease may be collected, and so returned, while this thread borrows.
        self._lock = threading.RLock()
        self._free: list[rsa.RSAPrivateKey] = []

    def borrow(self) -> _Lease:
        with self._lock:
            key = self._free.pop() if self._free else None
        if key is None:
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        lease = _Lease(key)
        weakref.finalize(lease, self._give_back, key).atexit = False
        return lease

    def _give_back(self, key: rsa.RSAPrivateKey) -> None:
        with self._lock:
            self._free.append(key)


@functools.cache
def _pool() -> _RSAPool:
    return _RSAPool()


@dataclasses.dataclass(frozen=True, slots=True)
class _Published:
    """One state of a key ring, swapped as a whole so that readers need no lock."""

    current: dict[str, SigningKey]
    retired: tuple[SigningKey, ...]
    leases: tuple[_Lease, ...]
    document: dict[str, t.Any]

    def __iter__(self) -> Iterator[SigningKey]:
        yield from self.current.values()
        yield from self.retired


def _new_state() -> _Published:
    lease = _pool().borrow()
    current = {
        alg: SigningKey(_new_kid(alg), alg, lease.key if alg == "RS256" else _generate(alg))
        for alg in ALGORITHMS
    }
    return _publish(current, (), (lease,))


def _publish(
    current: dict[str, SigningKey], retired: tuple[SigningKey, ...], leases: tuple[_Lease, ...]
) -> _Published:
    keys = [*current.values(), *retired]
    return _Published(current, retired, leases, {"keys": [key.public_jwk for key in keys]})


class KeyRing:
    """The signing keys of one provider; may be shared by several.

    Iterating gives every published key, those that sign first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = _new_state()

    def __iter__(self) -> Iterator[SigningKey]:
        return iter(self._state)

    def __len__(self) -> int:
        return sum(1 for _ in self._state)

    def signing_key(self, alg: str) -> SigningKey:
        """Find the key that signs now.

        :param alg: The algorithm.
        :returns: Its current key.
        :raises KeyError: if the ring has no key for the algorithm.
        """
        return self._state.current[alg]

    def rotate(self, keep_old: bool = True) -> None:
        """Replace every signing key.

        :param keep_old: Go on publishing the old ones, as a careful provider does.
        """
        with self._lock:
            old = self._state
            new = _new_state()
            if keep_old:
                kept = tuple(old)[:MAX_RETIRED]
                new = _publish(new.current, kept, new.leases + old.leases)
            self._state = new

    def document(self) -> dict[str, t.Any]:
        """Describe the published keys.

        :returns: A JWK Set (RFC 7517 5).
        """
        return self._state.document
