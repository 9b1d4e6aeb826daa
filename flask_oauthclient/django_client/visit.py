"""A request, as far as signing in is concerned with it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING
from typing import Any

from django.http import HttpRequest
from django.urls import get_script_prefix

from .pages import words_of
from .session import session_of
from .settings import config

if TYPE_CHECKING:
    from ..sign_in.texts import Words
    from ..sign_in.visit import Headers


class DjangoVisit:
    """The half of a :class:`~.site.DjangoSite` that only looks at the request.

    :param request: the request.
    """

    __slots__ = ("request",)

    #: ``ALLOWED_HOSTS`` says which hosts are the project's; each of them is one of its own.
    host_with_subdomains = None

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return self.request.method or ""

    @property
    def headers(self) -> Headers:
        """The headers, by names in any case."""
        return self.request.headers

    @property
    def host(self) -> str:
        """Host and port that the browser has asked."""
        return self.request.get_host()

    @property
    def is_secure(self) -> bool:
        """Whether the request has come over TLS, as far as the project knows."""
        return self.request.is_secure()

    @property
    def base_url(self) -> str:
        """``OAUTHCLIENT_BASE_URL``, or an empty string."""
        return str(config.get("OAUTHCLIENT_BASE_URL") or "")

    @property
    def prefers_json(self) -> bool:
        """Whether ``Accept`` ranks JSON before HTML."""
        kinds = ["text/html", "application/json"]
        return self.request.get_preferred_type(kinds) == "application/json"

    def query(self, name: str) -> list[str]:
        """The values of a parameter of the query."""
        return self.request.GET.getlist(name)

    def form(self, name: str) -> list[str]:
        """The values of a field of the posted form."""
        return self.request.POST.getlist(name)

    def cookie(self, name: str) -> str | None:
        """The value of a cookie."""
        return self.request.COOKIES.get(name)

    @property
    def session(self) -> MutableMapping[str, Any]:
        """The session."""
        return session_of(self.request)

    @property
    def words(self) -> Words:
        """The strings of the pages in the language of whoever reads them."""
        return words_of(self.request)

    # -- addresses ------------------------------------------------------------------------

    @property
    def root(self) -> str:
        """The path that the project is mounted at; an empty string at the top."""
        return get_script_prefix().rstrip("/")

    @property
    def path(self) -> str:
        """The path of the request below that."""
        return self.request.path_info

    @property
    def here(self) -> str:
        """Path and query as the browser has asked for them."""
        return self.request.get_full_path()

    @property
    def host_url(self) -> str:
        """Scheme, host and one slash."""
        return f"{self.request.scheme}://{self.request.get_host()}/"
