"""Signing out by the person: here first, then at the provider, and back."""

from __future__ import annotations

import base64
import binascii
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import cachelib
import flask
import pytest

from flask_oauthclient.flask_client import signals
from flask_oauthclient.flask_client.site import FlaskSite
from flask_oauthclient.registry import oauth2_app
from flask_oauthclient.sign_in import logout_ticket
from flask_oauthclient.sign_in.logout_ticket import COOKIE
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.provider import DevelopmentProvider

from ._people import Make
from ._people import PeopleSite
from ._people import Person
from ._people import Unreliable
from ._site import ISSUER
from ._site import ORIGIN

RETURN = f"{ORIGIN}/auth/logout/callback"


#: Where a provider signs people out.
ENDPOINTS = {"end_session_endpoint": "https://op.test/end_session"}


@pytest.fixture
def people(make_people_site: Make) -> PeopleSite:
    """A site without a cache: the browser keeps what a sign-out needs."""
    return make_people_site()


@pytest.fixture(params=["none", "simple", "files", "redis", "memcached"])
def place(
    request: pytest.FixtureRequest, make_cache: Callable[[str], Any], make_people_site: Make
) -> PeopleSite:
    """A site that keeps what a sign-out needs in each of some places."""
    return make_people_site(cache=make_cache(request.param))


def end_session_of(page: Page) -> dict[str, list[str]]:
    """The query of the request at the provider's end session endpoint."""
    [visit] = [v for v in page.history if v.url.startswith(f"{ISSUER}/end_session")]
    return parse_qs(urlsplit(visit.url).query)


def is_signed_out_page(page: Page) -> bool:
    return page.status == 200 and "You are signed out" in page.text


# -- only from our own pages ---------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.rp.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": f"{ORIGIN}.evil.test"},
        {"Referer": "https://evil.test/?https://rp.test/"},
    ],
    ids=str,
)
def test_l18_foreign_page_signs_nobody_out(people: PeopleSite, headers: dict[str, str]) -> None:
    alice = people.signed_in()
    client = people.app.test_client()
    client.set_cookie("session", alice.cookie("session") or "", domain="rp.test")
    answer = client.post("/auth/logout", base_url=ORIGIN, headers=headers)

    assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False)
    assert client.get("/who", base_url=ORIGIN).json["sub"] == "alice"
    assert people.provider.log.count("revocation") == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_l18_an_image_signs_nobody_out(people: PeopleSite, method: str) -> None:
    alice = people.signed_in()
    client = people.app.test_client()
    client.set_cookie("session", alice.cookie("session") or "", domain="rp.test")
    answer = client.open("/auth/logout", base_url=ORIGIN, method=method)

    assert (answer.status_code, "Set-Cookie" in answer.headers) == (405, False)


def test_who_is_not_signed_in_sees_the_same_page(people: PeopleSite) -> None:
    page = people.person().sign_out()
    assert is_signed_out_page(page)
    assert people.provider.log.count("end_session") == 0


# -- at the provider, and back -------------------------------------------------------------


def test_oidcc_client_test_rp_init_logout(place: PeopleSite) -> None:
    place.provider.auto_sign_in = None
    alice = place.signed_in()
    page = alice.sign_out()

    query = end_session_of(page)
    assert query.keys() == {"id_token_hint", "post_logout_redirect_uri", "state"}
    assert query["post_logout_redirect_uri"] == [RETURN]
    assert page.url.startswith(RETURN)
    assert is_signed_out_page(page)
    assert (alice.who, alice.session) == ({}, {})
    # The provider did not ask, as the hint fits; and nobody is signed in there any more.
    assert [v.url.startswith((f"{ISSUER}/end_session", RETURN)) for v in page.history[-2:]] == [
        True,
        True,
    ]
    assert "persona" in alice.open("/auth/login").text


def test_two_people_sign_out_each_for_themselves(place: PeopleSite) -> None:
    alice, bob = place.signed_in(), place.signed_in("bob")
    [hint] = end_session_of(alice.sign_out())["id_token_hint"]

    assert (alice.is_in, bob.is_in) == (False, True)
    assert end_session_of(bob.sign_out())["id_token_hint"] != [hint]


