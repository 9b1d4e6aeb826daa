"""Browsers in front of an application server: the tabs of one send their requests together."""

from __future__ import annotations

import http.client
from collections.abc import Iterable

from tests.benchmarks._browser import Answer
from tests.benchmarks._browser import CookieJar


def get_together(port: int, urls: Iterable[str], jar: CookieJar) -> list[Answer]:
    """Send a request from each tab with the cookies of this moment, then take the answers in.

    Each request comes over a connection of its own, as from a proxy in front that ends TLS and
    says so; so any worker may get it.
    """
    connections = [_send(port, url, jar) for url in urls]
    answers = [_receive(connection) for connection in connections]
    for answer in answers:
        jar.absorb(answer.cookies)
    return answers


def _send(port: int, url: str, jar: CookieJar) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    cookies = jar.header(url.partition("?")[0])
    headers = {
        "Host": "localhost",
        "Accept": "text/html",
        "X-Forwarded-Proto": "https",
        "Connection": "close",
        **({"Cookie": cookies} if cookies else {}),
    }
    connection.request("GET", url, headers=headers)
    return connection


def _receive(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return Answer(response.status, response.getheaders(), body)
