"""A web site whose users log in with OAuth 1.0a, at a provider that is written by others."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import flask
import requests
from flask import Flask
from itsdangerous import BadSignature
from requests.adapters import HTTPAdapter
from requests.cookies import get_cookie_header
from werkzeug.wrappers import Response

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.error_codes import CODES
from flask_oauthclient.protocol.error_codes import REFUSALS
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.helpers.leaks import Watch
from tests.helpers.urls import query_of
from tests.servers.oauthlib_server import OAuth1Server

ORIGIN = "http://localhost"
SECRET_KEY = "the secret key of these tests"
#: What shows in answers for credentials and in callbacks, and must show nowhere else.
_SECRETS = ("oauth_token", "oauth_token_secret", "oauth_verifier")


class Line(HTTPAdapter):
    """What goes over the line between a client and its provider."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self.requests: list[requests.PreparedRequest] = []
        #: The credentials of every kind that the provider gave.
        self.given: list[dict[str, str]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Pass a request on; what it brings is secret from then on."""
        self.requests.append(request)
        response = super().send(request, *args, **kwargs)
        if (request.path_url or "").partition("?")[0] in ("/initiate", "/token"):
            self._remember(response)
        return response

    def _remember(self, response: requests.Response) -> None:
        fields = dict(parse_qsl(response.content.decode()))
        self.given += [fields] if "oauth_token" in fields else []
        self._watch.secret(*(fields[name] for name in _SECRETS if name in fields))

    @property
    def paths(self) -> list[str]:
        """Where the requests went."""
        return [(request.path_url or "").partition("?")[0] for request in self.requests]


class Site:
    """The application, its registry, its browser, and what happened so far.

    :param server: the provider.
    :param watch: is told what is secret.
    :param names: of the clients to register.
    :param cache: cachelib cache of the registry.
    :param secret_key: ``SECRET_KEY``; its fallbacks and everything else go into ``config``.
    :param config: more configuration of the application.
    :param register: further keywords of ``register``; ``None`` takes one out.
    :param browser: the browser of another site, so that two workers have one visitor.
    :param registry: keywords of the registry.
    """

    def __init__(
        self,
        server: OAuth1Server,
        watch: Watch,
        *,
        names: tuple[str, ...] = ("demo",),
        cache: Any = None,
        secret_key: str = SECRET_KEY,
        config: Mapping[str, Any] | None = None,
        register: Mapping[str, Any] | None = None,
        browser: ScriptedBrowser | None = None,
        **registry: Any,
    ) -> None:
        self.server = server
        self.watch = watch
        watch.secret(server.client_secret, server.rsa_key, secret_key)
        self.errors: list[OAuthError] = []
        self.tokens: list[Any] = []
        #: Arguments of the next ``authorize_redirect`` and ``authorize_access_token``.
        self.login_params: dict[str, Any] = {}
        self.callback_params: dict[str, Any] = {}
        self.app = self._make_app({"SECRET_KEY": secret_key, **(config or {})})
        self.oauth = self._make_registry(cache, **registry)
        self.line = Line(watch)
        for name in names:
            self._register(name, register or {})
        self._own_browser = browser is None
        self.browser = browser or ScriptedBrowser()
        self.browser.mount(ORIGIN, self.app)

    def close(self) -> None:
        """Close what is open."""
        self.line.close()
        if self._own_browser:
            self.browser.close()

    def _make_app(self, config: Mapping[str, Any]) -> Flask:
        app = Flask("site")
        app.config.update(TESTING=True, **config)
        app.add_url_rule("/login/<name>", view_func=self._login)
        app.add_url_rule("/callback/<name>", view_func=self._callback)
        app.register_error_handler(OAuthError, self._show)
        return app

    def _make_registry(self, *args: Any, **settings: Any) -> Any:
        return OAuth(self.app, *args, **settings)

    def _register(self, name: str, more: Mapping[str, Any]) -> None:
        settings = {
            "client_id": self.server.client_id,
            "client_secret": self.server.client_secret,
            "request_token_url": self.server.request_token_url,
            "authorize_url": self.server.authorize_url,
            "access_token_url": self.server.access_token_url,
            "api_base_url": f"{self.server.base_url}/",
            **more,
        }
        self.oauth.register(name, **{k: v for k, v in settings.items() if v is not None})
        self.client(name).session.mount("http://", self.line)

    def client(self, name: str = "demo") -> Any:
        """The client of a name."""
        return self.oauth.create_client(name)

    @contextmanager
    def in_request(
        self, url: str, session: Mapping[str, Any] | None = None, **headers: str
    ) -> Iterator[Any]:
        """A client as a view has it, for the length of a block.

        :param url: what was asked for.
        :param session: the session.
        :param headers: headers of the request.
        """
        with self.app.test_request_context(url, headers=headers) as context:
            context.session.update(session or {})
            yield self.client()

    # -- its pages ------------------------------------------------------------------------

    def _login(self, name: str) -> Response:
        params = {"redirect_uri": self.callback_url(name), **self.login_params}
        answer: Response = self.client(name).authorize_redirect(**params)
        return answer

    def _callback(self, name: str) -> dict[str, Any]:
        token = self.client(name).authorize_access_token(**self.callback_params)
        self.tokens.append(token)
        flask.session["logged_in"] = True
        return {"extra": token.get("extra")}

    def _show(self, error: OAuthError) -> tuple[str, int, dict[str, str]]:
        self.errors.append(error)
        return error.error, error.http_status, {"Content-Type": "text/plain"}

    # -- visiting it ----------------------------------------------------------------------

    def callback_url(self, name: str = "demo") -> str:
        """The redirect URI."""
        return f"{ORIGIN}/callback/{name}"

    def start(self, name: str = "demo", **params: Any) -> requests.Response:
        """Begin a login, and don't follow its redirect.

        :param params: arguments of ``authorize_redirect``.
        """
        self.login_params = params
        try:
            return self.visit(f"{ORIGIN}/login/{name}")
        finally:
            self.login_params = {}

    def begin(self, name: str = "demo", user: str = "alice", **params: Any) -> str:
        """Begin a login and say yes at the provider.

        :returns: the URL of the callback, which is not visited yet.
        """
        return self.allow(self.start(name, **params).headers["Location"], user)

    def allow(self, authorize_url: str, user: str = "alice") -> str:
        """Say yes at the provider; the verifier is secret from then on."""
        callback = self.server.allow(authorize_url, user)
        self.watch.secret(query_of(callback)["oauth_verifier"][0])
        return callback

    def finish(self, callback: str, **params: Any) -> requests.Response:
        """Visit the callback.

        :param params: arguments of ``authorize_access_token``.
        """
        self.callback_params = params
        try:
            return self.visit(callback)
        finally:
            self.callback_params = {}

    def login(self, name: str = "demo", user: str = "alice", **params: Any) -> Any:
        """A whole login.

        :returns: the token.
        """
        response = self.finish(self.begin(name, user, **params))
        assert response.status_code == 200, response.text
        return self.tokens[-1]

    def visit(self, url: str) -> requests.Response:
        """Visit a page of the site and follow nothing."""
        return self.browser.send(Visit("GET", url))

    def send_with(self, cookies: str, url: str) -> requests.Response:
        """Visit a page with these cookies, and keep none of the answer."""
        request = requests.Request("GET", url, headers={"Cookie": cookies}).prepare()
        return WSGIAdapter(self.app).send(request)

    @property
    def error(self) -> OAuthError:
        """The error that was shown last."""
        return self.errors[-1]

    def cookie_header(self) -> str:
        """What the browser would send to the site now."""
        request = requests.Request("GET", ORIGIN + "/").prepare()
        return get_cookie_header(self.browser.cookies, request) or ""

    def drop_cookies(self, prefix: str) -> None:
        """Take cookies whose names begin so out of the browser."""
        for cookie in list(self.browser.cookies):
            if cookie.name.startswith(prefix):
                self.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)

    def session(self) -> dict[str, Any]:
        """What anybody can read in the browser's session cookie."""
        value = next((c.value for c in self.browser.cookies if c.name == "session"), None)
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        try:
            return dict(serializer.loads(value)) if value else {}
        except BadSignature:
            return {}

    def pending(self) -> list[str]:
        """The keys of the pending logins in the session."""
        return [key for key in self.session() if key.startswith("_state_")]

    # -- what is the case -----------------------------------------------------------------

    def assert_rejected(
        self, callback: str, code: str, *, sent: tuple[str, ...] = (), kept: bool = False
    ) -> OAuthError:
        """Visit a callback that must be rejected, and check everything that this means.

        :param callback: its URL.
        :param code: the error's code.
        :param sent: paths of the requests to the provider that may go before.
        :param kept: whether the pending logins stay, because the visit was not about them.
        :returns: the error.
        """
        pending, tokens = self.pending(), len(self.tokens)
        seen, asked = len(self.line.requests), len(self.server.log())
        response = self.finish(callback)
        assert response.text == code
        assert response.status_code == self.error.http_status
        assert type(self.error) is not OAuthError
        assert code in CODES or code in REFUSALS
        assert len(self.tokens) == tokens
        assert self.line.paths[seen:] == list(sent)
        assert [entry["path"] for entry in self.server.log()[asked:]] == list(sent)
        assert (self.pending() == pending) is (kept or not pending)
        return self.error
