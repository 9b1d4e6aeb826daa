"""Logins with OAuth 1.0a, at a provider that is written by others."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import cache as default_cache
from django.http import HttpRequest
from django.http import HttpResponse
from django.http import JsonResponse
from django.test import Client
from django.test import override_settings
from django.urls import path
from django.urls import reverse

from flask_oauthclient.django_client import DjangoOAuth1App
from flask_oauthclient.django_client import OAuth
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import MissingTokenError
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of
from tests.login.oauth1._site import Line
from tests.servers.oauthlib_server import OAuth1Server


class Project:
    """Two views, a registry, and a visitor."""

    def __init__(self, server: OAuth1Server, watch: Watch, **registry: Any) -> None:
        watch.secret(server.client_secret)
        self._watch = watch
        self._server = server
        self.tokens: list[Any] = []
        self.oauth = OAuth(**registry)
        self.oauth.register(
            "demo",
            client_id=server.client_id,
            client_secret=server.client_secret,
            request_token_url=server.request_token_url,
            authorize_url=server.authorize_url,
            access_token_url=server.access_token_url,
            api_base_url=f"{server.base_url}/",
        )
        self.line = Line(watch)
        self.oauth.demo.session.mount("http://", self.line)
        self.visitor = Client(headers={"Host": "localhost"})
        self.urls = ModuleType("urls")
        vars(self.urls)["urlpatterns"] = [
            path("login", self.login),
            path("callback/demo", self.callback, name="callback"),
        ]

    def login(self, request: HttpRequest) -> HttpResponse:
        """Send the visitor to the provider."""
        uri, extra = reverse("callback"), {"next": "/files"}
        response: HttpResponse = self.oauth.demo.authorize_redirect(request, uri, extra=extra)
        return response

    def callback(self, request: HttpRequest) -> HttpResponse:
        """Complete the login."""
        token = self.oauth.demo.authorize_access_token(request)
        self.tokens.append(token)
        about = self.oauth.demo.get("echo", request=request)
        return JsonResponse({"status": about.status_code, "extra": token["extra"]})

    def begin(self) -> str:
        """Begin a login and say yes at the provider; the callback is not visited yet."""
        response = self.visitor.get("/login")
        assert response.status_code == 302
        callback = self._server.allow(response["Location"], "alice")
        self._watch.secret(query_of(callback)["oauth_verifier"][0])
        return callback.removeprefix("http://localhost")


@pytest.fixture
def make_project(oauth1_server: OAuth1Server, watch: Watch) -> Iterator[Callable[..., Project]]:
    projects: list[Project] = []

    def make(**registry: Any) -> Project:
        projects.append(Project(oauth1_server, watch, **registry))
        return projects[-1]

    yield make
    for project in projects:
        project.line.close()
        project.oauth.demo.session.close()


@pytest.mark.parametrize("cache", [None, default_cache])
def test_login(make_project: Callable[..., Project], cache: Any) -> None:
    project = make_project(cache=cache)
    assert isinstance(project.oauth.demo, DjangoOAuth1App)
    with override_settings(ROOT_URLCONF=project.urls):
        callback = project.begin()
        [key] = dict(project.visitor.session.items())
        assert key == f"_state_demo_{query_of(callback)['oauth_token'][0]}"
        answer = project.visitor.get(callback).json()
        assert answer == {"status": 200, "extra": {"next": "/files"}}
        assert not list(project.visitor.session.keys())
        with pytest.raises(MismatchingStateError):
            project.visitor.get(callback)
    assert project.line.paths[:2] == ["/initiate", "/token"]


def test_the_secret_of_the_temporary_credentials_is_sealed(
    make_project: Callable[..., Project],
) -> None:
    project = make_project()
    with override_settings(ROOT_URLCONF=project.urls):
        project.begin()
        [kept] = dict(project.visitor.session.items()).values()
    [given] = project.line.given
    assert given["oauth_token_secret"] not in str(kept)
    assert kept["data"]["request_token"]["oauth_token"] == given["oauth_token"]


def test_the_cookie_of_the_login_suffices(make_project: Callable[..., Project]) -> None:
    project = make_project()
    with override_settings(ROOT_URLCONF=project.urls):
        callback = project.begin()
        del project.visitor.cookies["session"]
        assert project.visitor.get(callback).status_code == 200


def test_a_login_of_another_browser(make_project: Callable[..., Project]) -> None:
    project = make_project()
    with override_settings(ROOT_URLCONF=project.urls):
        callback = project.begin()
        project.visitor = Client(headers={"Host": "localhost"})
        with pytest.raises(MismatchingStateError):
            project.visitor.get(callback)
    assert project.line.paths == ["/initiate"]


def test_calls_with_a_token_or_a_request(
    make_project: Callable[..., Project], rf_request: HttpRequest
) -> None:
    found: list[Any] = []
    project = make_project(fetch_token=lambda name, request: found[0])
    with override_settings(ROOT_URLCONF=project.urls):
        project.visitor.get(project.begin())
    found.append(project.tokens[0])
    client = project.oauth.demo
    assert client.get("echo", token=project.tokens[0]).status_code == 200
    assert client.get("echo", request=rf_request).status_code == 200
    assert client.at(rf_request).get("echo").status_code == 200
    with pytest.raises(MissingTokenError):
        client.get("echo")


@pytest.fixture
def rf_request() -> HttpRequest:
    from django.test import RequestFactory

    return RequestFactory().get("/")
