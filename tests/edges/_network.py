"""What httpx2 sends, on the way on which the tests see what requests sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError


class Line(httpx2.BaseTransport):
    """A transport of httpx2 whose requests are sent by an adapter of requests.

    :param adapter: the adapter, such as the one that notes what is sent.
    """

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request."""
        try:
            return _answered(self._adapter.send(_prepared(request), stream=True))
        except (requests.ConnectionError, HTTPError) as failure:
            kind = httpx2.ConnectError if "not there" in str(failure) else httpx2.ReadError
            raise kind(str(failure), request=request) from None


def _prepared(request: httpx2.Request) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = request.method, str(request.url)
    raw = [(name.decode(), value.decode("latin-1")) for name, value in request.headers.raw]
    prepared.headers = CaseInsensitiveDict(raw)
    prepared.body = b"".join(request.stream) or None  # type: ignore[arg-type]
    return prepared


def _answered(response: requests.Response) -> httpx2.Response:
    headers = list(response.raw.headers.iteritems())
    stream: httpx2.SyncByteStream = _Body(response.raw)
    if response._content_consumed:  # whoever wanted to see it has decoded it
        coded = ("content-encoding", "content-length")
        headers = [(name, value) for name, value in headers if name.lower() not in coded]
        stream = httpx2.ByteStream(response.content)
    return httpx2.Response(response.status_code, headers=headers, stream=stream)


class _Body(httpx2.SyncByteStream):
    """A body as it comes, for httpx2 to decode, and no faster than it is read."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        try:
            while part := self._raw.read(65_536, decode_content=False):
                yield part
        except (ConnectionError, HTTPError) as failure:
            raise httpx2.ReadError(str(failure)) from None

    def close(self) -> None:
        """Let go of the rest."""
        self._raw.close()
