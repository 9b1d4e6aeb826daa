"""What logs, exceptions and pages show: rows G of the table of faults."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import requests

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.transport.adapter import Adapter
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.leaks import watching
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.site import Site
from tests.helpers.urls import query_of
from tests.helpers.urls import with_params
from tests.helpers.world import World

cases = Cases()


@cases.row("G01")
def everything_at_debug_over_real_sockets(world: World) -> None:
    provider = DevelopmentProvider(keys=world.provider.keys)
    provider.auto_sign_in = "alice"
    with provider.serve():
        site = world.make_site({"demo": provider}, origin="http://localhost:5000")
        site.client().session.mount("http://", Adapter())
        assert site.login().status_code == 200, site.errors
        with site.in_request():
            fresh = site.client().refresh_token(site.token)
            site.client().userinfo(token=fresh)
            site.client().get(f"{provider.issuer}/api/me", token=fresh)
        site.browser.open(f"{site.origin}/logout/demo")
    # The watch fails the test if a secret shows; here it is enough to know that it has seen.
    assert world.watch.logged('"POST /token HTTP/1.1" 200')
    assert world.watch.logged('"GET /userinfo HTTP/1.1" 200')
    assert len(provider.secrets) >= 10


FAULTS: dict[str, Callable[[DevelopmentProvider], object]] = {
    "token-dropped": lambda p: p.faults.on("token").drop(),
    "token-refused": lambda p: p.faults.on("token").respond_json({"error": "invalid_grant"}, 400),
    "token-html": lambda p: p.faults.on("token").respond(
        200, PROVIDER_TEXT, {"Content-Type": "text/html"}
    ),
    "token-no-json": lambda p: p.faults.on("token").edit(lambda a: a.with_body(a.body[:-1])),
    "token-down": lambda p: p.faults.on("token").status(503),
    "token-type": lambda p: p.faults.on("token").edit_json(lambda t: {**t, "token_type": "mac"}),
    "token-redirect": lambda p: p.faults.on("token").redirect("https://evil.test/"),
    "token-cut": lambda p: p.faults.on("token").cut(40),
    "no-access-token": lambda p: p.faults.on("token").edit_json(
        lambda t: {**t, "access_token": ""}
    ),
    "no-id-token": lambda p: p.faults.on("token").edit_json(
        lambda t: {"access_token": t["access_token"]}
    ),
    "jwks-dropped": lambda p: p.faults.on("jwks").drop(),
    "jwks-html": lambda p: p.faults.on("jwks").respond(200, "<html>"),
    "id-token-signature": lambda p: p.faults.on("id_token").tamper_signature(),
    "id-token-nonce": lambda p: p.faults.on("id_token").edit_claims(lambda c: {**c, "nonce": "x"}),
    "id-token-none": lambda p: p.faults.on("id_token").sign_with("none"),
    "id-token-garbage": lambda p: p.faults.on("id_token").edit_compact(lambda t: t[:-40]),
    "id-token-at-hash": lambda p: p.faults.on("id_token").edit_claims(
        lambda c: {**c, "at_hash": "x"}
    ),
    "id-token-aud": lambda p: p.faults.on("id_token").edit_claims(lambda c: {**c, "aud": "x"}),
    "callback-error": lambda p: p.faults.on("callback").edit_params(
        lambda params: [*params, ("error", "server_error")]
    ),
}


@cases.rows("G02", FAULTS)
def exceptions_are_clean(world: World, fault: Callable[[DevelopmentProvider], object]) -> None:
    fault(world.provider)
    site = world.make_site()
    visit = site.begin()
    world.watch.secret(query_of(visit.url)["code"][0])
    assert site.finish(visit).status_code >= 400
    error = site.error
    assert error.__cause__ is None
    assert error.__context__ is None or isinstance(error.__context__, OAuthError)
    assert not isinstance(error, requests.RequestException)
    _assert_survives_pickling(error)


def _assert_survives_pickling(error: OAuthError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.detail) == (type(error), str(error), error.detail)
    assert copy.http_status == error.http_status


@cases.rows("G02-state", ["state_lost", "state_foreign", "mismatching_state", "state_used"])
def exceptions_about_the_state_are_clean(world: World, code: str) -> None:
    site = world.make_site()
    visit = site.begin()
    if code == "state_lost":
        site.drop_cookies("")
    elif code == "state_foreign":
        site.browser = site.new_browser()
        site.begin()
    elif code == "mismatching_state":
        visit = with_params(visit, state="y" * 30)
        world.watch.secret("y" * 30)
    else:
        site.finish(visit)
    assert site.finish(visit).text == code


NEWLINES = {
    "lf": "\n",
    "crlf": "\r\n",
    "vt": "\v",
    "nel": "\x85",
    "ls": "\u2028",
    "ps": "\u2029",
    "esc": "\x1b[2J",
}


@cases.rows("G04", NEWLINES)
def provider_text_with_a_newline_is_one_log_line(world: World, newline: str) -> None:
    forged = f"x{newline}2026-01-01 INFO root: everything is fine"
    site = world.make_site()
    params = {"code": None, "error": forged, "error_description": forged, "error_uri": forged}
    site.finish(with_params(site.begin(), **params))
    site.finish(with_params(site.begin(), **{**params, "error": "access_denied"}))
    logger = logging.getLogger("application")
    for error in site.errors:
        logger.warning("login failed: %s %r %s", error, error, error.detail)
    assert len(site.errors) == 2
    for record in world.caplog.records:
        if record.name == "application":
            assert len(record.getMessage().splitlines()) == 1
            assert record.getMessage().isprintable()


@cases.rows("G04-token", NEWLINES)
def text_of_the_token_endpoint_with_a_newline(world: World, newline: str) -> None:
    forged = f"x{newline}y"
    body = {"error": forged, "error_description": forged, "error_uri": forged}
    world.provider.faults.on("token").respond_json(body, 400)
    site = world.make_site()
    site.login()
    assert f"{site.error} {site.error.detail}".isprintable()


@cases.row("G04-warnings")
def our_own_warnings_are_one_line(world: World) -> None:
    world.provider.faults.on("token").edit_json(lambda t: {**t, "scope": "a\nb openid"})
    site = world.make_site()
    site.login()
    for record in world.caplog.records:
        if record.name.startswith("flask_oauthclient"):
            assert record.getMessage().isprintable()


@cases.rows("G05", FAULTS)
def page_shows_a_stable_code_only(
    world: World, fault: Callable[[DevelopmentProvider], object]
) -> None:
    fault(world.provider)
    site = world.make_site()
    response = site.login()
    assert response.text == site.error.error
    assert response.text in (*CODES, "invalid_grant", "server_error")
    assert "Traceback" not in response.text


@pytest.mark.parametrize("case", cases.params())
def test_logs_and_errors(case: Case, world: World) -> None:
    case(world)


@pytest.mark.parametrize(
    "leak",
    [
        lambda secret: logging.getLogger("any").debug("it is %s", secret),
        lambda secret: logging.getLogger("any.other").info("it is", extra={"value": secret}),
        lambda secret: OAuthError("x", secret),
        lambda secret: OAuthError("x", detail={"received": [secret]}),
        lambda secret: setattr(OAuthError("x"), "__context__", ValueError(secret)),
        lambda secret: OAuthError("x").add_note(secret),
    ],
)
def test_watch_finds_what_leaks(leak: Callable[[str], Any], provider: DevelopmentProvider) -> None:
    provider.secrets.add("a-secret-of-the-provider")
    with watching() as watch:
        leak("a-secret-of-the-provider")
        watch.secret("another-one")
        assert len(watch.leaks()) == 1
        assert "a-secret-of-the-provider" not in watch.leaks()[0]
    provider.secrets._values.clear()


def test_watch_is_silent_about_a_good_login(site: Site) -> None:
    with watching() as watch:
        assert site.login().status_code == 200
    assert watch.leaks() == []