def test_somebody_signs_in_out_and_in_again(place: PeopleSite) -> None:
    alice = place.person()
    hints = set()
    for _ in range(3):
        alice.sign_in()
        hints.update(end_session_of(alice.sign_out())["id_token_hint"])
    assert len(hints) == 3


@pytest.mark.parametrize("path", ["/who", "/form?action=b&c=%20d#e"])
def test_form_says_where_to_go_then(people: PeopleSite, path: str) -> None:
    alice = people.signed_in()
    assert alice.sign_out(next=path).url == f"{ORIGIN}{path}"
    assert not alice.is_in
    assert alice.sign_out(next=path).url == f"{ORIGIN}{path}"  # of somebody who is out already


@pytest.mark.parametrize(
    "evil", ["https://evil.test/", "//evil.test", "/\\evil.test", "/auth/login", "javascript:a"]
)
def test_form_leads_nowhere_else(people: PeopleSite, evil: str) -> None:
    assert people.signed_in().sign_out(next=evil).url == f"{ORIGIN}/"
    assert people.person().sign_out(next=evil).url == f"{ORIGIN}/"


def test_n18_the_query_has_no_say(people: PeopleSite) -> None:
    alice = people.signed_in()
    page = alice.post("/auth/logout?post_logout_redirect_uri=https://evil.test/&state=mine")
    query = end_session_of(page)
    assert query["post_logout_redirect_uri"] == [RETURN]
    assert query["state"] != ["mine"]


def leave(alice: Person) -> str:
    """Sign out, but do not come back yet.

    :returns: where the provider would send the browser.
    """
    form = f'{ORIGIN}/form?action=/auth/logout&fields={{"next":"/who"}}'
    return alice.browser.walk(form, press=["Go"], stop_before=RETURN).history[-1].url


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda url: RETURN, "missing_state"),
        (lambda url: f"{RETURN}?state=", "missing_state"),
        (lambda url: f"{RETURN}?state=made-up-but-long-enough", "state"),
        (lambda url: f"{url}&state=another", "missing_state"),
    ],
    ids=[
        "oidcc-client-test-rp-init-logout-no-state",
        "empty",
        "oidcc-client-test-rp-init-logout-other-state",
        "twice",
    ],
)
def test_l16_return_that_is_not_ours(
    people: PeopleSite, change: Callable[[str], str], code: str
) -> None:
    alice = people.signed_in()
    page = alice.browser.open(change(leave(alice)))

    assert page.status == 400
    assert code in page.text
    assert page.url.startswith(RETURN)  # `next` is not trusted
    assert not alice.is_in
    assert page.response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("evil", ["https://evil.test/", "//evil.test"])
def test_n16_next_is_checked_when_it_is_used_too(people: PeopleSite, evil: str) -> None:
    # The session is readable, and written by everybody who has the secret key.
    alice = people.signed_in()
    url, session = leave(alice), alice.session
    session["_oauthclient_leaving"] = ["demo", evil]
    serializer = people.app.session_interface.get_signing_serializer(people.app)
    for cookie in alice.browser.cookies:
        if cookie.name == "session":
            cookie.value = serializer.dumps(session)
    assert alice.browser.open(url).url == f"{ORIGIN}/"


def test_l16_return_works_once(people: PeopleSite) -> None:
    alice = people.signed_in()
    url = leave(alice)
    assert alice.browser.open(url).url == f"{ORIGIN}/who"
    assert alice.browser.open(url).status == 400


def test_l16_return_of_another_browser(people: PeopleSite) -> None:
    alice, mallory = people.signed_in(), people.signed_in("bob")
    page = mallory.browser.open(leave(alice))
    assert page.status == 400
    assert mallory.is_in


def test_state_of_a_login_is_none_of_a_sign_out(people: PeopleSite) -> None:
    alice = people.person()
    page = alice.browser.walk(f"{ORIGIN}/auth/login", stop_before=f"{ORIGIN}/auth/callback/")
    [state] = parse_qs(urlsplit(page.history[-1].url).query)["state"]
    assert alice.open("/auth/logout/callback", state=state).status == 400


