"""Rows ``cold-logins``, ``unknown-kids`` and ``rotation``: how often a client asks for metadata
and keys, and whether it asks when it must.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator

from flask import Flask

from tests.benchmarks._apps import client_app
from tests.benchmarks._apps import client_of
from tests.benchmarks._apps import each_side
from tests.benchmarks._browser import Browser
from tests.benchmarks._browser import callback_url
from tests.benchmarks._harness import Row
from tests.benchmarks._harness import Settings
from tests.benchmarks._processes import ProviderProcess
from tests.benchmarks._processes import provider_process
from tests.benchmarks._server import API_TOKEN
from tests.benchmarks._server import SigningKey
from tests.benchmarks._server import id_token_claims

COLD_LOGINS = 32
JUNK_TOKENS = 200
NETWORK_SECONDS = 0.03
"""How long the provider takes over a document: long enough that those at the same time overlap."""

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks"


def cold_logins(_: Settings) -> Iterator[Row]:
    """Requests made by 32 logins at once in a process that knows nothing yet."""
    with provider_process() as provider:
        provider.control(delay=NETWORK_SECONDS)
        counts = each_side(lambda side: _count_cold_logins(side, provider))
    for name, path in (("discovery", DISCOVERY), ("jwks", JWKS)):
        authlib, ours = (counts.get(side, {}).get(path) for side in ("authlib", "ours"))
        title = f"{COLD_LOGINS} cold logins at once: {name} requests"
        yield Row(f"cold-logins-{name}", title, authlib, ours, 1)


def unknown_kids(_: Settings) -> Iterator[Row]:
    """Requests that strangers can cause by tokens with made-up key ids."""
    with provider_process() as provider:
        counts = each_side(lambda side: _count_junk(side, provider))
    yield Row(
        "unknown-kids",
        f"{JUNK_TOKENS} tokens with made-up kids: JWKS requests",
        counts.get("authlib"),
        counts.get("ours"),
        5,
    )


def rotation(_: Settings) -> Iterator[Row]:
    """Whether a login succeeds when the key has changed right after it was fetched."""
    with provider_process() as provider:
        after_fetch = each_side(lambda side: _login_after_rotation(side, provider, junk=0))
        after_junk = each_side(lambda side: _login_after_rotation(side, provider, junk=20))
    for name, what, found in (
        ("rotation", "key rotated right after our fetch: login succeeds", after_fetch),
        ("rotation-after-junk", "the same, after 20 made-up kids", after_junk),
    ):
        yield Row(name, what, found.get("authlib"), found.get("ours"), 1, ">=")


def _logs_in(app: Flask, issuer: str) -> bool:
    browser = Browser(app)
    started = browser.get("/start")
    return browser.get(callback_url(started.location, issuer)).body == b"signed in"


def _count_cold_logins(side: str, provider: ProviderProcess) -> dict[str, int]:
    app = client_app(side, provider.metadata_url)
    provider.control(reset=True)
    together = threading.Barrier(COLD_LOGINS)
    successes: list[bool] = []

    def log_in() -> None:
        together.wait()
        successes.append(_logs_in(app, provider.issuer))

    threads = [threading.Thread(target=log_in) for _ in range(COLD_LOGINS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if successes != [True] * COLD_LOGINS:
        raise RuntimeError(f"{side}: {sum(successes)} of {COLD_LOGINS} cold logins succeeded")
    return provider.control()


def _count_junk(side: str, provider: ProviderProcess) -> int:
    app = client_app(side, provider.metadata_url)
    _logs_in(app, provider.issuer)
    provider.control(reset=True)
    _receive_junk(app, provider.issuer, JUNK_TOKENS)
    return provider.control().get(JWKS, 0)


def _login_after_rotation(side: str, provider: ProviderProcess, junk: int) -> bool:
    app = client_app(side, provider.metadata_url)
    _logs_in(app, provider.issuer)
    _receive_junk(app, provider.issuer, junk)
    provider.control(rotate=True)
    return _logs_in(app, provider.issuer)


def _receive_junk(app: Flask, issuer: str, count: int) -> None:
    """Show the client tokens that anybody could have made."""
    stranger = SigningKey()
    claims = id_token_claims(issuer, "nonce", API_TOKEN)
    for _ in range(count):
        id_token = stranger.sign(claims, kid=secrets.token_hex(8))
        token = {"access_token": API_TOKEN, "id_token": id_token}
        if _accepts(app, token):
            raise RuntimeError(f"{app.name} took a stranger's token")


def _accepts(app: Flask, token: dict[str, str]) -> bool:
    with app.test_request_context():
        try:
            client_of(app).parse_id_token(token, nonce="nonce")
        except Exception:  # noqa: BLE001 - each library has its own family of refusals
            return False
    return True
