"""The site of the tables of cases, with views of Django that an application would write."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core import signing
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.http import HttpResponse
from django.http import JsonResponse
from django.test import RequestFactory
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from flask_oauthclient.django_client import OAuth
from flask_oauthclient.django_client import OAuthError
from flask_oauthclient.django_client.cookies import apply_cookies
from flask_oauthclient.django_client.form_post import relay_form_post
from tests.helpers import site

from . import _project

SIGNED_COOKIES = "django.contrib.sessions.backends.signed_cookies"


class DjangoSite(site.Site):
    """The same site on Django.

    Its session is in a signed cookie, as Flask's is; ``config`` may name another engine.
    """

    def _make_app(self, config: Mapping[str, Any]) -> Any:
        urls = ModuleType("urls")
        vars(urls)["urlpatterns"] = [
            path("login/<name>", self._answer(self._login_view)),
            path("callback/<name>", csrf_exempt(self._answer(self._callback_view))),
            path("session", lambda request: JsonResponse(dict(request.session.items()))),
            path("logout/<name>", self._answer(self._logout_view)),
            path("goodbye/<name>", self._answer(self._goodbye_view)),
        ]
        self.settings = {
            "ROOT_URLCONF": urls,
            "SESSION_ENGINE": SIGNED_COOKIES,
            "ALLOWED_HOSTS": ["*"],  # as for Flask: the tables are about hosts, too
            "DEBUG_PROPAGATE_EXCEPTIONS": True,
            **_settings_of(config),
        }
        with _project.replaced(**self.settings):
            handler = WSGIHandler()

        def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
            with _project.replaced(**self.settings):
                answer = handler(environ, start_response)
            # As a server does: Django leaves it to it.
            return [] if environ["REQUEST_METHOD"] == "HEAD" else answer

        return wsgi

    def _make_registry(self, *args: Any) -> Any:
        return OAuth(*args)

    def _register(self, name: str, *args: Any) -> None:
        with _project.replaced(**self.settings):
            super()._register(name, *args)

    def close(self) -> None:
        """Close every session."""
        with _project.replaced(**self.settings):
            super().close()

    @contextmanager
    def in_request(self, name: str = "demo") -> Iterator[Any]:
        """A client as a view has it, for the length of a block."""
        scheme, _, host = self.origin.partition("://")
        request = RequestFactory().get("/", headers={"Host": host}, secure=scheme == "https")
        request.session = SessionStore()
        with _project.replaced(**self.settings):
            yield self.client(name).at(request)

    # -- its pages ------------------------------------------------------------------------

    def _answer(self, view: Callable[..., Any]) -> Callable[..., HttpResponse]:
        def answer(request: HttpRequest, name: str) -> HttpResponse:
            if self.client(name) is None:
                return HttpResponse(status=404)
            try:
                response = view(request, name)
            except OAuthError as error:
                self.errors.append(error)
                response = HttpResponse(error.error, "text/plain", error.http_status)
            found: HttpResponse = apply_cookies(request, response)
            return found

        return answer

    def _login_view(self, request: HttpRequest, name: str) -> Any:
        params = dict(self.login_params)
        if not self.client(name)._options.redirect_uri:
            params.setdefault("redirect_uri", self.callback_url(name))
        return self.client(name).authorize_redirect(request, **params)

    def _callback_view(self, request: HttpRequest, name: str) -> Any:
        relayed = relay_form_post(self.oauth, request)
        if relayed is not None:
            return relayed
        token = self.client(name).authorize_access_token(request, **self.callback_params)
        self.tokens.append(token)
        request.session["user"] = token.get("userinfo", {}).get("sub")
        return JsonResponse({"user": request.session["user"], "extra": token.get("extra")})

    def _logout_view(self, request: HttpRequest, name: str) -> Any:
        request.session.pop("user", None)
        hint = self.tokens[-1].get("id_token") if self.tokens else None
        to = f"{self.origin}/goodbye/{name}"
        return self.client(name).logout_redirect(request, to, hint)

    def _goodbye_view(self, request: HttpRequest, name: str) -> Any:
        return JsonResponse(self.client(name).validate_logout_response(request))

    # -- its session ----------------------------------------------------------------------

    def session(self) -> dict[str, Any]:
        """What the browser's session cookie holds."""
        value = next((c.value for c in self.browser.cookies if c.name == "session"), None)
        with _project.replaced(**self.settings):
            try:
                return signing.loads(value, salt=SIGNED_COOKIES) if value else {}  # type: ignore[no-any-return]
            except signing.BadSignature:
                return {}

    def sign_session(self, content: Mapping[str, Any]) -> str:
        """The value of a session cookie."""
        with _project.replaced(**self.settings):
            return signing.dumps(dict(content), salt=SIGNED_COOKIES, compress=True)


def _settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that say what a configuration of Flask says."""
    clients: dict[str, dict[str, Any]] = {}
    settings: dict[str, Any] = {}
    for name, value in config.items():
        client, _, option = name.partition("_")
        if client == "DEMO":
            clients.setdefault("demo", {})[option.lower()] = value
        else:
            settings[name] = value
    return {**settings, "OAUTHCLIENT_CLIENTS": clients}
