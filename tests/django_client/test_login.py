"""Logins through views that a project writes itself, as the documentation has them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache as default_cache
from django.core.cache import caches
from django.core.exceptions import DisallowedHost
from django.core.management import call_command
from django.http import HttpResponseRedirect
from django.test import RequestFactory
from django.test import override_settings
from django.test.utils import override_script_prefix

from flask_oauthclient.protocol.errors import CallbackError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.protocol.errors import StateStoreError
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.site import CLIENT_ID
from tests.helpers.urls import query_of

from ._project_views import CALLBACK
from ._project_views import Project

ENGINES = ("db", "cache", "cached_db", "file", "signed_cookies")
BACK_ENDS = "django.core.cache.backends."

Make = Callable[..., Project]


@pytest.fixture
def make_project(provider: DevelopmentProvider) -> Iterator[Make]:
    projects: list[Project] = []

    def make(**kwargs: Any) -> Project:
        projects.append(Project(provider, **kwargs))
        return projects[-1]

    yield make
    for project in projects:
        project.oauth.demo.session.close()


@pytest.fixture
def project(make_project: Make) -> Project:
    return make_project()


# -- the session --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_login_with_every_kind_of_session(project: Project, engine: str, tmp_path: Path) -> None:
    engine = f"django.contrib.sessions.backends.{engine}"
    with project.running(SESSION_ENGINE=engine, SESSION_FILE_PATH=str(tmp_path)):
        callback = project.begin()
        [key] = [name for name in project.session() if name.startswith("_state_")]
        assert key == f"_state_demo_{query_of(callback)['state'][0]}"
        kept = project.session()[key]
        assert kept.keys() == {"data", "exp"}
        assert kept["data"]["redirect_uri"] == CALLBACK
        assert project.get(callback).json() == {"sub": "alice", "extra": None}
        assert project.session() == {"user": "alice"}
        assert project.get("/me/").content == b"alice"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_cookie_of_the_login_suffices(project: Project, engine: str, tmp_path: Path) -> None:
    engine = f"django.contrib.sessions.backends.{engine}"
    with project.running(SESSION_ENGINE=engine, SESSION_FILE_PATH=str(tmp_path)):
        callback = project.begin()
        del project.visitor.cookies["session"]  # which the answer in another tab has overwritten
        assert project.get(callback).json()["sub"] == "alice"


def test_neither_session_nor_cookie_is_no_login(project: Project) -> None:
    with project.running():
        callback = project.begin()
        project.visitor.cookies.clear()
        with pytest.raises(MismatchingStateError):
            project.get(callback)
        assert project.outbound.paths == ["/.well-known/openid-configuration"]


def test_a_callback_is_good_for_one_login(project: Project) -> None:
    with project.running():
        callback = project.begin()
        assert project.get(callback).status_code == 200
        with pytest.raises(MismatchingStateError) as caught:
            project.get(callback)
    assert caught.value.error == "state_used"


def test_no_session_middleware(project: Project) -> None:
    request = RequestFactory().get("/login/", secure=True, headers={"Host": "rp.test"})
    with project.running(), pytest.raises(MissingConfigurationError, match="SessionMiddleware"):
        project.login(request)


def test_no_secret_key(project: Project) -> None:
    request = RequestFactory().get("/login/", secure=True, headers={"Host": "rp.test"})
    with (
        project.running(SECRET_KEY=""),
        pytest.raises(MissingConfigurationError, match="SECRET_KEY"),
    ):
        project.login(request)


def test_a_login_that_began_before_the_key_was_changed(project: Project) -> None:
    with project.running():
        callback = project.begin()
        keys = {"SECRET_KEY": "the next key", "SECRET_KEY_FALLBACKS": [_secret_key()]}
        with override_settings(**keys):
            del project.visitor.cookies["session"]
            assert project.get(callback).json()["sub"] == "alice"


def _secret_key() -> str:
    from django.conf import settings

    return str(settings.SECRET_KEY)


# -- the answer ---------------------------------------------------------------------------


def test_the_answer_is_a_redirect_that_sets_the_cookie(project: Project) -> None:
    with project.running():
        response = project.get("/login/")
    assert isinstance(response, HttpResponseRedirect)
    assert response.status_code == 302
    [cookie] = [c for name, c in response.cookies.items() if name != "session"]
    assert cookie.key.startswith("__Host-oac_")
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 600)
    query = query_of(response["Location"])
    assert query["client_id"] == [CLIENT_ID]
    assert query["redirect_uri"] == [CALLBACK]
    assert query["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize(
    ("settings", "secure", "prefix"),
    [
        ({}, True, "__Host-oac_"),
        ({}, False, "oac_"),
        ({"OAUTHCLIENT_BASE_URL": "https://rp.test"}, False, "__Host-oac_"),
        ({"OAUTHCLIENT_BASE_URL": "http://rp.test"}, False, "oac_"),
        ({"SESSION_COOKIE_SECURE": True}, False, "__Host-oac_"),
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, True, "oac_"),
    ],
)
def test_when_the_cookie_is_for_https_only(
    project: Project, settings: dict[str, Any], secure: bool, prefix: str
) -> None:
    with project.running(**settings):
        response = project.get("/login/", secure=secure, headers={"X-Forwarded-Proto": "http"})
    [cookie] = [c for name, c in response.cookies.items() if name != "session"]
    assert cookie.key.startswith(prefix)
    assert bool(cookie["secure"]) is prefix.startswith("__Host-")


@pytest.mark.parametrize(
    ("redirect_uri", "settings", "sent"),
    [
        ("auth", {}, CALLBACK),
        ("/auth/", {}, CALLBACK),
        ("https://other.test/auth/", {}, "https://other.test/auth/"),
        ("auth", {"OAUTHCLIENT_BASE_URL": "https://www.example.com"}, "https://www.example.com"),
        ("auth", {"OAUTHCLIENT_BASE_URL": "https://e.com/app/"}, "https://e.com/app"),
    ],
)
def test_redirect_uri(
    project: Project, redirect_uri: str, settings: dict[str, Any], sent: str
) -> None:
    project.redirect_uri = redirect_uri
    with project.running(**settings):
        response = project.get("/login/")
    expected = sent if sent.endswith("/auth/") else f"{sent}/auth/"
    assert query_of(response["Location"])["redirect_uri"] == [expected]


@pytest.mark.parametrize("base", [None, "https://e.com/app", "https://e.com/app/"])
def test_redirect_uri_of_a_project_below_a_path(project: Project, base: str | None) -> None:
    with project.running(OAUTHCLIENT_BASE_URL=base), override_script_prefix("/app/"):
        response = project.get("/login/")
    expected = f"{'https://e.com' if base else 'https://rp.test'}/app/auth/"
    assert query_of(response["Location"])["redirect_uri"] == [expected]


@pytest.mark.parametrize("registered", [CALLBACK, "/auth/"])
def test_the_registered_redirect_uri(make_project: Make, registered: str) -> None:
    project = make_project(register={"redirect_uri": registered})
    project.redirect_uri = None
    with project.running():
        assert project.sign_in().json()["sub"] == "alice"
    [token_request] = [r for r in project.outbound.requests if "/token" in (r.url or "")]
    assert b"rp.test%2Fauth%2F" in bytes(str(token_request.body), "ascii")


def test_a_host_that_is_not_ours_gets_no_login(project: Project) -> None:
    request = RequestFactory().get("/login/", headers={"Host": "evil.test"})
    with project.running(), pytest.raises(DisallowedHost):
        project.login(request)


def test_data_of_the_application_come_back(project: Project) -> None:
    project.params = {"extra": {"next": "/files"}, "prompt": "login"}
    with project.running():
        callback = project.begin()
        assert project.get(callback).json()["extra"] == {"next": "/files"}


def test_a_request_of_another_kind_uses_no_login_up(project: Project) -> None:
    with project.running():
        callback = project.begin()
        for headers in ({"Sec-Purpose": "prefetch"}, {"X-Moz": "prefetch"}):
            with pytest.raises(CallbackError) as caught:
                project.get(callback, headers=headers)
            assert caught.value.error == "prefetch"
        with pytest.raises(CallbackError) as caught:
            project.get(f"{callback}&" + "&".join(f"n{i}=x" for i in range(1100)))
        assert caught.value.error == "invalid_callback"
        assert project.get(callback).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "settings", "code"),
    [
        ("{}", "application/json", {}, "invalid_callback"),
        ("state=" + "x" * 70_000, "application/x-www-form-urlencoded", {}, "callback_too_large"),
        (
            "state=" + "x" * 200,
            "application/x-www-form-urlencoded",
            {"DATA_UPLOAD_MAX_MEMORY_SIZE": 100},
            "callback_too_large",
        ),
        (
            "a=1&" * 2000,
            "application/x-www-form-urlencoded",
            {},
            "invalid_callback",
        ),
        (
            "state=x",
            "application/x-www-form-urlencoded; charset=utf-16",
            {},
            "invalid_callback",
        ),
    ],
)
def test_a_body_that_is_no_small_form(
    project: Project, body: str, content_type: str, settings: dict[str, Any], code: str
) -> None:
    with project.running(**settings), pytest.raises(CallbackError) as caught:
        project.visitor.post("/auth/", body, content_type, secure=True)
    assert caught.value.error == code


# -- Django's caches ----------------------------------------------------------------------


@pytest.fixture
def settings_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Gives ``CACHES`` whose default is of a kind."""

    def find(kind: str) -> dict[str, Any]:
        if kind == "redis":
            back_end, location = "redis.RedisCache", request.getfixturevalue("redis_url")
        elif kind == "memcached":
            host, port = request.getfixturevalue("memcached_address")
            back_end, location = "memcached.PyMemcacheCache", f"{host}:{port}"
        else:
            back_end, location = {
                "locmem": ("locmem.LocMemCache", str(tmp_path)),
                "files": ("filebased.FileBasedCache", str(tmp_path)),
                "database": ("db.DatabaseCache", "login_caches"),
            }[kind]
        return {"default": {"BACKEND": BACK_ENDS + back_end, "LOCATION": location}}

    return find


