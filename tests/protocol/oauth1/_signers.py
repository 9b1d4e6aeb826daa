"""Signers whose nonce and timestamp are known, keys, and readers of what they write."""

from __future__ import annotations

import functools
import re
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat

from flask_oauthclient.protocol.oauth1 import ClientAuth

NONCE = "0123456789abcdef01234567"
TIMESTAMP = "1700000000"
URL = "https://api.test/1/photos"
FORM = "application/x-www-form-urlencoded"

METHODS = [
    "HMAC-SHA1",
    "HMAC-SHA256",
    "HMAC-SHA512",
    "RSA-SHA1",
    "RSA-SHA256",
    "RSA-SHA512",
    "PLAINTEXT",
]

_FIELD = re.compile(r'([a-z_]+)="([^"]*)"')


class FixedAuth(ClientAuth):
    """A signer that signs the same request in the same way each time."""

    def generate_nonce(self) -> str:
        """Always the same."""
        return NONCE

    def generate_timestamp(self) -> str:
        """Always the same."""
        return TIMESTAMP


@functools.cache
def _rsa_key(which: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def rsa_key(which: int = 0) -> rsa.RSAPrivateKey:
    """One of several RSA keys; they are slow to make."""
    return _rsa_key(which)


def pem(form: PrivateFormat = PrivateFormat.PKCS8, which: int = 0) -> str:
    """An RSA key as text."""
    return rsa_key(which).private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def signer(*args: Any, **kwargs: Any) -> FixedAuth:
    """A signer with credentials, unless others are given."""
    defaults = {"token": "a-token", "token_secret": "a-token-secret"}
    return FixedAuth(*(args or ("a-client", "a-client-secret")), **{**defaults, **kwargs})


def fields(headers: dict[str, str]) -> dict[str, str]:
    """The parameters of an Authorization header, decoded."""
    scheme, _, rest = headers["Authorization"].partition(" ")
    assert scheme == "OAuth"
    return {name: unquote(value) for name, value in _FIELD.findall(rest)}


def sign(auth: ClientAuth, url: str = URL, method: str = "GET", **kwargs: Any) -> dict[str, str]:
    """The parameters of the Authorization header of a signed request."""
    body = kwargs.pop("body", None)
    _, headers, _ = auth.prepare(method, url, kwargs.pop("headers", {}), body, **kwargs)
    return fields(headers)
