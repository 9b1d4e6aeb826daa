"""Whatever goes wrong on the way has a stable code, and shows no secret."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._messages import SECRETS
from tests.transport._messages import message
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import redirect
from tests.transport.conftest import Serve


def _after_reading(data: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.receive()
        peer.send(data)

    return script


def _silent(peer: Peer) -> None:
    peer.receive()
    peer.stall()


FAILURES: dict[str, tuple[Script, str]] = {
    "timeout": (_silent, "provider_timeout"),
    "hang-up": (_after_reading(b""), "provider_unreachable"),
    "nonsense": (_after_reading(b"\0" * 100), "provider_unreachable"),
    "cut": (_after_reading(answer(b"{", length=99)), "provider_unreachable"),
    "redirect": (always(redirect(f"/?{ACCESS_TOKEN}")), "redirect_refused"),
    "too-large": (always(answer(b" " * 2_000_000)), "response_too_large"),
    "not-gzip": (
        always(answer(b"not gzip", headers={"Content-Encoding": "gzip"})),
        "invalid_response",
    ),
    "two-lengths": (
        _after_reading(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}"),
        "invalid_response",
    ),
    "bad-chunks": (
        _after_reading(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
        "provider_unreachable",
    ),
    "200-headers": (
        _after_reading(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
        "provider_unreachable",
    ),
    "long-header": (
        _after_reading(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n"),
        "provider_unreachable",
    ),
}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        yield from _chain(error.__cause__)
        error = error.__context__


def _everything(error: BaseException) -> str:
    texts = [f"{each} {each!r} {each.args!r}" for each in _chain(error)]
    return "\n".join([*texts, *traceback.format_exception(error)])


@pytest.mark.parametrize("purpose", ["token", "userinfo"])
@pytest.mark.parametrize(("script", "code"), FAILURES.values(), ids=FAILURES)
def test_each_failure_has_its_code_and_shows_no_secret(
    script: Script, code: str, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(script)
    with pytest.raises(TransportError) as caught:
        send(purpose, server.url, timeout=0.3 if code == "provider_timeout" else 5)
    assert caught.value.error == code
    assert caught.value.http_status in (502, 504)
    shown = _everything(caught.value)
    assert not any(secret in shown for secret in SECRETS)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("failure", sorted(FAILURES.keys() - {"redirect", "too-large"}))
def test_failed_api_calls_show_no_secret(failure: str, serve: Serve, api: OAuth2Session) -> None:
    script, _ = FAILURES[failure]
    server = serve(script)
    with pytest.raises((requests.RequestException, OAuthError)) as caught:
        api.post(server.url, timeout=0.3)
    assert ACCESS_TOKEN not in _everything(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://a..b/token",
        "https://" + "a" * 70 + ".test/token",
        "https://\udcff.test/token",
        "https://[v1.x]/token",
        "https://*.test/token",
        "https://127.0.0.1:0/token",
        "https://op.invalid/token",
    ],
)
def test_a_host_that_cannot_be_a_host_is_a_typed_error(url: str, send: Any) -> None:
    with pytest.raises(OAuthError) as caught:
        send("token", url)
    assert caught.value.error in ("provider_unreachable", "insecure_transport")


def test_a_token_that_fits_no_header_is_a_typed_error(session: PooledSession) -> None:
    request = Request(
        Purpose.USERINFO, "GET", "http://127.0.0.1:1/", {"Authorization": "Bearer t\u00f6ken\u2603"}
    )
    with pytest.raises(OAuthError) as caught:
        session.send_message(request)
    assert "\u2603" not in _everything(caught.value)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ConnectionRefusedError("refused"), "provider_unreachable"),
        (TimeoutError("late"), "provider_timeout"),
        (FileNotFoundError("ca.pem"), "tls_failure"),
        (requests.exceptions.InvalidSchema("ftp"), "provider_unreachable"),
        (requests.exceptions.ConnectTimeout("late"), "provider_timeout"),
        (requests.exceptions.ProxyError("no proxy"), "provider_unreachable"),
        (requests.exceptions.JSONDecodeError("no JSON", "", 0), "invalid_response"),
        (urllib3.exceptions.LocationParseError("a..b"), "provider_unreachable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_an_adapter_raises_is_translated(
    failure: Exception, code: str, session: PooledSession
) -> None:
    class Failing(BaseAdapter):
        def send(self, *args: Any, **kwargs: Any) -> Any:
            raise failure

        def close(self) -> None:
            """Nothing to close."""

    session.mount("https://op.test/", Failing())
    with pytest.raises(OAuthError) as caught:
        session.send_message(message("token", "https://op.test/token"))
    assert caught.value.error == code


def test_a_mistake_in_the_program_is_not_hidden(session: PooledSession) -> None:
    class Broken(BaseAdapter):
        def send(self, *args: Any, **kwargs: Any) -> Any:
            raise LookupError("a mistake")

        def close(self) -> None:
            """Nothing to close."""

    session.mount("https://op.test/", Broken())
    with pytest.raises(LookupError, match="a mistake"):
        session.send_message(message("token", "https://op.test/token"))


def test_an_error_can_be_pickled(serve: Serve, send: Any) -> None:
    server = serve(always(redirect("/")))
    with pytest.raises(OAuthError) as caught:
        send("token", server.url)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.error, copy.detail) == (caught.value.error, caught.value.detail)
    assert str(copy) == str(caught.value)


def test_messages_hide_what_they_carry() -> None:
    request = message("token", f"https://op.test/token?code={ACCESS_TOKEN}")
    assert not any(secret in repr(request) for secret in SECRETS)
