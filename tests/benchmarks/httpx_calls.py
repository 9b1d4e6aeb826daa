"""Rows ``httpx-call`` and ``httpx-sign``: calls of an API by clients of httpx2 that block.

Plain, over kept connections of the loopback interface: TLS costs every side the same and would
only make the ratios smaller.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx2

from tests.benchmarks import _signer
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._harness import compare
from tests.benchmarks._harness import repeat
from tests.benchmarks._processes import provider_process
from tests.benchmarks._server import API_TOKEN
from tests.benchmarks._server import CLIENT_ID
from tests.benchmarks._server import CLIENT_SECRET
from tests.benchmarks.signatures import PEM
from tests.benchmarks.signatures import URL
from tests.benchmarks.signatures import raw_rsa

TOKEN = {"access_token": API_TOKEN, "token_type": "Bearer", "expires_at": 2**31 - 1}
BEARER = {"Authorization": f"Bearer {API_TOKEN}"}

MODULES: Mapping[str, str] = {
    "authlib": "authlib.integrations.httpx_client",
    "ours": "flask_oauthclient.httpx_client",
}
"""Where each side's clients are."""

_raw_signature = raw_rsa()

SIGNERS: Mapping[str, tuple[str, Callable[[], str], float]] = {
    "HMAC-SHA1": ("a minimal signer", lambda: _signer.hmac_sha1(URL), 1.5),
    "RSA-SHA1": ("the raw signature", lambda: b64encode(_raw_signature()).decode(), 1.3),
    "PLAINTEXT": ("a minimal signer", lambda: _signer.plaintext(URL), 2),
}
"""What is the least that can be done, by the method, and how much of that may be needed."""


def httpx_call(settings: Settings) -> Iterator[Row]:
    """``client.get(url)`` with a token, one call after the other."""
    with provider_process() as provider:
        url = f"{provider.issuer}/userinfo"
        clients = {
            "floor": httpx2.Client(headers=BEARER),
            **of_each_side("OAuth2Client", CLIENT_ID, token=dict(TOKEN)),
        }
        contenders = {name: repeat(_getting(client, url)) for name, client in clients.items()}
        samples = compare(contenders, settings.rounds)
    yield Row(
        "httpx-call",
        "OAuth2Client.get / a kept httpx2.Client.get with the header",
        samples.ratio("authlib", over="floor"),
        samples.ratio("ours", over="floor"),
        1.10,
        detail=samples.microseconds(),
    )


def httpx_signed(settings: Settings) -> Iterator[Row]:
    """A signed call, and what signing it costs beyond the call itself."""
    yield _signed_call(settings)
    for method in SIGNERS:
        yield _signature(settings, method)


def of_each_side(name: str, *args: Any, **settings: Any) -> dict[str, Any]:
    """:returns: a client of each library that is installed."""
    return {
        side: getattr(import_module(module), name)(*args, **settings)
        for side, module in MODULES.items()
        if find_spec(module.split(".")[0])
    }


def _getting(client: Any, url: str) -> Callable[[], object]:
    return lambda: client.get(url).json()


def _signed_call(settings: Settings) -> Row:
    """A whole call, whose answer is the same whoever asks."""
    with provider_process() as provider:
        url = f"{provider.issuer}/jwks?q=blue%20sky&count=20&lang=en&include_entities=1"
        plain = httpx2.Client()
        clients = of_each_side("OAuth1Client", *_credentials())
        operations: dict[str, Callable[[], object]] = {
            "unsigned": _getting(plain, url),
            "floor": lambda: plain.get(
                url, headers={"Authorization": _signer.hmac_sha1(url)}
            ).json(),
            **{side: _getting(client, url) for side, client in clients.items()},
        }
        samples = compare({n: repeat(run) for n, run in operations.items()}, settings.rounds)
    return Row(
        "httpx-sign",
        "OAuth1Client.get / an httpx2.Client.get with the header of a minimal signer",
        samples.ratio("authlib", over="floor"),
        samples.ratio("ours", over="floor"),
        1.10,
        detail=samples.microseconds(),
        others={"unsigned": samples.ratio("unsigned", over="floor")},
    )


def _signature(settings: Settings, method: str) -> Row:
    """Signing a request of httpx2, less making that."""
    what, floor, limit = SIGNERS[method]
    operations: dict[str, Callable[[], object]] = {
        "request": _request,
        "floor": lambda: _put(_request(), floor()),
        **{
            side: _signing(auth)
            for side, auth in of_each_side(
                "OAuth1Auth", *_credentials(), rsa_key=PEM, signature_method=method
            ).items()
        },
    }
    samples = compare({n: repeat(run) for n, run in operations.items()}, settings.rounds)
    return Row(
        f"httpx-{method.lower()}",
        f"OAuth 1.0a: a GET request of httpx2 signed with {method} / {what}",
        samples.ratio("authlib", over="floor", net_of="request"),
        samples.ratio("ours", over="floor", net_of="request"),
        limit,
        detail=samples.microseconds(),
    )


def _credentials() -> tuple[str, str, str, str]:
    return CLIENT_ID, CLIENT_SECRET, _signer.TOKEN, _signer.TOKEN_SECRET


def _request() -> httpx2.Request:
    return httpx2.Request("GET", URL)


def _put(request: httpx2.Request, header: str) -> None:
    request.headers["Authorization"] = header


def _signing(auth: httpx2.Auth) -> Callable[[], object]:
    return lambda: next(auth.sync_auth_flow(_request()))
