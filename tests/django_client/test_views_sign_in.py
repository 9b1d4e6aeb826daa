"""Signing in and out with the routes of ``oauth.urls``, and with Django's own users."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.http import HttpResponse
from django.http import HttpResponseRedirect
from django.urls import path

from flask_oauthclient.django_client import OAuthError
from flask_oauthclient.django_client import signals
from flask_oauthclient.django_client.people import log_in
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.storage.tokens.memory import MemoryTokenStore
from flask_oauthclient.testing.browser import Page
from tests.helpers.urls import query_of
from tests.helpers.urls import with_params
from tests.sign_in._site import DENIED
from tests.sign_in._site import ISSUER
from tests.sign_in._site import ORIGIN
from tests.sign_in._site import assert_page
from tests.sign_in._site import send_alone

from ._views_site import Make
from ._views_site import user_of

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


def password_login(request: HttpRequest, name: str) -> HttpResponse:
    """A view of the project's own that logs somebody in, without any provider."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    log_in(request, user)
    return HttpResponse()


PASSWORD_LOGIN = [path("password/<name>", password_login)]


# -- whom on_login answers with --------------------------------------------------------------


def test_user_is_logged_in_as_by_a_password(make_views_site: Make) -> None:
    heard: list[str] = []

    def listen(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
        heard.append(user.get_username())

    user_logged_in.connect(listen)
    site = make_views_site(on_login=user_of)
    site.sign_in(next="/who")
    user_logged_in.disconnect(listen)
    user = get_user_model().objects.get()
    who = site.who()
    assert (who["username"], who["sub"], who["user"]) == ("alice", "alice", user.pk)
    assert user.last_login is not None
    assert heard == ["alice"]
    assert site.session()["_auth_user_backend"] == MODEL_BACKEND


def test_user_of_one_of_several_back_ends(make_views_site: Make) -> None:
    other = "tests.django_client.test_views_sign_in.OtherBackend"

    def on_login(request: HttpRequest, result: Any) -> Any:
        user = user_of(request, result)
        user.backend = other
        return user

    config = {"AUTHENTICATION_BACKENDS": [MODEL_BACKEND, other]}
    for answer, backend in ((user_of, MODEL_BACKEND), (on_login, other)):
        site = make_views_site(config=config, on_login=answer)
        site.sign_in()
        assert site.session()["_auth_user_backend"] == backend
        assert site.who()["username"] == "alice"


def test_key_or_nothing_signs_in_without_a_user_of_django(make_views_site: Make) -> None:
    for answer in (42, "the key", None):
        site = make_views_site(on_login=lambda request, result, answer=answer: answer)
        site.sign_in()
        who = site.who()
        assert (who["sub"], who["user"], "username" in who) == ("alice", answer, False)


def test_response_is_shown_as_it_is_and_signs_nobody_in(make_views_site: Make) -> None:
    site = make_views_site(on_login=lambda request, result: HttpResponseRedirect("/who?own"))
    assert site.sign_in().url == f"{ORIGIN}/who?own"
    assert site.who() == {}


@pytest.mark.parametrize("answer", [True, "", 1.5, AnonymousUser(), object(), ("text", 200)])
def test_anything_else_is_a_mistake(make_views_site: Make, answer: Any) -> None:
    site = make_views_site(
        on_login=lambda request, result: answer, config={"DEBUG_PROPAGATE_EXCEPTIONS": True}
    )
    with pytest.raises(TypeError, match="on_login has to return a user"):
        site.sign_in()
    assert site.who() == {}


def test_user_who_may_not_log_in_does_not(make_views_site: Make) -> None:
    def on_login(request: HttpRequest, result: Any) -> Any:
        user = user_of(request, result)
        user.is_active = False
        user.save()
        return user

    site = make_views_site(on_login=on_login)
    assert site.sign_in().status == 403
    assert site.who() == {}


def test_on_login_finds_the_request_and_the_login(make_views_site: Make) -> None:
    seen: list[Any] = []

    def on_login(request: HttpRequest, result: Any) -> None:
        email = result.client.userinfo(token=result.token)["email"]
        seen.append((request.path, result.name, result.claims["sub"], result.extra, email))

    site = make_views_site(on_login=on_login, on_start=lambda request, name: {"from": request.path})
    site.sign_in(next="/who")
    extra = {"from": "/auth/login"}
    assert seen == [("/auth/callback/demo", "demo", "alice", extra, "alice@example.com")]


def test_error_of_the_project_is_a_page(make_views_site: Make) -> None:
    def on_login(request: HttpRequest, result: Any) -> None:
        raise OAuthError("not_invited", "Ask for an invitation.")

    site = make_views_site(on_login=on_login)
    page = site.sign_in(next="/who")
    assert (page.status, "Ask for an invitation." in page.text) == (403, True)
    assert ("not_invited" in page.text, site.who()) == (True, {})


# -- nobody becomes somebody else ------------------------------------------------------------


@pytest.mark.parametrize(
    "on_login", [user_of, lambda request, result: "a-key", None], ids=["user", "key", "identity"]
)
def test_session_gets_another_key_and_keeps_nothing_of_before(
    on_login: Any, make_views_site: Make
) -> None:
    def fill(request: HttpRequest) -> HttpResponse:
        request.session.update({"cart": 1, "draft": 2})
        return HttpResponse()

    site = make_views_site(
        on_login=on_login, keep_in_session=["cart"], patterns=[path("fill", fill)]
    )
    site.open("/fill")
    before = site.session_key()
    site.sign_in()
    assert site.session_key() != before
    session = site.session()
    assert (session["cart"], "draft" in session) == (1, False)
    with site:
        from django.contrib.sessions.models import Session

        assert not Session.objects.filter(session_key=before).exists()


def test_token_of_somebody_who_is_no_user_is_kept_for_that_person(make_views_site: Make) -> None:
    store = MemoryTokenStore(["the only key of these tests"])

    def is_there(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(site.oauth.demo.at(request).token is not None))

    site = make_views_site(patterns=[path("token", is_there)], registry={"token_store": store})
    assert site.open("/token").text == "False"
    site.sign_in()
    assert site.open("/token").text == "True"
    site.press("/auth/logout")
    assert site.open("/token").text == "False"


def test_where_all_views_ask_for_a_user_the_way_in_does_not(make_views_site: Make) -> None:
    everywhere = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    site = make_views_site(
        on_login=user_of,
        config={
            "MIDDLEWARE": [*project.MIDDLEWARE, everywhere],
            "LOGIN_URL": "oauthclient:login",
        },
    )
    with site:
        answer = site.client().get("/who", secure=True)
    assert answer.headers["Location"] == "/auth/login?next=/who"
    assert path_of(site.sign_in(next="/who")) == "/who"
    assert site.who()["username"] == "alice"


def test_other_user_of_django_is_no_one_to_become(make_views_site: Make) -> None:
    site = make_views_site(on_login=user_of, patterns=PASSWORD_LOGIN)
    site.open("/password/bob")
    page = site.sign_in(next="/who")
    assert (page.status, "account_mismatch" in page.text) == (409, True)
    assert site.who() == {"username": "bob"}
    page = site.browser.submit(page, press=["Switch to the other account"])
    assert (page.url, site.who()["username"]) == (f"{ORIGIN}/who", "alice")


def test_same_user_of_django_may_sign_in_once_more(make_views_site: Make) -> None:
    site = make_views_site(on_login=user_of, patterns=PASSWORD_LOGIN)
    site.open("/password/alice")
    assert site.sign_in(next="/who").url == f"{ORIGIN}/who"
    assert site.who()["sub"] == "alice"


def test_who_is_signed_in_stays_when_another_person_comes_back(make_views_site: Make) -> None:
    site = make_views_site(on_login=user_of)
    site.sign_in()
    site.provider.auto_sign_in = "bob"
    other = site.begin()
    page = site.finish(other)
    assert (page.status, "account_mismatch" in page.text) == (409, True)
    assert site.who()["username"] == "alice"
    assert not get_user_model().objects.filter(username="bob").exists()


@pytest.mark.parametrize("change", ["is_active", "password", "deleted"])
def test_identity_ends_with_the_user_of_django(make_views_site: Make, change: str) -> None:
    site = make_views_site(on_login=user_of)
    site.sign_in(next="/who")
    user = get_user_model().objects.get()
    if change == "deleted":
        user.delete()
    else:
        user.is_active = change != "is_active"
        user.set_password("another one")
        user.save()
    assert site.who() == {}
    page = site.open("/private")
    assert urlsplit(page.history[1].url).path == "/auth/login"
    assert site.press("/auth/link/demo").history[-1].url != f"{ORIGIN}/auth/link/demo"


# -- sessions --------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_login_with_every_kind_of_session(
    make_views_site: Make, tmp_path: Any, engine: str
) -> None:
    config = {
        "SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}",
        "SESSION_FILE_PATH": str(tmp_path),
    }
    site = make_views_site(on_login=user_of, config=config)
    visits = [site.begin(next="/who?0"), site.begin(next="/who?1")]
    for number in (1, 0):
        assert site.finish(visits[number]).url == f"{ORIGIN}/who?{number}"
    assert site.finish(visits[0]).url == f"{ORIGIN}/who?0"
    assert site.who()["username"] == "alice"
    site.press("/auth/logout")
    assert site.who() == {}