def test_state_of_a_sign_out_is_none_of_a_login(people: PeopleSite) -> None:
    alice = people.signed_in()
    [state] = parse_qs(urlsplit(leave(alice)).query)["state"]
    page = alice.open("/auth/callback/demo", state=state, code="made-up", iss=ISSUER)
    assert not alice.is_in
    assert people.provider.log.count("token") == 1
    assert page.status in (200, 400)


# -- here first, whatever the provider does ------------------------------------------------


def no_endpoint(name: str) -> Callable[[Any], Any]:
    return lambda found: {key: value for key, value in found.items() if key != name}


@pytest.mark.parametrize(
    "fail",
    [
        lambda faults: faults.on("discovery").respond(status=503),
        lambda faults: faults.on("discovery").drop(),
        lambda faults: faults.on("discovery").edit_json(no_endpoint("end_session_endpoint")),
        lambda faults: faults.on("discovery").edit_json(
            lambda found: {**found, "end_session_endpoint": "javascript:alert(1)"}
        ),
        lambda faults: faults.on("discovery").edit_json(
            lambda found: {**found, "end_session_endpoint": 7}
        ),
    ],
    ids=["503", "no answer", "no endpoint", "no URL", "number"],
)
@pytest.mark.parametrize("cache", [None, cachelib.SimpleCache()], ids=["cookie", "cache"])
def test_l17_session_is_gone_though_the_provider_cannot_be_asked(
    make_people_site: Make, fail: Callable[[Any], Any], cache: Any
) -> None:
    alice = make_people_site(cache=cache).signed_in()
    # Another process, which knows nothing of the provider yet, gets the sign-out.
    later = make_people_site(cache=cache)
    alice.browser.mount(ORIGIN, later.app.wsgi_app)
    with fail(later.provider.faults):
        page = alice.sign_out()

    assert is_signed_out_page(page)
    assert later.provider.log.count("end_session") == 0
    assert (alice.who, alice.session) == ({}, {})


@pytest.mark.parametrize(
    "fail",
    [
        lambda fault: fault.respond(status=503),
        lambda fault: fault.drop(),
        lambda fault: fault.respond(status=400, body='{"error": "SECRET-WORDS"}'),
        lambda fault: fault.redirect("https://evil.test/"),
        lambda fault: fault.respond(body="not what one expects"),
    ],
    ids=["503", "no answer", "400", "redirect", "200"],
)
def test_l17_revocation_that_fails_holds_nobody(
    people: PeopleSite, fail: Callable[[Any], Any]
) -> None:
    alice = people.signed_in()
    with fail(people.provider.faults.on("revocation")):
        page = alice.sign_out()

    assert is_signed_out_page(page)
    assert people.provider.log.count("revocation") == 1  # never twice
    assert not alice.is_in


