"""The edges of OAuth 1.0a: the same site over httpx2, and on Django."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from typing import cast

from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest
from django.http import JsonResponse
from django.test import RequestFactory

from flask_oauthclient.django_client import OAuth
from tests.django_client import _project
from tests.django_client._site import DjangoSite
from tests.login.oauth1._site import Site

from ._sites import HttpxOAuth


class HttpxOAuth1Site(Site):
    """The site on Flask, over httpx2."""

    def _make_registry(self, *args: Any, **settings: Any) -> Any:
        return HttpxOAuth(self.app, *args, **settings)


class DjangoOAuth1Site(Site):
    """The site on Django, whose session the server keeps."""

    settings: dict[str, Any]
    _answer: Any = DjangoSite._answer

    def _make_app(self, config: Mapping[str, Any]) -> Any:
        engine = {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"}
        return DjangoSite._make_app(cast("Any", self), {**engine, **config})

    @contextmanager
    def in_request(
        self, url: str, session: Mapping[str, Any] | None = None, **headers: str
    ) -> Iterator[Any]:
        """A client as a view has it, for the length of a block."""
        request = RequestFactory().get(url, headers={"Host": "localhost", **headers})
        request.session = SessionStore()
        request.session.update(session or {})
        with _project.replaced(**self.settings):
            yield self.client().at(request)

    def session(self) -> dict[str, Any]:
        """What the server keeps for the browser."""
        key = next((c.value for c in self.browser.cookies if c.name == "session"), None)
        return SessionStore(key).load() if key else {}

    def _make_registry(self, *args: Any, **settings: Any) -> Any:
        return OAuth(*args, **settings)

    def _register(self, name: str, *args: Any) -> None:
        with _project.replaced(**self.settings):
            super()._register(name, *args)

    def _login_view(self, request: HttpRequest, name: str) -> Any:
        params = {"redirect_uri": self.callback_url(name), **self.login_params}
        return self.client(name).authorize_redirect(request, **params)

    def _callback_view(self, request: HttpRequest, name: str) -> Any:
        token = self.client(name).authorize_access_token(request, **self.callback_params)
        self.tokens.append(token)
        request.session["logged_in"] = True
        return JsonResponse({"extra": token.get("extra")})

    def _logout_view(self, request: HttpRequest, name: str) -> Any:
        raise NotImplementedError

    _goodbye_view = _logout_view