@pytest.mark.parametrize("kind", ["locmem", "files", "database", "redis", "memcached"])
@pytest.mark.parametrize("given", ["alias", "proxy", "connection"])
def test_login_with_each_of_djangos_caches(
    make_project: Make, settings_of: Callable[[str], dict[str, Any]], kind: str, given: str
) -> None:
    with override_settings(CACHES=settings_of(kind)):
        if kind == "database":
            call_command("createcachetable", verbosity=0)
        cache = {"alias": "default", "proxy": default_cache, "connection": caches["default"]}[given]
        project = make_project(cache=cache)
        with project.running():
            callback = project.begin()
            [(key, kept)] = project.session().items()
            assert kept.keys() == {"exp"}  # only a mark, for whose browser it is
            assert project.get(callback).json()["sub"] == "alice"
            with pytest.raises(MismatchingStateError):
                project.get(callback)
            assert default_cache.get(key) is None
        if kind == "memcached":
            caches["default"]._cache.disconnect_all()


def test_a_cache_that_is_not_there_is_refused_at_once(make_project: Make) -> None:
    with pytest.raises(InvalidSettingError, match="CACHES has no cache 'nowhere'"):
        make_project(cache="nowhere")


@override_settings(
    CACHES={
        "default": {"BACKEND": f"{BACK_ENDS}redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
)
def test_a_cache_that_is_down(make_project: Make) -> None:
    project = make_project(cache="default")
    with project.running(), pytest.raises(StateStoreError):
        project.get("/login/")


# -- signing out at the provider ----------------------------------------------------------


def test_sign_out_at_the_provider_and_back(project: Project) -> None:
    client = project.oauth.demo
    with project.running():
        project.sign_in()
        request = _request_of(project)
        response = client.logout_redirect(request, "/goodbye/", project.tokens[-1]["id_token"])
        assert isinstance(response, HttpResponseRedirect)
        query = query_of(response["Location"])
        assert query["post_logout_redirect_uri"] == ["https://rp.test/goodbye/"]
        back = _request_of(project, f"/goodbye/?state={query['state'][0]}")
        back.session, back.COOKIES = request.session, {}
        kept = client.validate_logout_response(back)
        assert kept["post_logout_redirect_uri"] == "https://rp.test/goodbye/"
        with pytest.raises(MismatchingStateError):
            client.validate_logout_response(back)


def test_a_state_of_a_sign_out_is_none_of_a_login(project: Project) -> None:
    client = project.oauth.demo
    with project.running():
        request = _request_of(project)
        response = client.logout_redirect(request, "/goodbye/")
        state = query_of(response["Location"])["state"][0]
        back = _request_of(project, f"/auth/?code=x&state={state}")
        back.session = request.session
        with pytest.raises(MismatchingStateError):
            client.authorize_access_token(back)


def _request_of(project: Project, url: str = "/") -> Any:
    request = RequestFactory().get(url, secure=True, headers={"Host": "rp.test"})
    request.session = project.visitor.session
    return request


# -- data kept by hand, as before ----------------------------------------------------------


def test_data_of_a_login_kept_in_the_older_way(project: Project) -> None:
    integration = project.oauth.demo.framework
    with project.running():
        request = _request_of(project)
        bound = integration.at(request)
        bound.set_state_data(request.session, "abc", {"redirect_uri": CALLBACK})
        assert request.session["_state_demo_abc"]["data"] == {"redirect_uri": CALLBACK}
        assert request.session.modified
        assert bound.get_state_data(request.session, "abc") == {"redirect_uri": CALLBACK}
        bound.clear_state_data(request.session, "abc")
        assert bound.get_state_data(request.session, "abc") is None
        assert not list(request.session.keys())


def test_save_authorize_data_takes_the_request_first(project: Project) -> None:
    client = project.oauth.demo
    with project.running():
        request = _request_of(project)
        created = client.create_authorization_url(CALLBACK)
        client.save_authorize_data(request, redirect_uri=CALLBACK, **created)
        assert [*request.session.keys()] == [f"_state_demo_{created['state']}"]
