"""The current request, as far as signing in is concerned with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app
from flask import request

from ..sign_in.pages import path_and_query
from .unproxied import this_request

if TYPE_CHECKING:
    from ..sign_in.texts import Words
    from ..sign_in.visit import Headers


def is_secure() -> bool:
    """Whether the browser speaks https with this application, or with the proxy before it."""
    config = current_app.config
    at_proxy = str(config.get("OAUTHCLIENT_BASE_URL") or "").lower().startswith("https:")
    return request.is_secure or at_proxy or bool(config["SESSION_COOKIE_SECURE"])


class FlaskVisit:
    """The half of a :class:`~.site.FlaskSite` that only looks at the request."""

    __slots__ = ()

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return request.method

    @property
    def headers(self) -> Headers:
        """The headers, by names in any case."""
        return this_request().headers

    @property
    def host(self) -> str:
        """Host and port that the browser has asked."""
        return request.host

    @property
    def is_secure(self) -> bool:
        """Whether the request has come over TLS, as far as the application knows."""
        return request.is_secure

    @property
    def base_url(self) -> str:
        """``OAUTHCLIENT_BASE_URL``, or an empty string."""
        return str(current_app.config.get("OAUTHCLIENT_BASE_URL") or "")

    @property
    def host_with_subdomains(self) -> str | None:
        """The name of the application's host, if hosts below it are the application's too."""
        name: str | None = current_app.config.get("SERVER_NAME")
        return name if current_app.subdomain_matching else None

    @property
    def prefers_json(self) -> bool:
        """Whether ``Accept`` ranks JSON before HTML."""
        kinds = ["text/html", "application/json"]
        return request.accept_mimetypes.best_match(kinds) == "application/json"

    def query(self, name: str) -> list[str]:
        """The values of a parameter of the query."""
        return request.args.getlist(name)

    def form(self, name: str) -> list[str]:
        """The values of a field of the posted form."""
        return request.form.getlist(name)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie."""
        return request.cookies.get(name)

    @property
    def words(self) -> Words:
        """The strings of the pages in the language of whoever reads them."""
        from .words import words_of_request

        return words_of_request()

    @property
    def root(self) -> str:
        """The path that the application is mounted at; an empty string at the top."""
        return request.script_root

    @property
    def path(self) -> str:
        """The path of the request below that."""
        return request.path

    @property
    def here(self) -> str:
        """Path and query as the browser has asked for them."""
        environ = request.environ
        path = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "/")
        return path_and_query(path.encode("latin-1"), request.query_string)

    @property
    def host_url(self) -> str:
        """Scheme, host and one slash."""
        return request.host_url
