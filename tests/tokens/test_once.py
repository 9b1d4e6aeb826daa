"""However many threads and processes find one token expired, it is refreshed once."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from flask import session

from flask_oauthclient.testing.browser import ScriptedBrowser
from tests.servers.oidc_provider import OidcProvider
from tests.tokens._processes import Workers
from tests.tokens._site import Site
from tests.tokens.conftest import SHARED

ORIGIN = "http://localhost"
OWNER = "the application's key of Alice"


@pytest.fixture
def certified_client(oidc_provider: OidcProvider) -> dict[str, Any]:
    """The registration of a client at a provider that revokes the family at a second use."""
    added = oidc_provider.add_client("tokens")
    return {
        "client_id": "tokens",
        "client_secret": added["client_secret"],
        "issuer": oidc_provider.issuer,
        "api_base_url": f"{oidc_provider.issuer}/",
        "client_kwargs": {"scope": "openid email offline_access", "code_challenge_method": "S256"},
    }


@pytest.fixture
def browser() -> Iterator[ScriptedBrowser]:
    with ScriptedBrowser() as browser:
        yield browser


def log_in(site: Site, browser: ScriptedBrowser) -> dict[str, Any]:
    """Log in at the provider's own pages.

    :returns: the token.
    """

    @site.app.get("/login")
    def login() -> Any:
        return site.oauth.demo.authorize_redirect(f"{ORIGIN}/callback", prompt="consent")

    tokens: list[dict[str, Any]] = []

    @site.app.get("/callback")
    def callback() -> str:
        tokens.append(site.oauth.demo.authorize_access_token())
        session["user"] = OWNER
        return "logged in"

    browser.mount(ORIGIN, site.app.wsgi_app)
    page = browser.walk(f"{ORIGIN}/login", {"login": "alice", "password": "any"}, ["Continue"])
    assert page.text == "logged in"
    return tokens[0]


@pytest.mark.parametrize(
    ("kind", "processes", "threads"),
    [("memory", 1, 32), *((kind, 1, 32) for kind in SHARED), *((kind, 4, 8) for kind in SHARED)],
)
def test_one_expired_token_is_one_request(
    oidc_provider: OidcProvider,
    certified_client: dict[str, Any],
    workers: Workers,
    place_of: Callable[[str], dict[str, Any]],
    browser: ScriptedBrowser,
    kind: str,
    processes: int,
    threads: int,
) -> None:
    token = log_in(Site({"kind": "none"}, certified_client), browser)
    workers.open(processes, place_of(kind), certified_client)
    workers.keep(OWNER, {**token, "expires_at": 1_700_000_000})
    oidc_provider.reset()

    report = workers.run(threads=threads, owner=OWNER)
    assert (report.good, report.failed, report.unfinished) == (processes * threads, {}, 0)
    assert oidc_provider.paths().count("/token") == 1
    assert oidc_provider.paths().count("/me") == processes * threads

    # The provider revokes the family of a refresh token that it has seen before.
    assert workers.ask("renew", OWNER) == {"error": None}
