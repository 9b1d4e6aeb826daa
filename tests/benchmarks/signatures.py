"""Rows ``oauth1-...``: signing a request as OAuth 1.0a wants it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat

from flask_oauthclient.protocol.oauth1 import ClientAuth
from tests.benchmarks import _signer
from tests.benchmarks._harness import Contender
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET

URL = "https://api.example.com/1.1/search?q=blue%20sky&count=20&lang=en&include_entities=1"

_RSA_KEY = generate_private_key(65537, 2048)
PEM = _RSA_KEY.private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
).decode()


def signatures(settings: Settings) -> Iterator[Row]:
    """Sign a GET request with a query."""
    floors: Mapping[str, tuple[str, Contender, float]] = {
        "HMAC-SHA1": ("a minimal signer", repeat(partial(_signer.hmac_sha1, URL)), 1.5),
        "RSA-SHA1": ("the raw signature", repeat(raw_rsa()), 1.3),
        "PLAINTEXT": ("a minimal signer", repeat(partial(_signer.plaintext, URL)), 2),
    }
    for method, (what, floor, limit) in floors.items():
        contenders = {"floor": floor, **_libraries(method)}
        samples = compare(contenders, settings.rounds)
        yield Row(
            f"oauth1-{method.lower()}",
            f"OAuth 1.0a: a GET request signed with {method} / {what}",
            samples.ratio("authlib", over="floor"),
            samples.ratio("ours", over="floor"),
            limit,
            detail=samples.microseconds(),
            others={"oauthlib": samples.ratio("oauthlib", over="floor")},
        )


def raw_rsa() -> Callable[[], bytes]:
    """:returns: what makes the bare signature."""
    text = _signer.base_string(URL, [("oauth_nonce", "0" * 24)]).encode()
    padding, digest = PKCS1v15(), SHA1()
    return lambda: _RSA_KEY.sign(text, padding, digest)


def _libraries(method: str) -> dict[str, Contender]:
    makers = {"ours": _ours, "authlib": _authlib, "oauthlib": _oauthlib}
    return {
        name: repeat(make(method))
        for name, make in makers.items()
        if name == "ours" or find_spec(name)
    }


def _ours(method: str) -> Callable[[], object]:
    auth = ClientAuth(
        CLIENT_ID,
        CLIENT_SECRET,
        _signer.TOKEN,
        _signer.TOKEN_SECRET,
        rsa_key=PEM,
        signature_method=method,
    )
    return lambda: auth.prepare("GET", URL, {}, None)


def _authlib(method: str) -> Callable[[], object]:
    from authlib.oauth1 import ClientAuth as AuthlibAuth

    auth = AuthlibAuth(
        CLIENT_ID,
        CLIENT_SECRET,
        _signer.TOKEN,
        _signer.TOKEN_SECRET,
        rsa_key=PEM,
        signature_method=method,
    )
    return lambda: auth.prepare("GET", URL, {}, b"")


def _oauthlib(method: str) -> Callable[[], object]:
    from oauthlib.oauth1 import Client

    client = Client(
        CLIENT_ID,
        CLIENT_SECRET,
        _signer.TOKEN,
        _signer.TOKEN_SECRET,
        rsa_key=PEM,
        signature_method=method,
    )
    return lambda: client.sign(URL)
