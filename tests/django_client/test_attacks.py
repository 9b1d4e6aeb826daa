"""Attacks on sites on Django: to become somebody else, to send people away, to see a secret."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any
from urllib.parse import quote
from urllib.parse import urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth import login
from django.contrib.auth import logout
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.http import HttpResponse
from django.http import JsonResponse
from django.test import AsyncClient
from django.test import Client
from django.test import RequestFactory
from django.urls import path
from django.views.debug import ExceptionReporter

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client import OAuthError
from flask_oauthclient.sign_in.signed_in import KEY
from tests.flask_client._api import serving
from tests.helpers.urls import query_of
from tests.sign_in._site import ISSUER
from tests.sign_in._site import ORIGIN
from tests.sign_in._site import lose_cookies
from tests.sign_in._site import send
from tests.sign_in._site import send_alone

from . import _project
from ._views_site import Make
from ._views_site import ViewsSite
from ._views_site import user_of
from .test_views_sign_in import PASSWORD_LOGIN
from .test_views_sign_in import path_of

BACKEND = "django.contrib.auth.backends.ModelBackend"
OTHER = {
    "client_id": "rp",
    "client_secret": "the client secret of these tests",
    "issuer": ISSUER,
    "client_kwargs": {"scope": "openid profile email"},
}


def password_logout(request: HttpRequest) -> HttpResponse:
    """A view of the project's own, which knows nothing of providers."""
    logout(request)
    return HttpResponse()


OWN_VIEWS = [*PASSWORD_LOGIN, path("signed-off", password_logout)]


# -- one person, and never two ---------------------------------------------------------------


def test_user_who_logs_in_beside_an_identity_is_the_only_person(make_views_site: Make) -> None:
    site = make_views_site(patterns=OWN_VIEWS)  # on_login names no user of Django's
    site.sign_in()
    assert site.who()["sub"] == "alice"
    site.open("/password/bob")
    assert site.who() == {"username": "bob"}
    site.open("/signed-off")
    assert site.who() == {}


def test_account_is_not_linked_to_an_identity_of_somebody_before(make_views_site: Make) -> None:
    linked: list[Any] = []
    site = make_views_site(
        patterns=OWN_VIEWS, on_link=lambda request, result, identity: linked.append(identity)
    )
    site.sign_in()
    site.open("/password/bob")
    page = site.press("/auth/link/demo", next="/who")
    assert (linked, path_of(page)) != ([], "/who")
    assert linked == []


@pytest.mark.parametrize("leave", ["/signed-off", "/password/bob"])
def test_token_of_who_was_here_before_is_nobody_elses(make_views_site: Make, leave: str) -> None:
    oauth: list[OAuth] = []

    def token(request: HttpRequest) -> HttpResponse:
        try:
            return HttpResponse(oauth[0].demo.at(request).ensure_active_token()["access_token"])
        except OAuthError as error:
            return HttpResponse(error.error)

    site = make_views_site(
        on_login=user_of,
        patterns=[*OWN_VIEWS, path("token", token)],
        registry={"token_store": MemoryTokenStore(["the only key of these tests"])},
    )
    oauth.append(site.oauth)
    site.sign_in()
    assert len(site.open("/token").text) > len("sign_in_required")
    site.open(leave)
    assert site.open("/token").text == "sign_in_required"


def test_on_login_that_logs_a_user_in_itself(make_views_site: Make) -> None:
    def on_login(request: HttpRequest, result: Any) -> None:
        login(request, user_of(request, result), backend=BACKEND)

    site = make_views_site(on_login=on_login)
    for _ in range(2):
        site.sign_in()
        who = site.who()
        assert (who["username"], who["sub"]) == ("alice", "alice")
        assert who["user"] == get_user_model().objects.get().pk