def test_session_that_no_browser_would_keep_is_refused(make_views_site: Make) -> None:
    def on_login(request: HttpRequest, result: Any) -> None:
        request.session["all"] = [hash((n, "x")) for n in range(2000)]

    config = {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}
    site = make_views_site(on_login=on_login, config=config)
    page = site.sign_in()
    assert (page.status, "invalid_configuration" in page.text) == (500, True)
    assert site.who() == {}


def test_project_without_sessions_is_told(make_views_site: Make) -> None:
    site = make_views_site(config={"MIDDLEWARE": [], "DEBUG_PROPAGATE_EXCEPTIONS": True})
    with pytest.raises(MissingConfigurationError, match="SessionMiddleware"):
        site.open("/auth/login")


# -- out -------------------------------------------------------------------------------------


def test_sign_out_here_and_there(make_views_site: Make) -> None:
    heard: list[Any] = []
    site = make_views_site(
        on_login=user_of, on_logout=lambda request, identity: heard.append(identity.sub)
    )
    site.sign_in()
    before = site.session_key()
    page = site.press("/auth/logout")
    [sent] = [visit.url for visit in page.history if visit.url.startswith(f"{ISSUER}/end_session")]
    assert query_of(sent)["id_token_hint"]
    assert query_of(sent)["post_logout_redirect_uri"] == [f"{ORIGIN}/auth/logout/callback"]
    assert path_of(page) == "/auth/logout/callback"
    assert "You are signed out" in page.text
    assert (site.who(), heard) == ({}, ["alice"])
    assert site.session_key() != before
    assert site.provider.log.count("revocation") == 1


