"""Calls to a WSGI application through ``requests``, without a socket."""

from __future__ import annotations

import email.message
import http.client
import io
import typing as t
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from urllib.parse import unquote
from urllib.parse import urlsplit

import requests
import requests.cookies
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict
from urllib3 import HTTPResponse

if t.TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment


class WSGIAdapter(BaseAdapter):
    """A ``requests`` adapter that calls a WSGI application in process.

    The response is a real one: its ``raw`` is a ``urllib3.HTTPResponse`` that reads the
    application's body as it is asked for, so streaming, decompression and cookies work. Time
    limits, TLS and proxies have no meaning here.

    >>> session.mount("http://127.0.0.1:5001", WSGIAdapter(provider.wsgi))

    :param app: The application.
    """

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__()
        self.app = app

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Call the application.

        :param request: The request.
        :param stream: Leave the body unread.
        :param timeout: Without effect.
        :param verify: Without effect.
        :param cert: Without effect.
        :param proxies: Without effect.
        :returns: The response.
        :raises requests.ConnectionError: if the application drops the connection.
        """
        try:
            raw = self._call(request)
            response = _response(request, raw, self)
            if not stream:
                response.content  # noqa: B018 - reads the body
        except ConnectionError as error:
            raise requests.ConnectionError(str(error), request=request) from None
        return response

    def _call(self, request: requests.PreparedRequest) -> HTTPResponse:
        status, headers = "", HTTPHeaderDict()

        def start_response(
            line: str, fields: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], object]:
            nonlocal status, headers
            status, headers = line, HTTPHeaderDict(fields)
            return written.append

        written: list[bytes] = []
        body = _Body(self.app(_environ(request), start_response), written)
        code, _, reason = status.partition(" ")
        return HTTPResponse(
            body=t.cast("t.IO[bytes]", body),
            headers=headers,
            status=int(code),
            reason=reason,
            version=11,
            preload_content=False,
            decode_content=False,
            original_response=t.cast("http.client.HTTPResponse", _Original(headers)),
            request_method=request.method,
            request_url=request.url,
        )


class _Body(io.RawIOBase):
    """The iterable of a WSGI application as a file, read no faster than asked for."""

    def __init__(self, parts: Iterable[bytes], written: list[bytes]) -> None:
        self._parts = parts
        # A generator runs to its first part here, before which it must have called start_response.
        self._rest: Iterator[bytes] = iter(parts)
        self._buffer = next(self._rest, b"")
        # What was sent by the old write() callable comes before the iterable.
        self._buffer = b"".join(written) + self._buffer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        while not self._buffer:
            part = next(self._rest, None)
            if part is None:
                return 0
            self._buffer = part
        size = min(len(buffer), len(self._buffer))
        buffer[:size], self._buffer = self._buffer[:size], self._buffer[size:]
        return size

    def close(self) -> None:
        close = getattr(self._parts, "close", None)
        if not self.closed and close is not None:
            close()
        super().close()


class _Original:
    """The little of ``http.client.HTTPResponse`` that cookie handling and urllib3 look at."""

    def __init__(self, headers: HTTPHeaderDict) -> None:
        self.msg = email.message.Message()
        for name, value in headers.iteritems():
            self.msg.add_header(name, value)

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing: the body closes itself."""


def _response(
    request: requests.PreparedRequest, raw: HTTPResponse, adapter: WSGIAdapter
) -> requests.Response:
    response = requests.Response()
    response.status_code = raw.status
    response.reason = raw.reason or ""
    response.headers = CaseInsensitiveDict(raw.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.raw = raw
    response.url = request.url or ""
    response.request = request
    # requests keeps it only to close it; its stubs know no adapter but their own.
    response.connection = t.cast("t.Any", adapter)
    # Nor do they know the types of this function.
    t.cast("t.Any", requests.cookies).extract_cookies_to_jar(response.cookies, request, raw)
    return response


def _environ(request: requests.PreparedRequest) -> WSGIEnvironment:
    url = urlsplit(request.url or "")
    content = _content(request.body)
    port = url.port or (443 if url.scheme == "https" else 80)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        environ[_environ_name(name)] = value if isinstance(value, str) else value.decode("latin-1")
    # The body is complete here, however it was meant to travel.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(content))
    return environ


def _content(body: t.Any) -> bytes:
    # requests takes text, bytes, files and generators, of text or bytes each.
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    parts = t.cast("Iterable[str | bytes]", body)
    return b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def _environ_name(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