def test_on_login_does_not_log_somebody_else_in_either(make_views_site: Make) -> None:
    def on_login(request: HttpRequest, result: Any) -> None:
        login(request, user_of(request, result), backend=BACKEND)

    site = make_views_site(on_login=on_login, patterns=OWN_VIEWS)
    site.open("/password/bob")
    page = site.sign_in()
    assert (page.status, ">account_mismatch<" in page.text) == (409, True)
    assert site.who() == {"username": "bob"}


def test_user_who_is_not_saved_is_nobody(make_views_site: Make) -> None:
    site = make_views_site(
        on_login=lambda request, result: get_user_model()(username=result.key[1]),
        registry={"token_store": MemoryTokenStore(["the only key of these tests"])},
    )
    assert site.sign_in().status == 500
    assert site.who() == {}
    assert site.oauth.token_store.list("None") == []


# -- callbacks that somebody else has made -----------------------------------------------------


def begun_by_the_attacker(site: ViewsSite, path: str = "/auth/login/demo") -> tuple[Any, Any]:
    """A callback that the attacker's browser has kept back, and that browser."""
    victim, site.browser = site.browser, site.new_browser()
    visit = site.begin(path, persona="bob")
    attacker, site.browser = site.browser, victim
    return visit, attacker


@pytest.mark.parametrize("signed_in", [False, True], ids=["nobody", "alice"])
def test_callback_of_another_browser(views_site: ViewsSite, signed_in: bool) -> None:
    visit, _ = begun_by_the_attacker(views_site)
    if signed_in:
        views_site.sign_in()
    before = views_site.provider.log.count("token")
    answer = send(views_site, visit)
    assert answer.status_code == 400 or "/auth/login/demo?" in answer.headers["Location"]
    views_site.finish(visit)  # at the most it begins anew, as whom the victim is at the provider
    assert views_site.who().get("sub") in ("alice", None)
    assert views_site.provider.log.count("token") - before <= 1


@pytest.mark.parametrize("name", ["oac_{}", "__Host-oac_{}x", "__host-oac_{}", "oac_{}="])
def test_cookie_that_a_neighbour_in_the_domain_has_planted(
    views_site: ViewsSite, name: str
) -> None:
    """A host of the same domain can set cookies for all of it, but none with ``__Host-``."""
    visit, attacker = begun_by_the_attacker(views_site)
    [stolen] = [cookie for cookie in attacker.cookies if cookie.name.startswith("__Host-oac_")]
    planted = f"{name.format(stolen.name.removeprefix('__Host-oac_'))}={stolen.value}"
    answer = send_alone(views_site, visit.url.removeprefix(ORIGIN), Cookie=planted)
    assert "/auth/login/demo?" in answer.headers.get("Location", "") or answer.status_code == 400
    assert views_site.provider.log.count("token") == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/callback/demo", "/callback/other"),
        lambda url: url.replace("state=", "state=x"),
        lambda url: f"{url}&state={query_of(url)['state'][0]}",
        lambda url: f"{url}&code=another",
        lambda url: url.replace("code=", "code=%00"),
        lambda url: url.replace("https://rp.test", "https://rp.test").replace("state=", "State="),
    ],
    ids=["other-client", "other-state", "state-twice", "code-twice", "nul", "other-name"],
)
def test_callback_that_was_changed_signs_nobody_in(
    make_views_site: Make, change: Callable[[str], str]
) -> None:
    site = make_views_site(more={"other": {**OTHER, "issuer": "https://other.test"}})
    visit = site.begin()
    answer = send(site, replace(visit, url=change(visit.url)))
    assert answer.status_code >= 400 or "/auth/login/" in answer.headers["Location"]
    assert site.who() == {}


