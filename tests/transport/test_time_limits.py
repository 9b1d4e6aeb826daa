"""One time limit for the whole answer, however it is made to last."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
import requests

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport import requests as driver
from flask_oauthclient.transport.deadline import DeadlineSocket
from flask_oauthclient.transport.policy import POLICIES
from flask_oauthclient.transport.requests import PooledSession
from flask_oauthclient.transport.time_limits import TotalTime
from tests.transport._messages import CREDENTIAL_PURPOSES
from tests.transport._raw import Peer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import raw_server
from tests.transport._slow import AT_MOST
from tests.transport._slow import LIMIT
from tests.transport._slow import SLOW
from tests.transport._slow import after_reading
from tests.transport._slow import reads_late
from tests.transport.conftest import Serve


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_a_slow_answer_ends_at_the_total_limit(
    slow: Script, tls_used: bool, serve: Serve, send: Any, tls: Any, ca_bundle: str
) -> None:
    server = serve(after_reading(slow), tls if tls_used else None)
    begin = time.monotonic()
    with pytest.raises(OAuthError) as caught:
        send("token", server.url, timeout=LIMIT, verify=ca_bundle)
    assert caught.value.error == "provider_timeout"
    assert caught.value.http_status == 504
    assert LIMIT * 0.9 < time.monotonic() - begin < AT_MOST
    assert len(server.requests) == 1


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
def test_an_api_call_ends_at_the_total_limit(
    slow: Script, serve: Serve, api: OAuth2Session
) -> None:
    server = serve(after_reading(slow))
    begin = time.monotonic()
    with pytest.raises((requests.Timeout, requests.ConnectionError), match="timed out"):
        api.get(server.url, timeout=LIMIT)
    assert time.monotonic() - begin < AT_MOST


@pytest.mark.parametrize("purpose", [*CREDENTIAL_PURPOSES, "api"])
def test_every_purpose_has_a_connect_limit_and_a_total_limit(purpose: str) -> None:
    policy = POLICIES[Purpose(purpose)]
    assert 0 < policy.connect_timeout <= 3
    assert policy.connect_timeout <= policy.total_timeout <= 10


@pytest.mark.parametrize("purpose", CREDENTIAL_PURPOSES)
def test_the_policy_of_the_purpose_is_what_counts(
    purpose: str, serve: Serve, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(POLICIES[Purpose(purpose)], total_timeout=LIMIT)
    monkeypatch.setattr(driver, "POLICIES", {**POLICIES, Purpose(purpose): short})
    server = serve(after_reading(SLOW["silence"]))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "provider_timeout"
    assert caught.value.detail["purpose"] == purpose


def test_the_limit_of_a_session_counts_where_the_call_has_none(serve: Serve) -> None:
    server = serve(after_reading(SLOW["silence"]))
    with OAuth2Session("c", token={"access_token": "t" * 20}, timeout=LIMIT) as session:
        with pytest.raises(requests.Timeout):
            session.get(server.url)
        with pytest.raises(OAuthError, match="provider_timeout"):
            session.fetch_token(server.url, code="c" * 20)


def test_nobody_listens(send: Any) -> None:
    with raw_server(always(answer())) as gone:
        pass
    with pytest.raises(OAuthError) as caught:
        send("token", gone.url)
    assert caught.value.error == "provider_unreachable"


def test_all_hops_of_a_redirected_call_share_one_limit(serve: Serve, api: OAuth2Session) -> None:
    def script(peer: Peer) -> None:
        while peer.receive() is not None:
            peer.pause(LIMIT / 3)
            peer.send(answer(b"", "302 Found", {"Location": "/again"}))

    server = serve(script)
    begin = time.monotonic()
    with pytest.raises((requests.Timeout, requests.ConnectionError), match="time"):
        api.get(server.url, timeout=LIMIT)
    assert time.monotonic() - begin < AT_MOST
    assert len(server.requests) <= 5


# -- sending takes time as well ------------------------------------------------------------


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
def test_an_upload_may_take_longer_than_connecting(
    tls_used: bool,
    serve: Serve,
    api: OAuth2Session,
    tls: Any,
    ca_bundle: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = replace(POLICIES[Purpose.API], connect_timeout=LIMIT)
    monkeypatch.setattr(driver, "POLICIES", {**POLICIES, Purpose.API: short})
    server = serve(reads_late(LIMIT * 3), tls if tls_used else None)
    body = b"x" * 12_000_000  # more than the buffers of both sides hold
    response = api.post(server.url, data=body, timeout=30, verify=ca_bundle)
    assert response.status_code == 200


@pytest.mark.parametrize("tls_used", [False, True], ids=["plain", "tls"])
def test_an_upload_that_is_not_read_ends_at_the_total_limit(
    tls_used: bool, serve: Serve, api: OAuth2Session, tls: Any, ca_bundle: str
) -> None:
    def reads_a_little(peer: Peer) -> None:
        while not peer.pause():
            peer.connection.recv(1000)

    server = serve(reads_a_little, tls if tls_used else None)
    begin = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        api.post(server.url, data=b"x" * 12_000_000, timeout=LIMIT, verify=ca_bundle)
    assert time.monotonic() - begin < AT_MOST


def test_a_token_request_that_is_not_read_is_a_timeout(serve: Serve, session: Any) -> None:
    server = serve(lambda peer: peer.stall())
    message = Request(Purpose.TOKEN, "POST", server.url, {}, "x" * 12_000_000)
    with pytest.raises(OAuthError) as caught:
        session.send_message(message, timeout=LIMIT)
    assert caught.value.error == "provider_timeout"


# -- the pieces ----------------------------------------------------------------------------


def test_a_total_runs_from_its_making() -> None:
    total = TotalTime(5)
    assert float(total) == 5
    assert 4 < total.remaining() <= 5
    with pytest.raises(TimeoutError):
        TotalTime(-1).remaining()


@pytest.mark.parametrize(
    ("given", "default", "expected"),
    [
        (None, None, (3, 10)),
        (1, None, (1, 1)),
        (60.0, None, (3, 60)),
        (None, 5, (3, 5)),
        (None, (1, 2), (1, 2)),
        ((4, 7), 5, (4, 7)),
        ((4, None), None, (4, None)),
    ],
)
def test_where_a_limit_comes_from(given: Any, default: Any, expected: Any) -> None:
    with PooledSession(default_timeout=default) as session:
        limits = session.time_limits(given, POLICIES[Purpose.TOKEN])
        assert tuple(limits) == expected
        streamed = session.time_limits(given, POLICIES[Purpose.TOKEN], streamed=True)
        assert tuple(streamed) == expected
        assert not isinstance(streamed[1], TotalTime)


def test_a_deadline_socket_is_a_socket_otherwise() -> None:
    class Socket:
        timeouts: list[Any] = []  # noqa: RUF012
        family = "a family"

        def settimeout(self, value: Any) -> None:
            self.timeouts.append(value)

    plain = Socket()
    wrapped = DeadlineSocket(plain)
    assert wrapped.family == "a family"
    wrapped.settimeout(7)
    wrapped.settimeout(None)
    wrapped.tighten()
    assert plain.timeouts == [7, None]