def test_l17_slow_revocation_has_three_seconds(
    provider: DevelopmentProvider, make_people_site: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oauth2_app._REVOCATION_TIME == 3
    monkeypatch.setattr(oauth2_app, "_REVOCATION_TIME", 0.2)
    people = make_people_site()
    alice = people.signed_in()
    with provider.serve(0) as server, people.provider.faults.on("revocation").delay(30):
        found = people.oauth.demo.load_server_metadata()
        found["revocation_endpoint"] = f"{server.url}/revoke"
        people.oauth.demo.load_server_metadata = lambda: found  # type: ignore[method-assign]
        began = time.monotonic()
        page = alice.sign_out()
        took = time.monotonic() - began

    assert is_signed_out_page(page)
    assert took < 5


def test_endpoint_without_revocation(people: PeopleSite) -> None:
    with people.provider.faults.on("discovery").edit_json(no_endpoint("revocation_endpoint")):
        page = people.signed_in().sign_out()
    assert is_signed_out_page(page)
    assert people.provider.log.count("revocation") == 0


def test_provider_that_is_no_longer_offered(make_people_site: Make) -> None:
    alice = make_people_site().signed_in()
    other = {
        "client_id": "x",
        "authorize_url": "https://x.test/a",
        "access_token_url": "https://x.test/t",
    }
    later = make_people_site(more={"other": other}, providers=["other"])
    alice.browser.mount(ORIGIN, later.app.wsgi_app)
    page = alice.sign_out()

    assert is_signed_out_page(page)
    assert not alice.is_in


# -- revocation ----------------------------------------------------------------------------


def test_refresh_token_is_revoked(place: PeopleSite) -> None:
    alice = place.signed_in()
    grants = place.provider.grants
    alice.sign_out()

    [record] = place.provider.log.find("revocation")
    assert record.status == 200
    assert grants.find_refresh(record.form["token"]) is None
    assert record.form["token"] in place.provider.secrets


def test_access_token_is_revoked_where_there_is_no_other(people: PeopleSite) -> None:
    people.provider.always_refresh_token = False
    alice = people.signed_in()
    alice.sign_out()

    [record] = people.provider.log.find("revocation")
    assert record.status == 200
    assert people.provider.grants.find_access(record.form["token"]) is None


def test_nothing_is_revoked_if_the_application_says_so(make_people_site: Make) -> None:
    people = make_people_site(revoke=False)
    page = people.signed_in().sign_out()
    assert people.provider.log.count("revocation") == 0
    assert "id_token_hint" in end_session_of(page)


# -- the application's say -----------------------------------------------------------------


def test_answer_of_on_logout_wins(make_people_site: Make) -> None:
    seen: list[Any] = []

    def on_logout(identity: Any) -> Any:
        seen.append((identity, dict(flask.session)))
        return flask.redirect("/who?own")

    people = make_people_site(on_logout=on_logout)
    alice = people.signed_in()
    page = alice.sign_out(next="/private")

    assert page.url == f"{ORIGIN}/who?own"
    [(identity, session)] = seen
    assert (identity.provider, identity.key, session) == ("demo", (ISSUER, "alice"), {})
    assert people.provider.log.count("end_session") == 0
    assert people.provider.log.count("revocation") == 1


def test_signal_tells_who_has_left(people: PeopleSite) -> None:
    heard: list[dict[str, Any]] = []
    alice = people.signed_in()
    with signals.logged_out.connected_to(lambda sender, **told: heard.append(told), people.app):
        alice.sign_out()
        alice.sign_out()
    [told] = heard
    assert told.keys() == {"name", "identity"}
    assert (told["name"], told["identity"].sub) == ("demo", "alice")


# -- what a sign-out needs, in the browser -------------------------------------------------


def last_answer(people: PeopleSite, alice: Person) -> Any:
    """The answer of the callback with which Alice signs in."""
    callback = f"{ORIGIN}/auth/callback/"
    page = alice.browser.walk(f"{ORIGIN}/auth/login", stop_before=callback)
    client = people.app.test_client()
    for cookie in alice.browser.cookies:
        if cookie.domain == "rp.test":
            client.set_cookie(cookie.name, cookie.value or "", domain="rp.test", path=cookie.path)
    return client.get(page.history[-1].url.removeprefix(ORIGIN), base_url=ORIGIN)


def test_cookie_goes_to_the_logout_route_alone(people: PeopleSite) -> None:
    answer = last_answer(people, people.person())
    [line] = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{COOKIE}=")]
    attributes = set(line.split("; ")[1:])
    assert attributes == {"Secure", "HttpOnly", "Path=/auth/logout", "SameSite=Strict"}


@pytest.mark.parametrize(
    ("base", "secure"), [("https://rp.test", True), ("http://localhost", False)]
)
def test_cookie_is_secure_on_https(make_people_site: Make, base: str, secure: bool) -> None:
    people = make_people_site(config={"SESSION_COOKIE_SECURE": False})
    with people.app.test_request_context(base_url=base):
        logout_ticket.give_ticket(FlaskSite(), "sign-in", {"id_token": "an ID token"}, ENDPOINTS)
        answer = people.app.process_response(people.app.make_response(""))
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


def test_cookie_of_a_permanent_session_lives_as_long(make_people_site: Make) -> None:
    people = make_people_site(config={"PERMANENT_SESSION_LIFETIME": 7200})
    with people.app.test_request_context(base_url=ORIGIN):
        flask.session.permanent = True
        logout_ticket.give_ticket(FlaskSite(), "sign-in", {"id_token": "an ID token"}, ENDPOINTS)
        answer = people.app.process_response(people.app.make_response(""))
    assert any("Max-Age=7200" in line for line in answer.headers.getlist("Set-Cookie"))


def decoded(value: str) -> bytes:
    """A cookie, and what base64 and compression hide in its parts."""
    readable = [value.encode()]
    for part in filter(None, value.split(".")):
        with suppress(binascii.Error):
            readable.append(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        with suppress(zlib.error):
            readable.append(zlib.decompress(readable[-1]))
    return b"|".join(readable)


def test_st01_no_token_is_readable_in_any_cookie(place: PeopleSite) -> None:
    alice = place.signed_in()
    tokens = [secret for secret in place.provider.secrets if len(secret) > 20]
    cookies = [c.value or "" for c in alice.browser.cookies if c.domain == "rp.test"]
    readable = b"\n".join(decoded(value) for value in cookies)

    assert b"alice" in readable  # it can be read what the session tells
    assert not [token for token in tokens if token.encode() in readable]


def test_cookie_is_gone_after_the_sign_out(people: PeopleSite) -> None:
    alice = people.signed_in()
    assert alice.cookie(COOKIE)
    alice.sign_out()
    assert alice.cookie(COOKIE) is None


@pytest.mark.parametrize("change", ["other", "cut", "garbage", "empty"])
def test_cookie_of_another_sign_in_is_not_taken(people: PeopleSite, change: str) -> None:
    alice, bob = people.signed_in(), people.signed_in("bob")
    value = {
        "other": bob.cookie(COOKIE),
        "cut": (alice.cookie(COOKIE) or "")[:-2],
        "garbage": "no cookie of ours",
        "empty": "",
    }[change]
    for cookie in alice.browser.cookies:
        if cookie.name == COOKIE:
            cookie.value = value
    page = alice.sign_out()

    assert is_signed_out_page(page)
    assert end_session_of(page)["client_id"] == ["rp"]
    assert "id_token_hint" not in end_session_of(page)
    assert people.provider.log.count("revocation") == 0
    assert (alice.is_in, bob.is_in) == (False, True)


@pytest.mark.parametrize("size", [200, 700, 1200, 2048, 4096, 20_000])
def test_big_tokens_harm_no_login(people: PeopleSite, size: int) -> None:
    faults, filling = people.provider.faults, "x" * size
    faults.on("id_token").edit_claims(lambda claims: {**claims, "groups": filling})
    faults.on("token").edit_json(lambda found: {**found, "refresh_token": f"r{filling}"})
    alice = people.person()
    answer = last_answer(people, alice)
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers)

    assert answer.status_code == 302
    assert head < 4096
    assert all(len(line) <= 4093 for line in answer.headers.getlist("Set-Cookie"))


def test_big_tokens_are_kept_in_a_cache(make_people_site: Make) -> None:
    people = make_people_site(cache=cachelib.SimpleCache())
    faults, filling = people.provider.faults, "x" * 2048
    faults.on("id_token").edit_claims(lambda claims: {**claims, "groups": filling})
    alice = people.signed_in()
    assert alice.cookie(COOKIE) is None
    assert len(end_session_of(alice.sign_out())["id_token_hint"][0]) > 2048


def test_sign_out_without_room_for_the_hint(people: PeopleSite) -> None:
    people.provider.auto_sign_in = None
    fault = people.provider.faults.on("id_token")
    fault.edit_claims(lambda claims: {**claims, "groups": "x" * 4096})
    alice = people.signed_in()
    assert alice.cookie(COOKIE) is None
    page = alice.sign_out()

    assert end_session_of(page).keys() == {"client_id", "post_logout_redirect_uri", "state"}
    assert "sign_out" in page.text  # the provider asks, as it cannot know who is meant
    assert not alice.is_in
    assert is_signed_out_page(alice.browser.submit(page, {"decision": "sign_out"}))


@pytest.mark.parametrize("kept", [True, False], ids=["fallback", "no fallback"])
def test_s17_secret_key_is_rotated_meanwhile(make_people_site: Make, kept: bool) -> None:
    old = make_people_site()
    alice = old.signed_in()
    fallbacks = [old.app.config["SECRET_KEY"]] if kept else []
    config = {"SECRET_KEY": "a new secret key", "SECRET_KEY_FALLBACKS": fallbacks}
    new = make_people_site(config=config)
    alice.browser.mount(ORIGIN, new.app.wsgi_app)
    assert alice.is_in is kept
    page = alice.sign_out()

    assert is_signed_out_page(page)
    if kept:
        assert "id_token_hint" in end_session_of(page)


def test_cache_that_has_forgotten_still_signs_out(make_people_site: Make) -> None:
    cache = cachelib.SimpleCache()
    alice = make_people_site(cache=cache).signed_in()
    cache.clear()
    page = alice.sign_out()
    assert is_signed_out_page(page)
    assert end_session_of(page)["client_id"] == ["rp"]


def test_cache_holds_nothing_that_can_be_read(make_people_site: Make) -> None:
    cache = cachelib.SimpleCache()
    site = make_people_site(cache=cache)
    alice = site.signed_in()
    everything = repr(cache._cache).encode()
    tokens = [secret for secret in site.provider.secrets if len(secret) > 20]

    assert alice.is_in
    assert not [token for token in tokens if token.encode() in everything]


def test_cache_that_is_new_here_is_asked_first(make_people_site: Make) -> None:
    # The cookie is of a sign-in from before there was a cache.
    alice = make_people_site().signed_in()
    later = make_people_site(cache=cachelib.SimpleCache())
    alice.browser.mount(ORIGIN, later.app.wsgi_app)
    alice.sign_in()
    assert "id_token_hint" in end_session_of(alice.sign_out())


def test_cookie_still_works_where_there_is_a_cache_now(make_people_site: Make) -> None:
    alice = make_people_site().signed_in()
    later = make_people_site(cache=cachelib.SimpleCache())
    alice.browser.mount(ORIGIN, later.app.wsgi_app)
    assert "id_token_hint" in end_session_of(alice.sign_out())
    assert alice.cookie(COOKIE) is None


def test_l17_sign_out_while_the_cache_is_down(make_people_site: Make) -> None:
    cache = Unreliable()
    alice = make_people_site(cache=cache).signed_in()
    cache.is_down = True
    page = alice.sign_out()
    cache.is_down = False

    assert is_signed_out_page(page)
    assert (alice.who, alice.session) == ({}, {})


# -- what is left behind -----------------------------------------------------------------------


def test_copy_of_the_cookie_is_worth_nothing_then(place: PeopleSite) -> None:
    alice, thief = place.signed_in(), place.person()
    for cookie in alice.browser.cookies:
        if cookie.name == "session":
            thief.browser.cookies.set_cookie(cookie)
    assert thief.who["sub"] == "alice"
    alice.sign_out()
    assert not thief.is_in
    alice.sign_in()
    assert (alice.is_in, thief.is_in) == (True, False)


def test_token_that_took_the_place_of_the_login_s_is_revoked(make_people_site: Make) -> None:
    site = make_people_site()
    kept: dict[str, Any] = {}
    site.oauth.current_state().fetch_token = lambda name: kept.get(name)
    alice = site.signed_in()
    kept["demo"] = {"access_token": "a-newer-access-token", "refresh_token": "a-newer-one"}
    site.provider.log.clear()
    alice.sign_out()
    [revocation] = site.provider.log.find("revocation")
    assert revocation.form["token"] == "a-newer-one"


def test_application_that_cannot_find_its_token_keeps_nobody_signed_in(
    make_people_site: Make, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_people_site()

    def fetch_token(name: str) -> Any:
        raise LookupError("the database is down")

    site.oauth.current_state().fetch_token = fetch_token
    alice = site.signed_in()
    assert is_signed_out_page(alice.sign_out())
    assert not alice.is_in
    assert "no stored token to revoke: LookupError" in caplog.text


def test_nothing_is_kept_that_the_provider_has_no_use_for(people: PeopleSite) -> None:
    def without(found: dict[str, Any]) -> dict[str, Any]:
        ends = ("end_session_endpoint", "revocation_endpoint")
        return {name: value for name, value in found.items() if name not in ends}

    people.provider.faults.on("discovery").edit_json(without)
    alice = people.signed_in()
    assert alice.cookie(logout_ticket.COOKIE) is None
