"""Settings that cannot work, or are hardly meant: rows K of the table of faults."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import UnknownOptionError
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_typed
from tests.helpers.site import ISSUER
from tests.helpers.world import World

cases = Cases()

GOOD = {"client_id": "rp", "client_secret": "a secret nobody would guess", "issuer": ISSUER}


def make_app(**config: Any) -> Flask:
    """An application with some configuration."""
    app = Flask("settings")
    app.config.update(SECRET_KEY="key", **config)
    return app


def refuse(code: str = "invalid_configuration", config: Any = None, **register: Any) -> str:
    """Register a client that must be refused at the start, and give the message."""
    oauth = OAuth(make_app(**(config or {})))

    def use() -> None:  # the settings are read at the first touch
        oauth.register("demo", **register).client_id  # noqa: B018

    with pytest.raises(ConfigurationError) as caught:
        use()
    assert_typed(caught.value, code)
    return caught.value.description


@cases.row("K01-empty-client-id")
def empty_client_id(world: World) -> None:
    assert "'demo'" in refuse(**{**GOOD, "client_id": ""})


@cases.row("K01-empty-client-id-in-config")
def empty_client_id_in_the_configuration(world: World) -> None:
    assert "'demo'" in refuse(config={"DEMO_CLIENT_ID": ""}, issuer=ISSUER)


@cases.row("K01-empty-client-id-before-the-app")
def empty_client_id_before_there_is_an_application(world: World) -> None:
    oauth = OAuth()
    oauth.register("demo", **{**GOOD, "client_id": ""})
    with pytest.raises(InvalidSettingError):
        oauth.init_app(make_app())


@cases.row("K01-no-client-id")
def absent_client_id(world: World) -> None:
    site = world.make_site(register={"client_id": None})
    assert site.send_login().status_code == 500
    assert_typed(site.error, "missing_configuration")


@cases.rows(
    "K01-placeholder",
    [
        "changeme",
        "change-me",
        "<client-secret>",
        "your-client-secret",
        "xxxx",
        "TODO",
        "secret",
        "...",
    ],
)
def placeholder_secret(world: World, secret: Any) -> None:
    OAuth(make_app()).register("demo", **{**GOOD, "client_secret": secret}).client_id  # noqa: B018
    assert world.watch.logged("client_secret looks like a placeholder")


@cases.rows("K01-short-hmac-key", {"warned": ("short", True), "long-enough": ("x" * 32, False)})
def secret_that_is_an_hmac_key(world: World, values: tuple[str, bool]) -> None:
    secret, warned = values
    client = OAuth(make_app()).register(
        "demo", **{**GOOD, "client_secret": secret}, id_token_signed_response_alg="HS256"
    )
    assert client.client_secret == secret
    assert world.watch.logged("too short to verify HS256") is warned


@cases.row("K01-short-secret")
def short_secret_that_is_no_hmac_key(world: World) -> None:
    OAuth(make_app()).register("demo", **{**GOOD, "client_secret": "short"}).client_id  # noqa: B018
    assert not world.watch.logged("too short")


@cases.row("K02")
def insecure_setting_is_warned_of(world: World) -> None:
    register = {**GOOD, "issuer": "http://intranet.example", "insecure_http": True}
    OAuth(make_app()).register("demo", **register).client_id  # noqa: B018
    assert world.watch.logged("insecure_http lets credentials travel in the clear")


@cases.row("K02-without-it")
def plain_http_needs_the_insecure_setting(world: World) -> None:
    site = world.make_site(
        register={
            "issuer": None,
            "server_metadata_url": "http://op.test/.well-known/openid-configuration",
        }
    )
    assert site.send_login().status_code == 500
    assert_typed(site.error, "insecure_transport")
    assert site.outbound.paths == []


@cases.row("K02-provider")
def development_provider_in_production(world: World) -> None:
    with make_app().app_context(), pytest.raises(RuntimeError):
        DevelopmentProvider()


@cases.row("K04")
def one_redirect_uri_for_two_clients(world: World) -> None:
    oauth = OAuth(make_app())
    oauth.register("one", **GOOD, redirect_uri="https://rp.test/callback")
    with pytest.raises(InvalidSettingError) as caught:
        oauth.register("two", **GOOD, redirect_uri="https://rp.test/callback")
    assert "'one'" in caught.value.description
    assert "'two'" in caught.value.description


@cases.row("K04-config")
def one_redirect_uri_for_two_clients_in_the_configuration(world: World) -> None:
    uri = "https://rp.test/callback"
    oauth = OAuth()
    oauth.register("one", **GOOD)
    oauth.register("two", **GOOD, redirect_uri=uri)
    with pytest.raises(InvalidSettingError):
        oauth.init_app(make_app(ONE_REDIRECT_URI=uri))


@cases.row("K04-again")
def client_that_is_registered_anew_keeps_its_redirect_uri(world: World) -> None:
    oauth = OAuth(make_app())
    for _ in range(2):
        oauth.register("one", **GOOD, redirect_uri="https://rp.test/callback")
    assert oauth.one.client_id == "rp"


@cases.rows(
    "K05",
    {
        "typo": ("client_secert", "client_secret"),
        "case": ("Client_ID", "client_id"),
        "plural": ("redirect_uris", "redirect_uri"),
        "metadata": ("token_endpoints", "token_endpoint"),
        "insecure": ("insecure_https", "insecure_http"),
        "far": ("completely_different", None),
    },
)
def unknown_option(world: World, values: tuple[str, str | None]) -> None:
    option, near = values
    with pytest.raises(UnknownOptionError) as caught:
        OAuth().register("demo", **GOOD, **{option: "x"})
    assert_typed(caught.value, "unknown_option")
    assert isinstance(caught.value, TypeError)
    assert f"{option!r}" in caught.value.description
    if near is not None:
        assert f"{near!r}" in caught.value.description


@cases.rows(
    "K05-client-kwargs", {"typo": "scopes", "pkce": "code_challenge_methods", "old": "verfy"}
)
def unknown_client_kwarg(world: World, option: str) -> None:
    assert option in refuse("unknown_option", **GOOD, client_kwargs={option: "x"})


@cases.rows(
    "K05-issuer",
    [
        "op.test",
        "ftp://op.test",
        "https://user@op.test",
        "https://op.test?x=1",
        "https://op.test#x",
        "https://",
        "",
        "https://op.test\\x",
    ],
)
def issuer_that_is_no_issuer(world: World, issuer: Any) -> None:
    oauth = OAuth(make_app())
    with pytest.raises(Exception, match=r"invalid_metadata|invalid_configuration") as caught:
        oauth.register("demo", **{**GOOD, "issuer": issuer}).client_id  # noqa: B018
    assert caught.value.http_status >= 500  # type: ignore[attr-defined]


@cases.row("K05-old")
def keyword_of_older_clients_is_tolerated(world: World) -> None:
    with pytest.warns(DeprecationWarning, match="fetch_request_token"):
        OAuth(make_app()).register("demo", **GOOD, fetch_request_token=lambda: None)


@pytest.mark.parametrize("case", cases.params())
def test_settings(case: Case, world: World) -> None:
    case(world)