def test_form_of_the_project_says_where_to_go_then(make_views_site: Make) -> None:
    site = make_views_site(on_login=user_of)
    site.sign_in()
    assert site.press("/auth/logout", next="/who?out").url == f"{ORIGIN}/who?out"
    site.sign_in()
    assert site.press("/auth/logout", next="https://evil.test/").url == f"{ORIGIN}/"


def test_return_that_is_not_ours_is_a_page(make_views_site: Make) -> None:
    page = make_views_site().open("/auth/logout/callback", state="made-up-by-somebody")
    assert (page.status, "missing_state" in page.text) == (400, True)


def test_answer_of_on_logout_wins(make_views_site: Make) -> None:
    site = make_views_site(on_logout=lambda request, identity: HttpResponseRedirect("/who?bye"))
    site.sign_in()
    assert site.press("/auth/logout").url == f"{ORIGIN}/who?bye"


def test_cookie_for_the_sign_out_goes_there_alone(make_views_site: Make) -> None:
    site = make_views_site()
    answer = site.browser.send(site.begin())
    [line] = [
        line
        for line in answer.raw.headers.getlist("Set-Cookie")
        if line.lstrip().startswith("oauthclient_logout=")
    ]
    attributes = set(line.split("; ")[1:])
    assert {"Secure", "HttpOnly", "Path=/auth/logout", "SameSite=Strict"} <= attributes


