"""An application with the blueprint and its provider, each served on a port of its own.

The application is ``localhost`` and the provider ``127.0.0.1``, which are two sites to a browser.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

from cachelib import BaseCache
from flask import Flask
from flask import make_response
from flask import render_template_string

from flask_oauthclient import OAuth
from flask_oauthclient import current_identity
from flask_oauthclient import login_required
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import serve_wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIEnvironment

_PAGE = """<!doctype html><html lang="en"><head><title>Site</title>
<meta name="viewport" content="width=device-width"></head><body>
<h1>{{ request.full_path.rstrip("?") }}</h1>
<p id="who">{{ who.sub if who else "nobody" }}</p>
<a href="/auth/login?next=/albums?year%3D2026">Sign in</a>
<form method="post" action="/auth/logout"><button>Sign out</button></form>
</body></html>"""


class Site:
    """The application, its routes below ``/auth``.

    Every page but ``/`` and ``/public`` wants somebody who is signed in.

    :param provider: the provider, for the client ``demo``.
    :param stack: ends the servers.
    :param folder: the root of the application.
    :param demo: more keywords of that client.
    :param more: names of further clients, which nobody signs in at.
    :param debug: whether the application is in debug mode.
    :param cache: of the registry.
    :param settings: of the blueprint.
    """

    def __init__(
        self,
        provider: DevelopmentProvider,
        stack: ExitStack,
        folder: Path,
        *,
        demo: dict[str, Any] | None = None,
        more: tuple[str, ...] = (),
        debug: bool = False,
        cache: BaseCache | None = None,
        **settings: Any,
    ) -> None:
        self.provider = provider
        #: Whether browsers are as if they refused cookies.
        self.without_cookies = False
        self.app = Flask("site", root_path=str(folder))
        self.app.config.update(SECRET_KEY="the secret key of these tests", DEBUG=debug)
        self.oauth = OAuth(self.app, cache=cache)
        self._register("demo", **{**_demo(provider), **(demo or {})})
        for name in more:
            self._register(name, client_id="nobody", issuer=provider.issuer)
        self.app.register_blueprint(self.oauth.create_blueprint(**settings), url_prefix="/auth")
        self.app.add_url_rule("/", "home", _page)
        self.app.add_url_rule("/public", "public", _page)
        self.app.add_url_rule("/<path:page>", "page", login_required(_page))
        self.app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        port = stack.enter_context(serve_wsgi(self._without_cookies_if_so)).port
        self.host = f"localhost:{port}"
        stack.callback(self.oauth.demo.session.close)

    def _register(self, name: str, **options: Any) -> None:
        self.oauth.register(name, client_kwargs={"scope": "openid profile email"}, **options)

    def _without_cookies_if_so(self, environ: WSGIEnvironment, start: StartResponse) -> Any:
        if self.without_cookies:
            environ.pop("HTTP_COOKIE", None)
        return self.app.wsgi_app(environ, start)

    def url(self, path: str = "/") -> str:
        """The address of a page."""
        return f"http://{self.host}{path}"

    def login_url(self, next_path: str, provider: str | None = None) -> str:
        """The address that a login starts at."""
        path = "/auth/login" if provider is None else f"/auth/login/{provider}"
        return self.url(f"{path}?next={quote(next_path)}")


class Elsewhere:
    """Another site, which may not wish ours well.

    :param stack: ends the server.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._pages: list[str] = []
        app = Flask("elsewhere")
        app.add_url_rule("/<int:number>", "page", lambda number: self._pages[number])
        app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
        self.host = f"127.0.0.1:{stack.enter_context(serve_wsgi(app.wsgi_app)).port}"

    def page(self, body: str) -> str:
        """Put a page up; gives its address."""
        head = '<!doctype html><html lang="en"><title>Elsewhere</title>'
        self._pages.append(f"{head}<body>{body}</body></html>")
        return f"http://{self.host}/{len(self._pages) - 1}"


MakeSite = Callable[..., Site]


def _demo(provider: DevelopmentProvider) -> dict[str, Any]:
    return {
        "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET,
        "issuer": provider.issuer,
    }


def _page(**_: str) -> Any:
    response = make_response(render_template_string(_PAGE, who=current_identity))
    response.cache_control.no_store = True  # not for whoever presses the back button later
    return response
