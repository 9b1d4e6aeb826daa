"""What others have tried in order to get in, or to throw somebody out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import flask
import pytest
from werkzeug.test import Client
from werkzeug.test import TestResponse

from flask_oauthclient import login_required
from flask_oauthclient.sign_in.identity import Identity
from flask_oauthclient.sign_in.step_up import Demand
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from tests.helpers.clock import Clock

from ._people import Make as MakePeople
from ._people import Unreliable
from ._site import ISSUER
from ._site import ORIGIN
from ._site import BlueprintSite

Make = Callable[..., BlueprintSite]
FOREIGN = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Origin": "https://evil.test",
}


def client_of(site: BlueprintSite) -> Client:
    """Somebody who sends the cookies that are asked for, and no others."""
    return site.app.test_client(use_cookies=False)


def cookies_of(browser: ScriptedBrowser) -> str:
    """The cookies of the site, as a header has them."""
    ours = [cookie for cookie in browser.cookies if cookie.domain.startswith("rp.test")]
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in ours)


def send(site: BlueprintSite, method: str, path: str, **headers: str) -> TestResponse:
    """One request, with headers as named (``sec_fetch_site=...``)."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client_of(site).open(path, method=method, base_url=ORIGIN, headers=named)


def test_form_of_another_site_at_a_guarded_view_replaces_no_session(site: BlueprintSite) -> None:
    site.app.add_url_rule("/act", "act", login_required(lambda: "done"), methods=["POST"])
    answer = client_of(site).post("/act", base_url=ORIGIN, headers=FOREIGN)
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers


def test_cookie_that_a_neighbour_plants_proves_nothing(site: BlueprintSite) -> None:
    visit = site.begin()
    [(name, value)] = [
        (cookie.name, cookie.value or "")
        for cookie in site.browser.cookies
        if cookie.name.startswith("__Host-oac_")
    ]
    planted = f"{name.removeprefix('__Host-')}={value}"
    answer = send(site, "GET", visit.url.removeprefix(ORIGIN), cookie=planted)
    assert answer.status_code == 400
    assert send(site, "GET", visit.url.removeprefix(ORIGIN), cookie=f"{name}={value}").location