# -- the project's word ----------------------------------------------------------------------


def test_project_may_answer_a_failure(make_views_site: Make) -> None:
    seen: list[str] = []

    def on_error(request: HttpRequest, error: OAuthError) -> Any:
        seen.append(error.error)
        return HttpResponseRedirect("/who?failed") if error.error == "access_denied" else None

    site = make_views_site(on_error=on_error)
    assert site.finish(with_params(site.begin(), **DENIED)).url == f"{ORIGIN}/who?failed"
    assert_page(site, with_params(site.begin(), iss=None), "missing_iss")
    assert seen == ["access_denied", "missing_iss"]


def test_page_of_the_project_may_have_scripts(make_views_site: Make) -> None:
    site = make_views_site(on_error=lambda request, error: HttpResponse("<script src=x>"))
    headers = site.finish(with_params(site.begin(), **DENIED)).response.headers
    assert "Content-Security-Policy" not in headers
    assert headers["Cache-Control"] == "no-store"


def test_signals_tell_and_carry_no_token(make_views_site: Make) -> None:
    heard: list[tuple[str, set[str]]] = []
    names = ("login_started", "login_succeeded", "login_failed", "logged_out")
    listeners = {}
    for name in names:

        def listen(sender: Any, signal_name: str = name, **found: Any) -> None:
            assert isinstance(found["request"], HttpRequest)
            heard.append((signal_name, set(found)))

        listeners[name] = listen
        getattr(signals, name).connect(listen)
    site = make_views_site(on_login=user_of)
    site.sign_in()
    site.press("/auth/logout")
    site.finish(with_params(site.begin(), **DENIED))
    for name, listener in listeners.items():
        getattr(signals, name).disconnect(listener)
    assert heard == [
        ("login_started", {"request", "signal", "name"}),
        ("login_succeeded", {"request", "signal", "name", "identity", "claims"}),
        ("logged_out", {"request", "signal", "name", "identity"}),
        ("login_started", {"request", "signal", "name"}),
        ("login_failed", {"request", "signal", "name", "error"}),
    ]


# -- callbacks that are posted ---------------------------------------------------------------


def test_posted_callback(make_views_site: Make) -> None:
    site = make_views_site(
        on_login=user_of,
        register={"client_kwargs": {"scope": "openid", "response_mode": "form_post"}},
    )
    visits = []
    for number in range(2):
        visits.append(site.begin(next=f"/who?{number}"))
        assert visits[-1].method == "POST"
        answer = site.browser.send(visits[-1])
        assert (answer.status_code, answer.headers["Location"][:18]) == (303, "?oauthclient_form=")
        assert site.browser._follow(visits[-1]).url == f"{ORIGIN}/who?{number}"
    for number, visit in enumerate(visits):
        assert site.browser._follow(visit).url == f"{ORIGIN}/who?{number}"
    assert site.who()["username"] == "alice"


def test_form_that_is_no_callback_is_not_relayed(make_views_site: Make) -> None:
    answer = send_alone(make_views_site(), "/auth/callback/demo", "POST", Origin=ISSUER)
    assert answer.status_code == 400


class OtherBackend:
    """Another way to find users."""

    def get_user(self, key: Any) -> Any:
        """The user of a key."""
        return get_user_model().objects.filter(pk=key).first()
