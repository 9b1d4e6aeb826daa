"""Where routes are included, what protects a view, and what only a middleware can do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import cachelib
import pytest
from django.http import HttpRequest
from django.http import HttpResponse
from django.test import Client
from django.test import RequestFactory
from django.urls import include
from django.urls import path
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View

from flask_oauthclient import MemoryTokenStore
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client import current_identity
from flask_oauthclient.django_client import login_required
from flask_oauthclient.django_client import signals
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.testing.provider import ClientRecord
from tests.flask_client._people import Unreliable
from tests.flask_client._people import logout_token
from tests.helpers.urls import query_of
from tests.sign_in._site import ORIGIN
from tests.sign_in._site import send_alone

from ._views_site import Make
from ._views_site import ViewsSite
from ._views_site import user_of

OTHER = {
    "client_id": "x",
    "authorize_url": "https://x.test/a",
    "access_token_url": "https://x.test/t",
}


# -- where they stand ------------------------------------------------------------------------


def test_routes_have_names(views_site: ViewsSite) -> None:
    with views_site:
        assert reverse("oauthclient:login") == "/auth/login"
        assert reverse("oauthclient:callback", args=["demo"]) == "/auth/callback/demo"
        assert reverse("oauthclient:logout") == "/auth/logout"


def test_two_places_with_people_of_their_own(make_views_site: Make) -> None:
    site = make_views_site(more={"other": OTHER}, providers=["other"])
    inner = [path("in/", include(site.oauth.urls(providers=["demo"]), namespace="staff"))]
    site.settings["ROOT_URLCONF"].urlpatterns.append(path("area/", include((inner, "area"))))
    secret, there = "the client secret of these tests", f"{ORIGIN}/area/in/callback/demo"
    site.provider.add_client(ClientRecord("rp", secret, redirect_uris=(there,)))
    assert send_alone(site, "/auth/login/demo").status_code == 404
    page = site.browser.sign_in(f"{ORIGIN}/area/in/login?next=/who")
    assert (page.url, site.who()["sub"]) == (f"{ORIGIN}/who", "alice")
    with site:
        assert reverse("area:staff:login") == "/area/in/login"
    answer = send_alone(site, "/private")
    assert answer.headers["Location"] == "/auth/login?next=/private"


def test_login_of_one_place_does_not_end_at_another(make_views_site: Make) -> None:
    site = make_views_site()
    again = path("again/", include(site.oauth.urls(), namespace="again"))
    site.settings["ROOT_URLCONF"].urlpatterns.append(again)
    visit = site.begin(next="/who")
    page = site.browser.open(visit.url.replace("/auth/", "/again/"))
    assert (page.status, "mismatching_state" in page.text, site.who()) == (400, True, {})


def test_paths_may_be_those_that_are_registered_already(make_views_site: Make) -> None:
    site = make_views_site(paths={"callback": {"demo": "/demo/authorized"}})
    location = send_alone(site, "/auth/login").headers["Location"]
    assert query_of(location)["redirect_uri"] == [f"{ORIGIN}/auth/demo/authorized"]


def test_base_url_of_the_settings_wins(make_views_site: Make) -> None:
    site = make_views_site(config={"OAUTHCLIENT_BASE_URL": "https://public.test/app/"})
    location = send_alone(site, "/auth/login").headers["Location"]
    assert query_of(location)["redirect_uri"] == ["https://public.test/app/auth/callback/demo"]


def test_project_below_a_prefix(views_site: ViewsSite) -> None:
    def below(environ: dict[str, Any], start_response: Any) -> Any:
        environ["SCRIPT_NAME"] = "/app"
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/app")
        return views_site.wsgi(environ, start_response)

    secret, there = "the client secret of these tests", f"{ORIGIN}/app/auth/callback/demo"
    views_site.provider.add_client(ClientRecord("rp", secret, redirect_uris=(there,)))
    browser = views_site.browser
    browser.mount(ORIGIN, below)
    assert browser.sign_in(f"{ORIGIN}/app/private?x=1").url == f"{ORIGIN}/app/private?x=1"
    assert browser.sign_in(f"{ORIGIN}/app/auth/login?next=/app/auth/login").url == f"{ORIGIN}/app/"
    page = views_site.open("/app/auth/logout/callback")
    assert 'href="/app/auth/login"' in page.text
    assert 'href="/app/"' in page.text


def test_route_for_any_provider_hides_no_other(make_views_site: Make) -> None:
    site = make_views_site(paths={"start": "/<provider>", "callback": {"demo": "/back"}})
    assert send_alone(site, "/auth/logout", "POST").status_code == 302
    location = send_alone(site, "/auth/demo").headers["Location"]
    assert query_of(location)["redirect_uri"] == [f"{ORIGIN}/auth/back"]


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"paths": {"lgoin": "/x"}}, "there is no route lgoin"),
        ({"paths": {"callback": "/back"}}, "needs <provider>"),
        ({"providers": "demo"}, "providers is a list"),
        ({"query_params": ["state"]}, "cannot choose state"),
    ],
)
def test_mistakes_are_told_when_the_routes_are_made(keywords: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidSettingError, match=text):
        OAuth().urls(**keywords)


def test_name_of_no_client_is_told_at_the_first_request(make_views_site: Make) -> None:
    site = make_views_site(labels={"dmeo": "Demo"}, config={"DEBUG_PROPAGATE_EXCEPTIONS": True})
    with pytest.raises(InvalidSettingError, match=r"urls\(\) names dmeo"):
        site.open("/auth/login")


# -- Django's own test client ----------------------------------------------------------------


def test_sign_out_needs_no_token_of_django_but_a_page_of_ours(make_views_site: Make) -> None:
    site = make_views_site(on_login=user_of)
    with site:
        client = Client(enforce_csrf_checks=True, headers={"Host": "rp.test"})
        client.force_login(user_of(RequestFactory().get("/"), _Result("alice")))
        foreign = client.post("/auth/logout", secure=True, headers={"Sec-Fetch-Site": "cross-site"})
        assert (foreign.status_code, "_auth_user_id" in client.session) == (403, True)
        ours = client.post("/auth/logout", secure=True, headers={"Origin": ORIGIN})
        assert (ours.status_code, "_auth_user_id" in client.session) == (302, False)


class _Result:
    def __init__(self, sub: str) -> None:
        self.key = ("", sub)


# -- what protects a view --------------------------------------------------------------------


class Guarded(View):
    """A view in a class."""

    @method_decorator(login_required)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        return HttpResponse("a view in a class")


@login_required
async def guarded_async(request: HttpRequest) -> HttpResponse:
    """An async view."""
    await asyncio.sleep(0)
    return HttpResponse("an async view")


@login_required("demo", scopes=["calendar"])
def guarded_scope(request: HttpRequest) -> HttpResponse:
    """A view that needs more than a sign-in."""
    return HttpResponse("the calendar")


VIEWS = [
    path("class", Guarded.as_view()),
    path("async", guarded_async),
    path("scope", guarded_scope),
]


@pytest.mark.parametrize("place", ["class", "async"])
def test_views_of_all_kinds_are_protected(make_views_site: Make, place: str) -> None:
    site = make_views_site(on_login=user_of, patterns=VIEWS)
    assert send_alone(site, f"/{place}").headers["Location"] == f"/auth/login?next=/{place}"
    page = site.browser.sign_in(f"{ORIGIN}/{place}")
    assert (page.url, page.status) == (f"{ORIGIN}/{place}", 200)


def test_user_who_logs_in_by_a_password_is_somebody(make_views_site: Make) -> None:
    site = make_views_site(patterns=VIEWS)
    with site:
        client = Client(headers={"Host": "rp.test"})
        client.force_login(user_of(RequestFactory().get("/"), _Result("bob")))
        assert client.get("/class", secure=True).text == "a view in a class"
        answer = client.get("/scope", secure=True)
        assert answer.headers["Location"] == "/auth/login/demo?next=/scope"


def test_scope_that_a_view_needs_is_asked_for(make_views_site: Make) -> None:
    site = make_views_site(on_login=user_of, patterns=VIEWS)
    site.sign_in()
    page = site.open("/scope")
    [asked] = [v.url for v in page.history if "/authorize" in v.url]
    assert "calendar" in query_of(asked)["scope"][0].split()


def test_nobody_is_sent_where_nothing_is_mounted(make_views_site: Make) -> None:
    site = make_views_site(config={"DEBUG_PROPAGATE_EXCEPTIONS": True})
    site.settings["ROOT_URLCONF"].urlpatterns.pop(0)
    with pytest.raises(MissingConfigurationError, match=r"include\(oauth\.urls\(\)\)"):
        site.open("/private")


def test_identity_of_a_request_without_a_session_is_nobody(views_site: ViewsSite) -> None:
    with views_site:
        assert current_identity(RequestFactory().get("/")) is None


# -- linking ---------------------------------------------------------------------------------


def test_account_is_linked_to_who_is_signed_in(make_views_site: Make) -> None:
    linked: list[Any] = []
    heard: list[str] = []

    def listen(sender: Any, name: str, **_: Any) -> None:
        heard.append(name)

    signals.account_linked.connect(listen)
    site = make_views_site(
        on_login=user_of,
        on_link=lambda request, result, identity: linked.append((identity.sub, result.key[1])),
    )
    site.sign_in()
    site.provider.auto_sign_in = "bob"
    assert site.press("/auth/link/demo", next="/who").url == f"{ORIGIN}/who"
    signals.account_linked.disconnect(listen)
    assert (linked, heard, site.who()["sub"]) == ([("alice", "bob")], ["demo"], "alice")


def test_link_is_taken_away(make_views_site: Make) -> None:
    asked: list[Any] = []
    site = make_views_site(
        on_login=user_of, on_unlink=lambda request, name, identity: asked.append(identity.sub)
    )
    site.sign_in()
    assert site.press("/auth/unlink/demo", next="/who").url == f"{ORIGIN}/who"
    assert asked == ["alice"]


# -- with the middleware ---------------------------------------------------------------------


@pytest.fixture(params=["none", "cache"])
def ended_site(make_views_site: Make, request: pytest.FixtureRequest) -> ViewsSite:
    """A site whose sessions a provider can end."""
    cache = {"cache": cachelib.SimpleCache()} if request.param == "cache" else {}
    return make_views_site(on_login=user_of, middleware=True, registry=cache)


def post_token(site: ViewsSite, token: str) -> Any:
    """Post a logout token as the provider does: from a server, without cookies."""
    with site:
        return Client(headers={"Host": "rp.test"}).post(
            "/auth/backchannel-logout/demo",
            f"logout_token={token}",
            "application/x-www-form-urlencoded",
            secure=True,
        )


def test_provider_ends_a_session_of_a_user_of_django(ended_site: ViewsSite) -> None:
    ended_site.sign_in()
    answer = post_token(ended_site, logout_token(ended_site.provider, sub="alice"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert ended_site.who() == {}
    assert ended_site.session() == {}


def test_logout_token_that_is_refused(ended_site: ViewsSite) -> None:
    ended_site.sign_in()
    answer = post_token(ended_site, logout_token(ended_site.provider, aud="another", sub="alice"))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert ended_site.who()["username"] == "alice"


def test_provider_is_not_told_that_a_session_ends_that_would_go_on(
    make_views_site: Make, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_views_site(on_login=user_of)
    with caplog.at_level(logging.ERROR):
        answer = post_token(site, logout_token(site.provider, sub="alice"))
    assert answer.status_code == 404
    assert "OAuthClientMiddleware" in caplog.text


def test_nobody_is_believed_while_the_cache_is_down(make_views_site: Make) -> None:
    cache = Unreliable()
    site = make_views_site(on_login=user_of, middleware=True, registry={"cache": cache})
    site.sign_in()
    cache.is_down = True
    assert site.who() == {}
    cache.is_down = False
    assert site.who()["username"] == "alice"


def test_frame_of_the_provider_may_be_shown_by_it_alone(make_views_site: Make) -> None:
    cache = {"cache": cachelib.SimpleCache()}
    site = make_views_site(on_login=user_of, middleware=True, registry=cache)
    site.sign_in()
    with site:
        answer = Client(headers={"Host": "rp.test"}).get(
            "/auth/frontchannel-logout/demo", {"iss": "https://op.test", "sid": "x"}, secure=True
        )
    assert answer.status_code == 200
    assert "frame-ancestors https://op.test" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers


def test_view_that_finds_no_token_sends_to_sign_in_and_back(make_views_site: Make) -> None:
    oauth: list[Any] = []

    def call(request: HttpRequest) -> HttpResponse:
        token = oauth[0].demo.at(request).find_token().token
        return HttpResponse("a token" if token else "none")

    site = make_views_site(
        on_login=user_of,
        middleware=True,
        patterns=[path("call", call)],
        registry={"token_store": MemoryTokenStore()},
    )
    oauth.append(site.oauth)
    assert send_alone(site, "/call").headers["Location"] == "/auth/login/demo?next=/call"
    page = site.browser.sign_in(f"{ORIGIN}/call")
    assert (page.url, page.text) == (f"{ORIGIN}/call", "a token")


def test_cookie_of_a_login_goes_when_a_view_of_the_project_completes_it(
    make_views_site: Make,
) -> None:
    oauth: list[Any] = []

    def mine(request: HttpRequest, name: str) -> HttpResponse:
        oauth[0].demo.authorize_access_token(request)
        return HttpResponse("mine")

    callback: Callable[..., Any] = mine
    site = make_views_site(middleware=True)
    site.settings["ROOT_URLCONF"].urlpatterns.insert(0, path("auth/callback/<name>", callback))
    oauth.append(site.oauth)
    answer = site.browser.send(site.begin())
    assert answer.text == "mine"
    assert "=used;" in answer.headers["Set-Cookie"]
