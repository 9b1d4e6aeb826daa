"""A project with the routes of ``oauth.urls``, its provider and a browser, all in process."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http import HttpResponse
from django.http import JsonResponse
from django.test import Client
from django.test.signals import setting_changed
from django.urls import include
from django.urls import path
from django.urls import set_script_prefix
from django.utils import translation

from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client.signed_in import current_identity
from flask_oauthclient.django_client.signed_in import login_required
from flask_oauthclient.testing.browser import Page
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.forms import Field
from flask_oauthclient.testing.forms import Form
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.outbound import Outbound
from tests.sign_in._site import ISSUER
from tests.sign_in._site import ORIGIN

from . import _project

MIDDLEWARE = "flask_oauthclient.django_client.middleware.OAuthClientMiddleware"

#: Settings that Django has read already.
_KEPT = {"LANGUAGE_CODE", "LOCALE_PATHS", "TEMPLATES", "USE_I18N"}

Make = Callable[..., "ViewsSite"]


class ViewsSite:
    """The project at ``https://rp.test``, our routes below ``/auth``.

    :param provider: the provider, for the client ``demo``.
    :param config: more settings of the project.
    :param more: further clients by name, with keywords of ``register``.
    :param register: further keywords of ``register`` for ``demo``; ``None`` takes one out.
    :param patterns: further routes.
    :param middleware: whether ours is installed.
    :param registry: keywords of the registry.
    :param settings: of the routes.
    """

    def __init__(
        self,
        provider: DevelopmentProvider,
        config: dict[str, Any] | None = None,
        more: dict[str, dict[str, Any]] | None = None,
        register: dict[str, Any] | None = None,
        patterns: list[Any] | None = None,
        middleware: bool = False,
        registry: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.provider = provider
        provider.add_client(
            ClientRecord(
                "rp",
                "the client secret of these tests",
                redirect_uris=(f"{ORIGIN}/auth/callback/demo",),
                post_logout_redirect_uris=(f"{ORIGIN}/auth/logout/callback",),
            )
        )
        urls = ModuleType("urls")
        self.settings: dict[str, Any] = {
            "ROOT_URLCONF": urls,
            "SESSION_COOKIE_SECURE": True,
            **(config or {}),
        }
        if middleware:
            self.settings["MIDDLEWARE"] = [*project.MIDDLEWARE, MIDDLEWARE]
        keywords = {
            "client_id": "rp",
            "client_secret": "the client secret of these tests",
            "issuer": provider.issuer,
            "client_kwargs": {"scope": "openid profile email"},
            **(register or {}),
        }
        with self:
            self.oauth = OAuth(**(registry or {}))
            self.oauth.register("demo", **{k: v for k, v in keywords.items() if v is not None})
            for name, others in (more or {}).items():
                self.oauth.register(name, **others)
            self.outbound = Outbound({ISSUER: provider.adapter()})
            self.oauth.demo.session.mount("https://", self.outbound)
            vars(urls)["urlpatterns"] = [
                path("auth/", include(self.oauth.urls(**settings))),
                path("", lambda request: HttpResponse("the front page"), name="home"),
                path("who", _who),
                path("private", login_required(lambda request: HttpResponse("the private page"))),
                *(patterns or []),
            ]
            self._handler = WSGIHandler()
        self.browser = self.new_browser()

    def __enter__(self) -> None:
        """Let the settings of this project be those of the process."""
        self._replaced = _project.replaced(**self.settings)
        self._replaced.__enter__()
        self._forget()

    def __exit__(self, *failure: Any) -> None:
        self._replaced.__exit__(*failure)
        self._forget()

    def _forget(self) -> None:
        """Let Django read anew what it keeps of the settings, and the thread of a request."""
        for name in _KEPT.intersection(self.settings):
            setting_changed.send(ViewsSite, setting=name, value=None, enter=True)
        translation.deactivate()

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The project, for a server."""
        with self:
            try:
                answer = self._handler(environ, start_response)
            finally:
                set_script_prefix("/")
        # As a server does: Django leaves it to it.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else answer

    def new_browser(self) -> ScriptedBrowser:
        """Another person's browser."""
        return ScriptedBrowser({ORIGIN: self.wsgi, ISSUER: self.provider.wsgi})

    def client(self, **headers: str) -> Client:
        """Django's own test client, for single requests.

        :param headers: of every request.
        """
        return Client(headers={"Host": "rp.test", **headers})

    def open(self, path: str, **query: Any) -> Page:
        """Visit a page as if its address had been typed in."""
        return self.browser.open(f"{ORIGIN}{path}" + (f"?{urlencode(query)}" if query else ""))

    def sign_in(self, persona: str = "alice", **query: Any) -> Page:
        """Sign in, from the page with the providers on."""
        url = f"{ORIGIN}/auth/login" + (f"?{urlencode(query)}" if query else "")
        return self.browser.sign_in(url, persona)

    def begin(self, path: str = "/auth/login/demo", persona: str = "alice", **query: Any) -> Visit:
        """Go through a login up to the visit of the callback, and don't make that."""
        url = f"{ORIGIN}{path}" + (f"?{urlencode(query)}" if query else "")
        page = self.browser.sign_in(url, persona, stop_before=f"{ORIGIN}/auth/callback/")
        return page.history[-1]

    def finish(self, visit: Visit) -> Page:
        """Visit the callback, and go where that leads."""
        return self.browser.open(visit.url)

    def press(self, path: str, **fields: str) -> Page:
        """Send a form of a page of the project's own."""
        hidden = [Field(name, value, "hidden") for name, value in fields.items()]
        form = Form(f"{ORIGIN}{path}", "POST", hidden)
        return self.browser.submit(self.open("/"), form=form)

    def who(self) -> dict[str, Any]:
        """Who the project takes the visitor for."""
        found: dict[str, Any] = self.open("/who").response.json()
        return found

    def session_key(self) -> str | None:
        """The value of the session cookie."""
        return next((c.value for c in self.browser.cookies if c.name == "session"), None)

    def session(self) -> dict[str, Any]:
        """What the server keeps in the session of the browser."""
        with self:
            return dict(SessionStore(self.session_key()).load())

    def close(self) -> None:
        """Close the connections, and remove the users."""
        self.oauth.demo.session.close()
        self.browser.close()
        get_user_model().objects.all().delete()


def user_of(request: HttpRequest, result: Any) -> Any:
    """An ``on_login`` that keeps users in Django's own table."""
    user, _ = get_user_model().objects.get_or_create(username=result.key[1])
    return user


def _who(request: HttpRequest) -> JsonResponse:
    identity, username = current_identity(request), request.user.get_username()
    found: dict[str, Any] = {"username": username} if username else {}
    if identity is not None:
        found.update(
            provider=identity.provider,
            issuer=identity.issuer,
            sub=identity.sub,
            user=identity.user,
            scopes=list(identity.scopes),
        )
    return JsonResponse(found)
