"""A browser whose tabs send their requests together, before any answer has come."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Sequence
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from tests.workers._worker import CALLBACK
from tests.workers._worker import HOST

_LIMIT = 30


class Tabs:
    """The tabs of one browser.

    :param ports: the workers; each request goes to the next one.
    :param first: the worker that gets the first request.
    """

    def __init__(self, ports: Sequence[int], first: int = 0) -> None:
        self._workers = itertools.islice(itertools.cycle(ports), first, None)
        self.cookies: dict[str, str] = {}

    def open(self, paths: Sequence[str]) -> list[tuple[int, str, str]]:
        """Request a path from each tab with the cookies of this moment.

        :returns: status, ``Location`` and body of each answer.
        """
        waiting = [self.send(path) for path in paths]
        return [self.receive(connection) for connection in waiting]

    def send(self, path: str) -> http.client.HTTPConnection:
        """Send a request and wait for nothing."""
        connection = http.client.HTTPConnection("127.0.0.1", next(self._workers), timeout=_LIMIT)
        headers = {"Host": HOST}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        connection.request("GET", path, headers=headers)
        return connection

    def receive(self, connection: http.client.HTTPConnection) -> tuple[int, str, str]:
        """Take an answer in, cookies included."""
        response = connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            self._absorb(line)
        body = response.read().decode()
        connection.close()
        return response.status, response.headers.get("Location", ""), body

    def _absorb(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def consent(url: str) -> str:
    """Follow an authorization request to where the browser is sent back.

    :returns: path and query of the callback.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_LIMIT)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    assert location.startswith(CALLBACK)
    return location.removeprefix(f"http://{HOST}")