def test_link_to_an_old_login_does_not_sign_somebody_in_anew(
    site: BlueprintSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    with site.app.test_request_context("/auth/login/demo", base_url=ORIGIN):
        state = site.oauth.demo.framework.new_state()
    clock.advance(700)
    site.sign_in()
    path = f"/auth/callback/demo?state={state}&code=x"
    answer = send(site, "GET", path, cookie=cookies_of(site.browser), sec_fetch_site="cross-site")
    assert answer.status_code == 400


@pytest.mark.parametrize("sender", ["http://[", "https://[::1", "null", "https://rp.test:x"])
@pytest.mark.parametrize("name", ["origin", "referer"])
@pytest.mark.parametrize("path", ["/auth/logout", "/auth/login/demo", "/auth/callback/demo", "/x"])
def test_sender_that_is_none(site: BlueprintSite, path: str, name: str, sender: str) -> None:
    site.app.add_url_rule("/x", "x", lambda: "x", methods=["POST"])
    headers = {name: sender}
    answer = client_of(site).post(path, base_url=ORIGIN, data={"state": "x"}, headers=headers)
    assert answer.status_code < 500


def test_page_over_plain_http_is_no_page_of_ours_on_https(site: BlueprintSite) -> None:
    site.sign_in()
    cookie = cookies_of(site.browser)
    answer = send(site, "POST", "/auth/logout", origin="http://rp.test", cookie=cookie)
    assert answer.status_code == 403
    assert send(site, "POST", "/auth/logout", origin=ORIGIN, cookie=cookie).status_code == 302


@pytest.mark.parametrize(("method", "purpose"), [("HEAD", ""), ("GET", "prefetch")])
def test_return_from_a_sign_out_waits_for_a_visit(
    make_people_site: MakePeople, method: str, purpose: str
) -> None:
    alice = make_people_site().signed_in()
    page = alice.open("/form", action="/auth/logout", fields="{}")
    left = alice.browser.send(Visit("POST", f"{ORIGIN}/auth/logout", {}, page.url))
    url = alice.browser.send(Visit("GET", left.headers["Location"])).headers["Location"]
    path, cookie = url.removeprefix(ORIGIN), cookies_of(alice.browser)
    looked = send(alice.site, method, path, cookie=cookie, sec_purpose=purpose)
    assert (looked.status_code, "Set-Cookie" in looked.headers) == (405, False)
    assert alice.browser.open(url).status == 200


def test_login_of_one_blueprint_does_not_end_at_another(make_blueprint_site: Make) -> None:
    seen: list[Any] = []
    site = make_blueprint_site(on_start=lambda name: {"from": "the first"})
    staff = site.oauth.create_blueprint("staff", on_login=lambda result: seen.append(result))
    site.app.register_blueprint(staff, url_prefix="/staff")
    visit = site.begin("/auth/login/demo")
    page = site.browser.open(visit.url.replace("/auth/callback", "/staff/callback"))
    assert (page.status, seen, site.who()) == (400, [], {})


def test_keys_for_somebody_with_a_session_are_for_no_shared_cache(site: BlueprintSite) -> None:
    assert send(site, "GET", "/auth/jwks.json").headers["Cache-Control"].startswith("public")
    site.sign_in()
    answer = send(site, "GET", "/auth/jwks.json", cookie=cookies_of(site.browser))
    assert answer.headers["Cache-Control"].startswith("private")


# -- sessions that have been ended -------------------------------------------------------------


def test_view_that_is_called_like_a_file_is_protected_too(make_people_site: MakePeople) -> None:
    site = make_people_site(cache=Unreliable())
    seen: list[bool] = []

    def export_static() -> str:
        seen.append("user" in flask.session)
        return ""

    site.app.add_url_rule("/keep", "keep", lambda: flask.session.update(user="alice") or "")
    site.app.add_url_rule("/export", "export_static", export_static)
    alice = site.signed_in()
    alice.open("/keep")
    assert site.tell(site.token(sub="alice")).status_code == 200
    alice.open("/export")
    assert seen == [False]


def test_what_the_application_does_before_a_request_comes_later(
    make_people_site: MakePeople,
) -> None:
    """It may have been registered first, and believe what it finds in the session."""
    seen: list[Any] = []
    hooks = {None: [lambda: seen.append(flask.session.get("user"))]}
    site = make_people_site()
    functions = site.app.before_request_funcs[None]
    assert functions[0].__module__ == "flask_oauthclient.flask_client.blueprint"
    functions.insert(1, hooks[None][0])
    site.app.add_url_rule("/keep", "keep", lambda: flask.session.update(user="alice") or "")
    alice = site.signed_in()
    alice.open("/keep")
    assert site.tell(site.token(sub="alice")).status_code == 200
    alice.open("/who")
    assert seen[-1] is None


def test_login_during_which_the_provider_ends_its_session_begins_anew(
    make_people_site: MakePeople,
) -> None:
    site = make_people_site(cache=Unreliable())
    alice = site.signed_in()
    url = f"{ORIGIN}/auth/login/demo?next=/who"
    page = alice.browser.sign_in(url, stop_before=f"{ORIGIN}/auth/callback/")
    assert site.tell(site.token(sub="alice")).status_code == 200
    end = alice.browser.open(page.history[-1].url)
    asked = [visit.url for visit in end.history if visit.url.startswith(f"{ISSUER}/authorize")]
    assert len(asked) == 1
    assert end.url == f"{ORIGIN}/who"


def test_sign_in_is_no_proof_that_the_person_was_there() -> None:
    now = time.time()
    silent = Identity("demo", ISSUER, "alice", signed_in_at=now)
    proven = Identity("demo", ISSUER, "alice", signed_in_at=now, auth_time=int(now))
    at_no_openid_provider = Identity("demo", None, "alice", signed_in_at=now)
    demand = Demand(max_age=60)
    assert demand.shortfall(silent) == "insufficient_user_authentication"
    assert demand.shortfall(proven) is None
    assert demand.shortfall(at_no_openid_provider) is None


# -- sessions that somebody else has written to ------------------------------------------------

KEYS = [
    f"_oauthclient_{name}"
    for name in ("identity", "asked", "done", "next", "again", "demand", "leaving")
]
JUNK: list[Any] = [
    *(None, 1, True, "x", "", [], [1], ["a", "b", "c"], {}, {"a": 1}, [["a"], "/x"], ["demo", 5]),
    '["demo","https://op.test","alice",null,"abc",1]',
    '["demo","https://op.test","alice",null,"abc",9999999999]\n[]',
    json.dumps({"x": [1]}),
    json.dumps({"x": []}),
    json.dumps({"x": ["a", "b"]}),
]
PATHS = [
    *("/who", "/private", "/deep", "/auth/login/demo?next=/deep", "/auth/login/demo?again=b"),
    *("/auth/callback/demo?state=x", "/auth/logout/callback", "/auth/logout"),
]


@pytest.mark.parametrize("key", KEYS)
def test_session_may_hold_anything(site: BlueprintSite, key: str) -> None:
    deep = login_required("demo", scopes=["api"])(lambda: "deep")
    site.app.add_url_rule("/deep", "deep", deep)
    site.app.config["PROPAGATE_EXCEPTIONS"] = True
    interface: Any = site.app.session_interface
    serializer = interface.get_signing_serializer(site.app)
    for junk in JUNK:
        cookie = f"session={serializer.dumps({key: junk})}"
        for path in PATHS:
            method = "POST" if path.endswith("/logout") else "GET"
            assert send(site, method, path, cookie=cookie).status_code < 500
