"""A browser: keeps cookies as real ones do, and calls a WSGI app.

The limits are the ones a login meets in the field: a cookie whose name and value pass 4093 bytes
is dropped without a word, and the usual application server refuses a request header of more than
8190 bytes.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlencode
from urllib.parse import urlsplit

from flask import Flask

COOKIE_LIMIT = 4093
HEADER_LIMIT = 8190


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def location(self) -> str:
        """Where it redirects to; empty if nowhere."""
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def cookies(self) -> list[str]:
        """Its ``Set-Cookie`` headers."""
        return [value for name, value in self.headers if name.lower() == "set-cookie"]


class CookieJar:
    """The cookies of one browser at one site."""

    def __init__(self, cookies: Mapping[tuple[str, str], str] | None = None) -> None:
        self._cookies = dict(cookies or {})

    def copy(self) -> CookieJar:
        """:returns: a jar that goes its own way from here."""
        return CookieJar(self._cookies)

    def absorb(self, headers: Iterable[str]) -> None:
        """Take in a response's ``Set-Cookie`` headers."""
        for header in headers:
            self._absorb(header)

    def header(self, path: str) -> str:
        """:returns: the ``Cookie`` header for a request to ``path``."""
        return "; ".join(
            f"{name}={value}"
            for (name, scope), value in self._cookies.items()
            if _in_scope(path, scope)
        )

    def sizes(self, prefix: str) -> list[int]:
        """:returns: the bytes of each cookie whose name starts with ``prefix``."""
        return [
            len(name) + 1 + len(value)
            for (name, _), value in self._cookies.items()
            if name.startswith(prefix)
        ]

    def _absorb(self, header: str) -> None:
        pair, *attributes = [part.strip() for part in header.split(";")]
        name, _, value = pair.partition("=")
        options = {
            key.lower(): text for key, _, text in (each.partition("=") for each in attributes)
        }
        key = (name, options.get("path", "/"))
        if _expired(options):
            self._cookies.pop(key, None)
        elif len(name) + len(value) <= COOKIE_LIMIT:
            self._cookies[key] = value


class Browser:
    """One person's browser in front of one WSGI app.

    ``cpu`` adds up the CPU seconds spent inside the app, and nothing of the browser's own.
    """

    def __init__(self, app: Flask, jar: CookieJar | None = None) -> None:
        self.jar = jar or CookieJar()
        self.cpu = 0.0
        self._app = app

    def get(self, url: str) -> Answer:
        """:returns: the app's answer to a GET; its cookies are taken in."""
        path, _, query = url.partition("?")
        cookies = self.jar.header(path)
        if len(cookies) > HEADER_LIMIT:
            return Answer(431, [], b"request header fields too large")
        answer = self._call(_environ(path, query, cookies))
        self.jar.absorb(answer.cookies)
        return answer

    def fork(self) -> Browser:
        """:returns: the same browser, for a step that shall leave no trace in this one."""
        return Browser(self._app, self.jar.copy())

    def _call(self, environ: dict[str, Any]) -> Answer:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
            head[:] = (int(status[:3]), headers)

        started = time.process_time()
        result = self._app.wsgi_app(environ, start_response)
        body = b"".join(result)
        close = getattr(result, "close", None)
        if close is not None:
            close()
        self.cpu += time.process_time() - started
        return Answer(head[0], head[1], body)


def callback_url(authorization_url: str, issuer: str) -> str:
    """Play the person who signs in at the provider.

    The code carries what the provider must remember of the authorization request, so that the
    browser can skip the request itself.

    :returns: where the provider sends the browser back to.
    """
    sent = {key: values[0] for key, values in parse_qs(urlsplit(authorization_url).query).items()}
    code = f"{sent.get('nonce', '')}.{sent.get('code_challenge', '')}"
    query = urlencode({"code": code, "state": sent["state"], "iss": issuer})
    return f"{urlsplit(sent['redirect_uri']).path}?{query}"


def _environ(path: str, query: str, cookies: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_ACCEPT": "text/html",
        "HTTP_USER_AGENT": "Mozilla/5.0",
        **({"HTTP_COOKIE": cookies} if cookies else {}),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _in_scope(path: str, scope: str) -> bool:
    return path == scope or path.startswith(scope.rstrip("/") + "/")


def _expired(options: Mapping[str, str]) -> bool:
    if "max-age" in options:
        return int(options["max-age"]) <= 0
    return "expires" in options and _timestamp(options["expires"]) < time.time()


def _timestamp(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()
