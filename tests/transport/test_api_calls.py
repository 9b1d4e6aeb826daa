"""API calls are requests' own in everything but limits and credentials."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.time_limits import TotalTime
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._raw import Peer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import head
from tests.transport.conftest import Serve


def test_a_stream_is_read_as_it_comes(serve: Serve, api: OAuth2Session) -> None:
    read = threading.Event()

    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(head("200 OK", {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n")
        if read.wait(10):
            peer.send(b"6\r\nsecond\r\n0\r\n\r\n")

    server = serve(script)
    with api.get(server.url, stream=True) as response:
        parts = response.iter_content(None)
        assert next(parts) == b"first"
        read.set()
        assert b"".join(parts) == b"second"
    assert server.last().headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_a_stream_may_take_longer_than_a_call(serve: Serve, api: OAuth2Session) -> None:
    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(answer(b"", length=40))
        peer.drip(b"x" * 40)

    server = serve(script)
    with api.get(server.url, stream=True, timeout=0.6) as response:
        assert response.content == b"x" * 40


def test_a_stream_has_no_cap(serve: Serve) -> None:
    server = serve(always(answer(b"x" * 100_000)))
    token = {"access_token": ACCESS_TOKEN}
    with (
        OAuth2Session("c", token=token, max_bytes=10) as session,
        session.get(server.url, stream=True) as response,
    ):
        assert sum(map(len, response.iter_content(1000))) == 100_000


def test_a_session_that_streams_always(serve: Serve) -> None:
    server = serve(always(answer(b"content")))
    with OAuth2Session("c", token={"access_token": ACCESS_TOKEN}, stream=True) as session:
        response = session.get(server.url)
        assert not response._content_consumed  # type: ignore[attr-defined]
        assert response.content == b"content"


def test_a_response_that_is_not_streamed_is_complete(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer(b'{"a": 1}')))
    response = api.get(server.url)
    assert response.json() == {"a": 1}
    assert response.text == '{"a": 1}'
    assert list(response.iter_content(3)) == [b'{"a', b'": ', b"1}"]
    assert list(response.iter_lines()) == [b'{"a": 1}']
    assert response.elapsed.total_seconds() > 0
    assert response.request.url == f"{server.url}/"


def test_any_status_is_a_response(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer(b"no", "404 Not Found"), answer(b"oh", "500 Oh")))
    assert api.get(server.url).status_code == 404
    assert api.get(server.url).status_code == 500


def test_a_file_is_uploaded_with_the_token(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer()))
    api.post(server.url, files={"file": ("a.txt", b"content of the file")}, data={"name": "a"})
    received = server.last()
    assert received.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert received.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="a.txt"\r\n\r\ncontent of the file\r\n' in received.body
    assert b'name="name"\r\n\r\na\r\n' in received.body


def _parts() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


@pytest.mark.parametrize(
    ("data", "chunked"),
    [(b"one two", False), (io.BytesIO(b"one two"), False), (_parts(), True)],
    ids=["bytes", "file", "generator"],
)
def test_a_body_of_any_kind_is_sent_with_the_token(
    data: Any, chunked: bool, serve: Serve, api: OAuth2Session
) -> None:
    server = serve(always(answer()))
    assert api.put(server.url, data=data).status_code == 200
    received = server.last()
    assert received.method == "PUT"
    assert received.body == b"one two"
    assert ("transfer-encoding" in received.headers) is chunked
    assert received.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_the_keywords_of_requests_work(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer()))
    seen: list[int] = []
    api.headers["X-Session"] = "1"
    api.params = {"always": "1"}
    api.patch(
        f"{server.url}/a?b=c",
        params={"d": ["e", "f"]},
        json={"g": "h"},
        headers={"X-Call": "2", "Accept": None},
        hooks={"response": lambda response, **kwargs: seen.append(response.status_code)},
    )
    received = server.last()
    assert received.target == "/a?b=c&always=1&d=e&d=f"
    assert received.body == b'{"g": "h"}'
    assert received.headers["content-type"] == "application/json"
    assert (received.headers["x-session"], received.headers["x-call"]) == ("1", "2")
    assert "accept" not in received.headers
    assert seen == [200]


class Recording(BaseAdapter):
    """An adapter of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []
        self.is_closed = False

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.sent.append((request, kwargs))
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response.url = str(request.url)
        response.raw = io.BytesIO(b'{"access_token": "' + b"n" * 20 + b'"}')
        return response

    def close(self) -> None:
        self.is_closed = True


def test_an_adapter_of_ones_own_gets_the_requests(api: OAuth2Session) -> None:
    adapter = Recording()
    with api:
        api.mount("https://api.test/", adapter)
        assert api.get("https://api.test/a").json()["access_token"] == "n" * 20
        api.fetch_token("https://api.test/token", code="c" * 20)
    (call, settings), (exchange, _) = adapter.sent
    assert call.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert isinstance(settings["timeout"][1], TotalTime)
    assert settings["verify"] is True
    assert (exchange.method, exchange.url) == ("POST", "https://api.test/token")
    assert adapter.is_closed


def test_an_adapter_of_requests_keeps_the_limits_that_it_can(
    serve: Serve, api: OAuth2Session
) -> None:
    server = serve(lambda peer: (peer.receive(), peer.stall())[1])
    api.mount(server.url, requests.adapters.HTTPAdapter())
    with pytest.raises(requests.Timeout):
        api.get(server.url, timeout=0.3)
