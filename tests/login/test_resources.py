"""Userinfo and calls of an API with the token of a login: rows U of the table of faults."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import UserInfoError
from tests.helpers.cases import Case
from tests.helpers.cases import Cases
from tests.helpers.outbound import NOT_SENT
from tests.helpers.rejection import PROVIDER_TEXT
from tests.helpers.rejection import assert_typed
from tests.helpers.site import ISSUER
from tests.helpers.site import Site
from tests.helpers.world import World

cases = Cases()


def logged_in(world: World, **register: Any) -> Site:
    """A site after a login; what is sent from now on is counted."""
    site = world.make_site(register=register)
    assert site.login().status_code == 200, site.errors
    site.outbound.clear()
    return site


def userinfo(site: Site, token: Any = None) -> Any:
    """Ask for userinfo as a view would."""
    with site.in_request():
        return site.client().userinfo(token=token or site.token)


def call(site: Site, url: str, **kwargs: Any) -> requests.Response:
    """Call an API as a view would."""
    with site.in_request():
        response: requests.Response = site.client().get(url, token=site.token, **kwargs)
    return response


def assert_refused(site: Site, code: str, token: Any = None) -> OAuthError:
    """Userinfo must be rejected, and nothing may follow."""
    with pytest.raises(UserInfoError) as caught:
        userinfo(site, token)
    assert_typed(caught.value, code)
    assert PROVIDER_TEXT not in f"{caught.value} {caught.value!r}"
    assert site.outbound.paths == ["/userinfo"]
    return caught.value


@cases.rows("U01", ["mallory", "Alice", "alice ", "alice\u200b", "ALICE", "al\u00edce"])
def userinfo_about_somebody_else(world: World, sub: str) -> None:
    site = logged_in(world)
    world.provider.faults.on("userinfo").edit_json(lambda d: {**d, "sub": sub})
    assert_refused(site, "userinfo_sub_mismatch")


@cases.row("U01-stored-token")
def userinfo_about_somebody_else_for_a_token_from_a_database(world: World) -> None:
    site = logged_in(world)
    stored = {k: v for k, v in site.token.items() if k != "userinfo"}
    world.provider.faults.on("userinfo").edit_json(lambda d: {**d, "sub": "mallory"})
    assert_refused(site, "userinfo_sub_mismatch", stored)


@cases.rows(
    "U02", {"absent": ..., "empty": "", "number": 42, "null": None, "list": ["alice"], "true": True}
)
def userinfo_without_a_subject(world: World, sub: Any) -> None:
    site = logged_in(world)
    world.provider.faults.on("userinfo").edit_json(
        lambda d: {k: v for k, v in {**d, "sub": sub}.items() if v is not ...}
    )
    assert_refused(site, "invalid_userinfo")


@cases.row("U02-without-id-token")
def userinfo_without_a_subject_for_a_token_without_id_token(world: World) -> None:
    site = logged_in(world)
    world.provider.faults.on("userinfo").edit_json(lambda d: {"name": "Mallory"})
    bare = {k: v for k, v in site.token.items() if k not in ("userinfo", "id_token")}
    assert_refused(site, "invalid_userinfo", bare)


@cases.rows("U02-status", [201, 400, 401, 403, 404, 500])
def userinfo_with_another_status(world: World, status: Any) -> None:
    site = logged_in(world)
    world.provider.faults.on("userinfo").status(status)
    error = assert_refused(site, "invalid_userinfo")
    assert error.http_status == (401 if status in (401, 403) else 502)


OF_THE_ID_TOKEN = {
    "iss": "https://evil.test",
    "aud": "other",
    "azp": "other",
    "nonce": "other",
    "exp": 1,
    "iat": 1,
    "nbf": 9e9,
    "at_hash": "x",
    "jti": "x",
}


@cases.rows("U09", OF_THE_ID_TOKEN)
def claims_that_userinfo_has_nothing_to_say_about(world: World, _: Any) -> None:
    site = logged_in(world)
    before = dict(site.token["userinfo"])
    world.provider.faults.on("userinfo").edit_json(lambda d: {**d, **OF_THE_ID_TOKEN})
    answer = userinfo(site)
    assert not answer.keys() & OF_THE_ID_TOKEN.keys()
    assert {**before, **answer}["iss"] == ISSUER
    assert dict(site.token["userinfo"]) == before


API = {"api_base_url": f"{ISSUER}/api/"}


@cases.rows(
    "U13",
    {
        "host": "https://evil.test/",
        "port": "https://op.test:8443/api/me",
        "scheme": "http://op.test/api/me",
        "userinfo": "https://op.test@evil.test/",
        "user-and-port": "https://op.test:443@evil.test/",
        "suffix": "https://op.test.evil.test/",
        "prefix": "https://evil-op.test/",
        "no-scheme": "//evil.test/x",
        "backslash": "https://op.test\\@evil.test/",
        "backslashes": "\\\\evil.test/x",
        "slash-backslash": "/\\evil.test/x",
        "other-scheme": "ftp://op.test/x",
        "file": "file:///etc/passwd",
        "javascript": "javascript:alert(1)",
        "space": "https://evil.test /",
        "newline": "https://op.test\n@evil.test/",
        "tab": "htt\tps://evil.test/",
        "full-width": "https://op\uff0etest@evil.test/",
        "dot": "https://op.test./api/me",
        "capitals-elsewhere": "HTTPS://EVIL.TEST/",
    },
)
def url_outside_the_api(world: World, url: str) -> None:
    site = logged_in(world, **API)
    with pytest.raises(InsecureTransportError) as caught:
        call(site, url)
    assert caught.value.error in ("token_origin", "insecure_transport")
    assert site.outbound.paths == []


@cases.row("U13-no-host")
def url_without_a_host(world: World) -> None:
    site = logged_in(world, **API)
    assert call(site, "https:///evil.test/").status_code == 404
    assert site.outbound.paths == ["/evil.test/"]


@cases.rows(
    "U13-fine",
    {
        "relative": "me",
        "absolute": f"{ISSUER}/api/me",
        "root": "/api/me",
        "port": "https://op.test:443/api/me",
        "capitals": "HTTPS://OP.TEST/api/me",
    },
)
def url_inside_the_api(world: World, url: str) -> None:
    site = logged_in(world, **API)
    assert call(site, url).json()["sub"] == "alice"


@cases.row("U13-withheld")
def call_without_the_token_may_go_anywhere(world: World) -> None:
    site = logged_in(world, **API)
    with pytest.raises(NOT_SENT):
        call(site, "https://evil.test/x", withhold_token=True)
    (request,) = site.outbound.requests
    assert "Authorization" not in request.headers


@cases.row("U13-origins")
def further_origins_may_be_named(world: World) -> None:
    site = logged_in(world, **API, token_origins=["https://more.test"])
    with pytest.raises(NOT_SENT):
        call(site, "https://more.test/x")
    assert site.outbound.requests[0].headers["Authorization"].startswith("Bearer ")
    with pytest.raises(InsecureTransportError):
        call(site, "https://other.test/x")


REDIRECTS = {
    "host": "https://evil.test/x",
    "port": "https://op.test:8443/x",
    "scheme": "http://op.test/x",
    "subdomain": "https://a.op.test/x",
    "no-scheme": "//evil.test/x",
}


@cases.rows("U14", REDIRECTS)
def redirect_of_the_api_to_another_origin(world: World, location: str) -> None:
    site = logged_in(world, **API)
    world.provider.faults.on("api").redirect(location, 302)
    with pytest.raises((*NOT_SENT, OAuthError)):
        call(site, "me", headers={"DPoP": "a-proof"})
    first, *more = site.outbound.requests
    assert first.headers["Authorization"].startswith("Bearer ")
    assert len(more) <= 1
    for request in more:
        assert not {"Authorization", "DPoP", "Cookie"} & set(request.headers)
        assert site.token["access_token"] not in (request.url or "")


@cases.rows("U14-with-body", [307, 308])
def redirect_of_a_post_to_another_origin(world: World, status: Any) -> None:
    site = logged_in(world, **API)
    world.provider.faults.on("api").redirect("https://evil.test/x", status)
    with site.in_request(), pytest.raises(NOT_SENT):
        site.client().post("notes", json={"text": "hello"}, token=site.token)
    assert "Authorization" not in site.outbound.requests[-1].headers


@cases.row("U14-same-origin")
def redirect_of_the_api_within_its_origin(world: World) -> None:
    site = logged_in(world, **API)
    world.provider.faults.on("api", times=1).redirect("/api/me", 302)
    assert call(site, "notes").json()["sub"] == "alice"
    assert site.outbound.paths == ["/api/notes", "/api/me"]


@pytest.mark.parametrize("case", cases.params())
def test_resources(case: Case, world: World) -> None:
    case(world)