def test_session_that_the_attacker_has_planted_is_not_the_victims(make_views_site: Make) -> None:
    """Session fixation: who knows the key before the login does not know the one after it."""
    site = make_views_site(on_login=user_of)
    with site:
        planted = Client(headers={"Host": "rp.test"})
        planted.get("/auth/login", {"next": "/who"}, secure=True)
        planted.post("/auth/login/demo", secure=True, headers={"Sec-Fetch-Site": "same-origin"})
        key = planted.session.session_key
    lose_cookies(site)
    site.browser.cookies.set("session", key, domain="rp.test", path="/", secure=True)
    site.sign_in()
    assert site.who()["sub"] == "alice"
    assert site.session_key() != key
    assert not Session.objects.filter(pk=key).exists()


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch"}, {"Purpose": "preview"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nobody_who_only_looks_uses_a_login_up(
    views_site: ViewsSite, method: str, headers: dict[str, str]
) -> None:
    visit = views_site.begin(next="/who")
    assert send(views_site, replace(visit, method=method), **headers).status_code >= 400
    assert views_site.finish(visit).url == f"{ORIGIN}/who"


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "utf-16"])
def test_charset_that_a_header_names_is_no_way_past_the_checks(
    views_site: ViewsSite, charset: str
) -> None:
    heard: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        try:
            views_site.oauth.demo.authorize_access_token(request)
        except OAuthError as error:
            heard.append(error.error)
        return HttpResponse()

    factory = RequestFactory(headers={"Host": "rp.test"})
    with views_site:
        request = factory.get(
            "/",
            secure=True,
            query_params={},
            headers={"Content-Type": f"text/plain; charset={charset}"},
            QUERY_STRING="code=x&state=%5Cud800%ff%fe",
        )
        request.session = SessionStore()
        view(request)
    assert len(heard) == 1


# -- sent away -------------------------------------------------------------------------------

AWAY = [
    "https://evil.test/",
    "//evil.test",
    "/\\evil.test",
    "/%2fevil.test",
    "/%5cevil.test",
    "/\t/evil.test",
    "/x/..//evil.test",
    "javascript:alert(1)",
    "/\ud800",
    "/\r\nX-Header: yes",
    "\u2003//evil.test",
    "/\uff0e\uff0e/\uff0fevil.test",
    "https://rp.test@evil.test/",
    "https://rp.test.evil.test/",
]


@pytest.mark.parametrize("target", AWAY)
@pytest.mark.parametrize("prefix", ["", "/mounted/here"])
def test_nobody_is_sent_to_another_site(views_site: ViewsSite, target: str, prefix: str) -> None:
    site, asked = views_site, quote(target, errors="surrogatepass")
    ways: list[Any] = [
        ("GET", f"/auth/login?next={asked}"),
        ("POST", f"/auth/login/demo?next={asked}"),
        ("POST", f"/auth/logout?next={asked}"),
        ("GET", f"/auth/login?iss={quote(ISSUER)}&target_link_uri={asked}"),
        ("GET", f"/auth/logout/callback?next={asked}"),
    ]
    with site:
        for method, url in ways:
            client = Client(headers={"Host": "rp.test", "Sec-Fetch-Site": "same-origin"})
            answer = client.generic(method, url, secure=True, SCRIPT_NAME=prefix)
            leads = urlsplit(answer.headers.get("Location", ""))
            assert leads.netloc in ("", "op.test"), url
            assert not leads.path.startswith("//")
            assert "X-Header" not in answer.headers
            kept = json.dumps(dict(client.session.items()))
            assert "evil" not in kept, url


@pytest.mark.parametrize("host", ["evil.test", "rp.test@evil.test", "rp.test:80@evil", "rp.test/x"])
def test_host_that_is_not_ours_gets_nothing(views_site: ViewsSite, host: str) -> None:
    with views_site:
        client = Client(headers={"Host": host, "Sec-Fetch-Site": "same-origin"})
        for url in ("/auth/login", "/auth/login/demo", "/auth/callback/demo?state=x&code=y"):
            answer = client.get(url, secure=True)
            assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_proxy_that_nobody_has_named_is_not_believed(views_site: ViewsSite) -> None:
    with views_site:
        client = Client(headers={"Host": "rp.test", "Sec-Fetch-Site": "same-origin"})
        answer = client.get(
            "/auth/login/demo",
            secure=True,
            headers={"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http"},
        )
        assert query_of(answer["Location"])["redirect_uri"] == [f"{ORIGIN}/auth/callback/demo"]


