"""A web site whose users log in: a Flask application, its providers and a browser, in process."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode
from urllib.parse import urljoin
from urllib.parse import urlsplit

import flask
import requests
from flask import Flask
from itsdangerous import BadSignature
from requests.cookies import extract_cookies_to_jar
from requests.cookies import get_cookie_header
from werkzeug.wrappers import Response

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.browser import Visit
from flask_oauthclient.testing.provider import ClientRecord
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import WSGIAdapter

from .outbound import Outbound
from .urls import origin_of

ISSUER = "https://op.test"
ORIGIN = "https://rp.test"
CLIENT_ID = "rp"
CLIENT_SECRET = "the client secret of these tests"
SECRET_KEY = "the secret key of these tests"
SCOPE = "openid profile email"


class Site:
    """The application, its registry, its browser, and what happened so far.

    :param providers: the providers by the name of the client that is registered for each.
    :param origin: scheme and host of the application.
    :param cache: cachelib cache of the registry.
    :param secret_key: ``SECRET_KEY``; its fallbacks and everything else go into ``config``.
    :param config: more configuration of the application.
    :param register: further keywords of ``register``, for every client; ``None`` takes one out.
    :param fetch_token: of the registry.
    :param update_token: of the registry.
    :param browser: the browser of another site, so that two servers have one visitor.
    """

    def __init__(
        self,
        providers: Mapping[str, DevelopmentProvider],
        *,
        origin: str = ORIGIN,
        cache: Any = None,
        secret_key: str | None = SECRET_KEY,
        config: Mapping[str, Any] | None = None,
        register: Mapping[str, Any] | None = None,
        fetch_token: Callable[..., Any] | None = None,
        update_token: Callable[..., Any] | None = None,
        browser: ScriptedBrowser | None = None,
    ) -> None:
        self.providers = dict(providers)
        self.provider = next(iter(providers.values()))
        self.origin = origin
        #: The errors that were shown, and the tokens that logins ended with.
        self.errors: list[OAuthError] = []
        self.tokens: list[Any] = []
        #: Arguments of the next ``authorize_redirect`` and ``authorize_access_token``.
        self.login_params: dict[str, Any] = {}
        self.callback_params: dict[str, Any] = {}
        self.flask_app = self._make_app({"SECRET_KEY": secret_key, **(config or {})})
        self.oauth = self._make_registry(cache, fetch_token, update_token)
        adapters = {origin_of(p.issuer): p.adapter() for p in self.providers.values()}
        self.outbound = Outbound(adapters)
        for provider in self.providers.values():
            provider.add_client(self._record(provider))
        for name, provider in self.providers.items():
            self._register(name, provider, register or {})
        apps = {p.issuer: p.wsgi for p in self.providers.values()}
        self._own_browser = browser is None
        self.browser = browser or ScriptedBrowser(apps)
        self.browser.mount(origin, self.flask_app)

    def close(self) -> None:
        """Close every session."""
        for name in self.providers:
            self.client(name).session.close()
        if self._own_browser:
            self.browser.close()

    # -- making it ------------------------------------------------------------------------

    def _make_app(self, config: Mapping[str, Any]) -> Flask:
        app = Flask("site")
        app.config.update(TESTING=True, **config)
        app.add_url_rule("/login/<name>", view_func=self._login)
        methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
        app.add_url_rule("/callback/<name>", view_func=self._callback, methods=methods)
        app.add_url_rule("/session", view_func=lambda: dict(flask.session))
        app.add_url_rule("/logout/<name>", view_func=self._logout)
        app.add_url_rule("/goodbye/<name>", view_func=self._goodbye)
        app.register_error_handler(OAuthError, self._show)
        return app

    def _make_registry(self, *args: Any) -> Any:
        return OAuth(self.flask_app, *args)

    def _record(self, provider: DevelopmentProvider) -> ClientRecord:
        names = [name for name, its in self.providers.items() if its is provider]
        callbacks = [self.callback_url(name) for name in names]
        return ClientRecord(
            CLIENT_ID,
            CLIENT_SECRET,
            redirect_uris=(*callbacks, *(f"{url}?from=op" for url in callbacks)),
            post_logout_redirect_uris=tuple(f"{self.origin}/goodbye/{name}" for name in names),
        )

    def _register(self, name: str, provider: DevelopmentProvider, more: Mapping[str, Any]) -> None:
        settings = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "issuer": provider.issuer,
            "client_kwargs": {"scope": SCOPE},
            **more,
        }
        self.oauth.register(name, **{k: v for k, v in settings.items() if v is not None})
        session = self.client(name).session
        session.mount("https://", self.outbound)
        session.mount("http://", self.outbound)

    def client(self, name: str = "demo") -> Any:
        """The client of a name."""
        return self.oauth.create_client(name)

    @contextmanager
    def in_request(self, name: str = "demo") -> Iterator[Any]:
        """A client as a view has it, for the length of a block.

        :param name: name of the client.
        """
        with self.flask_app.test_request_context(base_url=self.origin):
            yield self.client(name)

    # -- its pages ------------------------------------------------------------------------

    def _client_or_404(self, name: str) -> Any:
        return self.client(name) or flask.abort(404)

    def _login(self, name: str) -> Response:
        params = dict(self.login_params)
        if not self.client(name) or not self.client(name)._options.redirect_uri:
            params.setdefault("redirect_uri", self.callback_url(name))
        answer: Response = self._client_or_404(name).authorize_redirect(**params)
        return answer

    def _callback(self, name: str) -> dict[str, Any]:
        token = self._client_or_404(name).authorize_access_token(**self.callback_params)
        self.tokens.append(token)
        flask.session["user"] = token.get("userinfo", {}).get("sub")
        return {"user": flask.session["user"], "extra": token.get("extra")}

    def _logout(self, name: str) -> Response:
        flask.session.pop("user", None)
        hint = self.tokens[-1].get("id_token") if self.tokens else None
        to = f"{self.origin}/goodbye/{name}"
        answer: Response = self._client_or_404(name).logout_redirect(to, hint)
        return answer

    def _goodbye(self, name: str) -> dict[str, Any]:
        return dict(self._client_or_404(name).validate_logout_response())

    def _show(self, error: OAuthError) -> tuple[str, int, dict[str, str]]:
        self.errors.append(error)
        return error.error, error.http_status, {"Content-Type": "text/plain"}

    # -- visiting it ----------------------------------------------------------------------

    def login_url(self, name: str = "demo") -> str:
        """Where a login starts."""
        return f"{self.origin}/login/{name}"

    def callback_url(self, name: str = "demo") -> str:
        """The redirect URI."""
        return f"{self.origin}/callback/{name}"

    def send_login(
        self,
        name: str = "demo",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> requests.Response:
        """Begin a login, and don't follow its redirect.

        :param name: name of the client.
        :param query: query of the request.
        :param headers: headers of the request.
        :param params: arguments of ``authorize_redirect``.
        """
        self.login_params = params
        try:
            return self.send_with("", self.login_url(name) + query, headers=headers)
        finally:
            self.login_params = {}

    def begin(self, name: str = "demo", **params: Any) -> Visit:
        """Go through a login up to the visit of the callback, and don't make that.

        :param name: name of the client.
        :param params: arguments of ``authorize_redirect``.
        """
        self.login_params = params
        try:
            page = self.browser.sign_in(self.login_url(name), stop_before=self.origin + "/callback")
        finally:
            self.login_params = {}
        return page.history[-1]

    def finish(self, visit: Visit, **params: Any) -> requests.Response:
        """Visit the callback.

        :param visit: as :meth:`begin` gave it, or changed.
        :param params: arguments of ``authorize_access_token``.
        """
        self.callback_params = params
        try:
            response = self.browser.send(visit)
            if response.status_code == 303:  # what was posted comes once more, with the cookies
                response = self.browser.send(self.relayed(visit, response))
            return response
        finally:
            self.callback_params = {}

    @staticmethod
    def relayed(visit: Visit, response: requests.Response) -> Visit:
        """The visit that follows a posted callback."""
        return Visit("GET", urljoin(visit.url, response.headers["Location"]), None, visit.initiator)

    def login(self, name: str = "demo", **params: Any) -> requests.Response:
        """A whole login."""
        return self.finish(self.begin(name, **params))

    @contextmanager
    def visited_by(self, browser: ScriptedBrowser) -> Iterator[ScriptedBrowser]:
        """Let another browser visit for the length of a block."""
        before, self.browser = self.browser, browser
        try:
            yield browser
        finally:
            self.browser = before

    def new_browser(self) -> ScriptedBrowser:
        """Somebody else's browser."""
        apps = {p.issuer: p.wsgi for p in self.providers.values()}
        return ScriptedBrowser({**apps, self.origin: self.flask_app})

    def cookie_header(self) -> str:
        """What the browser would send to the site now."""
        request = requests.Request("GET", self.origin + "/").prepare()
        header: str | None = get_cookie_header(self.browser.cookies, request)
        return header or ""

    def send_with(
        self, cookies: str, url: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send a request with these cookies, and keep none of the answer."""
        sent = {"Cookie": cookies, **(headers or {})}
        request = requests.Request(method, url, headers=sent).prepare()
        return WSGIAdapter(self.flask_app).send(request)

    def post_with(
        self, cookies: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> requests.Response:
        """Post a body with these cookies, and keep none of the answer."""
        sent = {"Cookie": cookies, **headers}
        request = requests.Request("POST", url, headers=sent, data=body).prepare()
        return WSGIAdapter(self.flask_app).send(request)

    def begin_at_once(self, count: int, name: str = "demo") -> list[Visit]:
        """Begin logins in so many tabs that are loaded all at the same time.

        Each request carries the cookies from before, and each answer brings a session cookie that
        overwrites the one of the answer before it.
        """
        before = self.cookie_header()
        answers = [self.send_with(before, self.login_url(name)) for _ in range(count)]
        for answer in answers:
            extract_cookies_to_jar(self.browser.cookies, answer.request, answer.raw)
        return [self._at_provider(answer.headers["Location"]) for answer in answers]

    def _at_provider(self, url: str) -> Visit:
        return self.browser.sign_in(url, stop_before=self.origin + "/callback").history[-1]

    @property
    def error(self) -> OAuthError:
        """The error that was shown last."""
        return self.errors[-1]

    @property
    def token(self) -> Any:
        """The token of the last login."""
        return self.tokens[-1]

    def session(self) -> dict[str, Any]:
        """What the browser's session cookie holds."""
        value = next((c.value for c in self.browser.cookies if c.name == "session"), None)
        serializer = self.flask_app.session_interface.get_signing_serializer(self.flask_app)  # type: ignore[attr-defined]
        try:
            return dict(serializer.loads(value)) if value and serializer else {}
        except BadSignature:
            return {}

    def put_pending(self, state: str, entry: Any, name: str = "demo") -> Visit:
        """Put an entry of a pending login into the session by hand.

        :returns: a visit of the callback with its state.
        """
        self.set_session({**self.session(), f"_state_{name}_{state}": entry})
        query = urlencode({"code": "a-made-up-code", "state": state, "iss": self.provider.issuer})
        return Visit("GET", f"{self.callback_url(name)}?{query}")

    def set_session(self, content: Mapping[str, Any]) -> None:
        """Put another session cookie into the browser, signed as by the site."""
        self.browser.cookies.set("session", self.sign_session(content), domain=self.host, path="/")  # type: ignore[attr-defined]

    def sign_session(self, content: Mapping[str, Any]) -> str:
        """The value of a session cookie."""
        serializer = self.flask_app.session_interface.get_signing_serializer(self.flask_app)  # type: ignore[attr-defined]
        value: str = serializer.dumps(dict(content))
        return value

    @property
    def host(self) -> str:
        """The host name of the site."""
        return urlsplit(self.origin).hostname or ""

    def drop_cookies(self, *names: str) -> None:
        """Take cookies whose names begin so out of the browser."""
        for cookie in list(self.browser.cookies):
            if cookie.name.startswith(names) and cookie.domain.startswith(self.host):
                self.browser.cookies.clear(cookie.domain, cookie.path, cookie.name)

    def login_cookies(self) -> dict[str, str]:
        """The cookies of pending logins that the browser holds, without the marks of ended ones."""
        return {
            cookie.name: cookie.value or ""
            for cookie in self.browser.cookies
            if "oac_" in cookie.name and cookie.value != "used"
        }

    def pending(self) -> list[str]:
        """The keys of the pending logins in the session."""
        return [key for key in self.session() if key.startswith("_state_")]
