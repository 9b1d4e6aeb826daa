"""A project as the documentation of the established client has it, with two views of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.http import HttpRequest
from django.http import HttpResponse
from django.http import JsonResponse
from django.test import Client
from django.test import override_settings
from django.urls import path
from django.urls import reverse

from flask_oauthclient.django_client import OAuth
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from tests.helpers.outbound import Outbound
from tests.helpers.site import CLIENT_ID
from tests.helpers.site import CLIENT_SECRET

ORIGIN = "https://rp.test"
CALLBACK = f"{ORIGIN}/auth/"


class Project:
    """Two views, a registry, and a visitor.

    :param provider: the provider.
    :param register: further keywords of ``register``.
    :param registry: keywords of the registry.
    """

    def __init__(
        self, provider: DevelopmentProvider, register: dict[str, Any] | None = None, **registry: Any
    ) -> None:
        self.provider = provider
        self.oauth = OAuth(**registry)
        self.tokens: list[Any] = []
        #: The redirect URI that the view gives, which it may leave out, and what else it gives.
        self.redirect_uri: str | None = "auth"
        self.params: dict[str, Any] = {}
        urls = ModuleType("urls")
        vars(urls)["urlpatterns"] = [
            path("login/", self.login, name="login"),
            path("auth/", self.auth, name="auth"),
            path("me/", self.me, name="me"),
        ]
        self.urls = urls
        self.visitor = Client(headers={"Host": "rp.test"})
        provider.add_client(ClientRecord(CLIENT_ID, CLIENT_SECRET, redirect_uris=(CALLBACK,)))
        self.oauth.register(
            "demo",
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            issuer=provider.issuer,
            client_kwargs={"scope": "openid profile email"},
            **(register or {}),
        )
        self.outbound = Outbound({provider.issuer: provider.adapter()})
        for scheme in ("http://", "https://"):
            self.oauth.demo.session.mount(scheme, self.outbound)

    # -- its views, ten lines of them -------------------------------------------------------

    def login(self, request: HttpRequest) -> HttpResponse:
        """Send the visitor to the provider."""
        uri = reverse("auth") if self.redirect_uri == "auth" else self.redirect_uri
        response: HttpResponse = self.oauth.demo.authorize_redirect(request, uri, **self.params)
        return response

    def auth(self, request: HttpRequest) -> HttpResponse:
        """Complete the login."""
        token = self.oauth.demo.authorize_access_token(request)
        self.tokens.append(token)
        request.session["user"] = token["userinfo"]["sub"]
        about = self.oauth.demo.userinfo(request=request)  # with the token of this login
        return JsonResponse({"sub": about["sub"], "extra": token.get("extra")})

    def me(self, request: HttpRequest) -> HttpResponse:
        """Say who the session says it is."""
        return HttpResponse(request.session.get("user", "nobody"))

    # -- visiting it ----------------------------------------------------------------------

    @contextmanager
    def running(self, **settings: Any) -> Iterator[None]:
        """Let the project be there, with these settings."""
        with override_settings(ROOT_URLCONF=self.urls, **settings):
            yield

    def get(self, url: str, **kwargs: Any) -> Any:
        """Visit a page of the project, over https unless that is said otherwise."""
        secure = kwargs.pop("secure", True)
        return self.visitor.get(url.removeprefix(ORIGIN), secure=secure, **kwargs)

    def begin(self, **kwargs: Any) -> str:
        """Begin a login, and say yes at the provider.

        :returns: the callback, which is not visited yet.
        """
        response = self.get("/login/", **kwargs)
        assert response.status_code == 302, response.content
        with ScriptedBrowser({self.provider.issuer: self.provider.wsgi}) as browser:
            page = browser.sign_in(response["Location"], stop_before=CALLBACK)
        return page.history[-1].url

    def sign_in(self) -> Any:
        """A whole login: the answer at the callback."""
        return self.get(self.begin())

    def session(self) -> dict[str, Any]:
        """What the visitor's session holds."""
        return dict(self.visitor.session.items())