# -- done by another site ----------------------------------------------------------------------

FOREIGN = {
    "fetch-metadata": {"Sec-Fetch-Site": "cross-site"},
    "sibling": {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.rp.test"},
    "sandboxed-frame": {"Sec-Fetch-Site": "same-site", "Origin": "null"},
    "older-browser": {"Origin": "https://evil.test"},
    "older-sandboxed-frame": {"Origin": "null"},
    "referer": {"Referer": "https://evil.test/rp.test"},
    "host-as-user": {"Origin": "https://rp.test@evil.test"},
    "another-port": {"Origin": "https://rp.test:8443"},
    "in-the-clear": {"Origin": "http://rp.test"},
    "broken": {"Origin": "https://[rp.test"},
    "no-such-word": {"Sec-Fetch-Site": "Same-Origin", "Origin": "https://rp.test"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("route", ["logout", "link/demo", "unlink/demo"])
def test_another_site_cannot_do_what_a_person_does_here(
    make_views_site: Make, route: str, headers: dict[str, str]
) -> None:
    done: list[str] = []
    site = make_views_site(
        on_login=user_of,
        on_logout=lambda request, identity: done.append("logout"),
        on_unlink=lambda request, name, identity: done.append("unlink"),
    )
    site.sign_in()
    with site:
        client = site.client(**headers)
        client.cookies["session"] = site.session_key() or ""
        answer = client.post(f"/auth/{route}", secure=True)
        assert (answer.status_code, "Location" in answer.headers) == (403, False)
        assert client.get(f"/auth/{route}", secure=True).status_code == 405
    assert (done, site.who()["sub"]) == ([], "alice")


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_site_cannot_begin_a_login(
    views_site: ViewsSite, method: str, headers: dict[str, str]
) -> None:
    with views_site:
        for route in ("login", "login/demo", f"login?iss={quote(ISSUER)}"):
            answer = views_site.client(**headers).generic(method, f"/auth/{route}", secure=True)
            assert "op.test" not in answer.headers.get("Location", "")
            assert not any(name.startswith("__Host-oac_") for name in answer.cookies)


def test_no_page_is_shown_in_a_frame_or_kept(views_site: ViewsSite) -> None:
    for page in (
        views_site.open("/auth/login", iss="https://nobody.test"),
        views_site.open("/auth/callback/demo", error="access_denied", state="x"),
        views_site.open("/auth/logout/callback"),
    ):
        headers = page.response.headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


# -- what is seen of secrets -----------------------------------------------------------------


@pytest.mark.parametrize(
    "engine", ["db", "signed_cookies"], ids=["session-in-database", "session-in-cookie"]
)
def test_session_and_cookies_hold_no_token(make_views_site: Make, engine: str) -> None:
    tokens: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []

    def on_login(request: HttpRequest, result: Any) -> Any:
        tokens.append(dict(result.token))
        return user_of(request, result)

    def show(request: HttpRequest) -> HttpResponse:
        sessions.append(dict(request.session.items()))
        return HttpResponse()

    site = make_views_site(
        on_login=on_login,
        config={"SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}"},
        patterns=[path("show", show)],
    )
    site.sign_in()
    site.open("/show")
    text = json.dumps(sessions) + " ".join(str(cookie.value) for cookie in site.browser.cookies)
    secrets = [tokens[0][name] for name in ("access_token", "id_token")]
    assert not [secret for secret in [*secrets, OTHER["client_secret"]] if secret in text]


@pytest.mark.parametrize("debug", [True, False])
def test_report_of_an_error_shows_no_secret_of_the_login(
    make_views_site: Make, debug: bool
) -> None:
    """The page of ``DEBUG``, and the mail of ``AdminEmailHandler`` with ``include_html``."""
    reports: list[str] = []
    secrets: list[str] = []

    def callback(request: HttpRequest) -> HttpResponse:
        try:
            site.oauth.demo.authorize_access_token(request)
        except OAuthError:
            reporter = ExceptionReporter(request, *sys.exc_info(), is_email=not debug)
            reports.extend([reporter.get_traceback_html(), reporter.get_traceback_text()])
        return HttpResponse()

    def start(request: HttpRequest) -> HttpResponse:
        uri = f"{ORIGIN}/auth/callback/demo"
        response: HttpResponse = site.oauth.demo.authorize_redirect(request, uri)
        kept = next(v for k, v in request.session.items() if k.startswith("_state_demo_"))
        secrets.append(kept["data"]["code_verifier"])
        return response

    site = make_views_site(
        config={"DEBUG": debug}, patterns=[path("start", start), path("back", callback)]
    )
    visit = site.begin("/start")
    site.browser.open(visit.url.replace("/auth/callback/demo", "/back").replace("code=", "code=x"))
    assert len(reports) == 2
    assert "authorize_access_token" in reports[0]
    for secret in [*secrets, str(OTHER["client_secret"])]:
        assert not [report for report in reports if secret in report]


# -- two at once -------------------------------------------------------------------------------


def test_session_that_another_tab_has_renewed_meanwhile(make_views_site: Make) -> None:
    """Django itself would answer with an error, and nothing but that."""

    def on_start(request: HttpRequest, name: str) -> None:
        Session.objects.filter(pk=request.session.session_key).delete()

    site = make_views_site(on_start=on_start)
    site.open("/auth/login/demo", next="/who")  # there is a session
    page = site.sign_in()
    assert page.status == 200
    assert site.who()["sub"] == "alice"


def test_session_that_has_ended_does_not_come_back(make_views_site: Make) -> None:
    keys: list[str] = []

    def on_start(request: HttpRequest, name: str) -> None:
        if KEY in request.session:
            keys.append(request.session.session_key or "")
            Session.objects.filter(pk=keys[0]).delete()  # a sign-out in another tab

    site = make_views_site(on_login=user_of, on_start=on_start)
    site.sign_in()
    site.press("/auth/login/demo")
    assert len(keys) == 1
    assert not Session.objects.filter(pk=keys[0]).exists()


# -- asynchronous views ------------------------------------------------------------------------


def test_visitors_of_one_event_loop_have_each_their_own_token() -> None:
    """Under ASGI many people's requests share a loop, and so a client."""
    users: Any = get_user_model()
    people = [users.objects.create_user(f"visitor-{number}") for number in range(6)]
    oauth = OAuth(token_store=MemoryTokenStore(["the only key of these tests"]))

    async def view(request: HttpRequest) -> JsonResponse:
        calls = [oauth.demo.aget("echo", request=request) for _ in range(3)]
        answers = await asyncio.gather(*calls, oauth.demo.at(request).aget("echo"))
        seen = {answer.json()["headers"]["Authorization"] for answer in answers}
        user = await request.auser()
        return JsonResponse({"user": user.pk, "seen": sorted(seen)})

    async def visit() -> list[Any]:
        clients = [AsyncClient() for _ in people]
        for client, user in zip(clients, people, strict=True):
            await client.aforce_login(user)
        answers = await asyncio.gather(*(c.get("/view") for c in clients for _ in range(3)))
        return [answer.json() for answer in answers]

    urls = ModuleType("urls")
    vars(urls)["urlpatterns"] = [path("view", view)]
    with serving() as api, _project.replaced(ROOT_URLCONF=urls):
        oauth.register("demo", **api.client())
        for user in people:
            token = {"access_token": f"the-token-of-{user.pk}", "token_type": "Bearer"}
            oauth.demo.for_account(owner=user.pk).save_token(token)
        found = async_to_sync(visit)()
        oauth.demo.session.close()
    assert len(found) == 3 * len(people)
    assert all(one["seen"] == [f"Bearer the-token-of-{one['user']}"] for one in found)
    users.objects.all().delete()
