"""The edges: the same site with its two views, its browser, and its line to the providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from flask_oauthclient import OAuth
from flask_oauthclient.flask_client.remote_app import FlaskOAuth1App
from flask_oauthclient.flask_client.remote_app import FlaskOAuth2App
from flask_oauthclient.httpx_client import OAuth1Client
from flask_oauthclient.httpx_client import OAuth2Client
from tests.django_client import _project
from tests.helpers.site import Site

from ._network import Line

_project.configure()  # before anything imports models


class _Mounting(httpx2.BaseTransport):
    """A transport that can be told where requests go, as a session of requests can."""

    def __init__(self) -> None:
        self.lines: dict[str, httpx2.BaseTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        line = self.lines[f"{request.url.scheme}://"]
        return line.handle_request(request)

    def close(self) -> None:
        for line in self.lines.values():
            line.close()


class _Mounted:
    """A client of httpx2 that knows ``mount``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._mounting = kwargs["transport"] = _Mounting()
        # As requests does, so that the rows about redirects mean the same.
        super().__init__(*args, **{"follow_redirects": True, **kwargs})

    def mount(self, prefix: str, adapter: Any) -> None:
        """Let requests to URLs that begin so leave by an adapter of requests."""
        self._mounting.lines[prefix] = Line(adapter)


class MountedOAuth1Client(_Mounted, OAuth1Client):
    """The session of a client of OAuth 1.0a."""


class MountedOAuth2Client(_Mounted, OAuth2Client):
    """The session of a client of OAuth 2."""


class HttpxOAuth1App(FlaskOAuth1App):
    """A registered client that speaks OAuth 1.0a over httpx2."""

    client_cls = MountedOAuth1Client


class HttpxOAuth2App(FlaskOAuth2App):
    """A registered client that speaks OAuth 2 over httpx2."""

    client_cls = MountedOAuth2Client


class HttpxOAuth(OAuth):
    """A registry of Flask whose clients call their providers over httpx2."""

    oauth1_client_cls = HttpxOAuth1App
    oauth2_client_cls = HttpxOAuth2App


class HttpxSite(Site):
    """The site on Flask, over httpx2."""

    def _make_registry(self, *args: Any) -> Any:
        return HttpxOAuth(self.flask_app, *args)


def sites() -> Mapping[str, type[Site]]:
    """The class of sites at each edge."""
    from tests.django_client._site import DjangoSite

    return {"flask": Site, "flask-httpx": HttpxSite, "django": DjangoSite}
