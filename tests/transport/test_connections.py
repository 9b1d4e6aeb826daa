"""Connections are kept, shared by threads, and made anew when they break or the process forks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from flask_oauthclient import OAuth
from flask_oauthclient import OAuthError
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.adapter import Adapter
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._breaks import BREAKS
from tests.transport._breaks import answers_then_takes_another_and_hangs_up
from tests.transport._breaks import breaking_first
from tests.transport._breaks import once_then_hang_up
from tests.transport._breaks import speaks_something_else
from tests.transport._breaks import takes_and_hangs_up
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._messages import message
from tests.transport._raw import Peer
from tests.transport._raw import RawServer
from tests.transport._raw import Script
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport.conftest import Serve

ROOT = Path(__file__).parents[2]


def _closed(server: RawServer, count: int) -> None:
    """Wait until the server has closed its side of so many connections."""
    while server.closed < count:
        server.ending.wait(0.001)


# -- a connection that breaks ----------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["metadata", "jwks", "userinfo"])
@pytest.mark.parametrize("breaks", BREAKS.values(), ids=[f"X04-{name}" for name in BREAKS])
def test_a_read_that_breaks_is_sent_once_more(
    breaks: Script, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(breaking_first(breaks))
    assert send(purpose, server.url).body == b'"answered"'
    assert len(server.requests) == 2


@pytest.mark.parametrize("purpose", ["token", "revocation", "introspection"])
@pytest.mark.parametrize("breaks", BREAKS.values(), ids=[f"X04-{name}" for name in BREAKS])
def test_a_credential_that_breaks_is_not_sent_again(
    breaks: Script, purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(breaking_first(breaks))
    with pytest.raises(OAuthError) as caught:
        send(purpose, server.url)
    assert caught.value.error == "provider_unreachable"
    assert len(server.requests) == 1


def test_a_code_exchange_on_a_kept_connection_is_not_sent_again(serve: Serve, send: Any) -> None:
    server = serve(breaking_first(answers_then_takes_another_and_hangs_up))
    send("jwks", server.url)
    with pytest.raises(OAuthError) as caught:
        send("token", server.url)
    assert caught.value.error == "provider_unreachable"
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert server.connections == 1


def test_a_read_on_a_kept_connection_is_sent_once_more(serve: Serve, send: Any) -> None:
    server = serve(breaking_first(answers_then_takes_another_and_hangs_up))
    for _ in range(2):
        assert send("jwks", server.url).body == b'"answered"'
    assert len(server.requests) == 3
    assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_an_api_read_that_breaks_is_sent_once_more(
    method: str, serve: Serve, api: OAuth2Session
) -> None:
    server = serve(breaking_first(takes_and_hangs_up))
    assert api.request(method, server.url).status_code == 200
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_api_write_that_breaks_is_not_sent_again(
    method: str, serve: Serve, api: OAuth2Session
) -> None:
    server = serve(breaking_first(takes_and_hangs_up))
    with pytest.raises(requests.ConnectionError):
        api.request(method, server.url)
    assert len(server.requests) == 1


def test_a_read_whose_body_is_a_stream_is_not_sent_again(serve: Serve, api: OAuth2Session) -> None:
    server = serve(breaking_first(takes_and_hangs_up))
    with pytest.raises(requests.ConnectionError):
        api.request("GET", server.url, data=iter([b"query"]))
    assert [request.body for request in server.requests] == [b"query"]


def test_a_read_that_breaks_twice_fails(serve: Serve, send: Any) -> None:
    server = serve(breaking_first(takes_and_hangs_up, takes_and_hangs_up))
    with pytest.raises(OAuthError) as caught:
        send("jwks", server.url)
    assert caught.value.error == "provider_unreachable"
    assert len(server.requests) == 2


def test_an_answer_that_has_begun_is_not_asked_for_again(serve: Serve, send: Any) -> None:
    def half_an_answer(peer: Peer) -> None:
        peer.receive()
        peer.send(answer(b"half", length=1000))

    server = serve(breaking_first(half_an_answer))
    with pytest.raises(OAuthError):
        send("jwks", server.url)
    assert len(server.requests) == 1


def test_what_takes_too_long_is_not_sent_again(serve: Serve, send: Any) -> None:
    server = serve(lambda peer: (peer.receive(), peer.stall())[1])
    with pytest.raises(OAuthError, match="provider_timeout"):
        send("jwks", server.url, timeout=0.2)
    assert len(server.requests) == 1


def test_a_server_that_speaks_something_else_is_unreachable(serve: Serve, send: Any) -> None:
    server = serve(speaks_something_else)
    with pytest.raises(OAuthError, match="provider_unreachable"):
        send("token", server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize("purpose", ["token", "jwks"])
def test_a_connection_that_was_closed_meanwhile_is_replaced(
    purpose: str, serve: Serve, send: Any
) -> None:
    server = serve(once_then_hang_up)
    for number in (1, 2, 3):
        assert send(purpose, server.url).body == b'"answered"'
        _closed(server, number)
    assert len(server.requests) == 3


def test_connection_close_is_heeded(serve: Serve, send: Any) -> None:
    server = serve(always(answer(headers={"Connection": "close"})))
    for _ in range(2):
        send("token", server.url)
    assert server.connections == 2


# -- the pool --------------------------------------------------------------------------------


def test_one_connection_serves_one_caller(serve: Serve, send: Any) -> None:
    server = serve(always(answer()))
    for purpose in ("metadata", "jwks", "token", "userinfo", "token"):
        send(purpose, server.url)
    assert server.connections == 1


def test_400_calls_of_8_threads_need_8_handshakes(serve: Serve, tls: Any, ca_bundle: str) -> None:
    server = serve(always(answer()), tls)
    with (
        OAuth2Session("c", token={"access_token": ACCESS_TOKEN}, verify=ca_bundle) as session,
        ThreadPoolExecutor(8) as threads,
    ):
        answers = list(threads.map(session.get, [server.url] * 400))
    assert Counter(each.status_code for each in answers) == {200: 400}
    assert server.connections <= 8


def test_the_session_of_a_client_is_made_when_it_is_needed_and_kept(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    made: list[Adapter] = []
    make = Adapter.__init__

    def counted(self: Adapter) -> None:
        made.append(self)
        make(self)

    monkeypatch.setattr(Adapter, "__init__", counted)
    server = serve(always(answer()))
    app, oauth = Flask("a"), OAuth()
    app.secret_key = "the secret key of the test"
    oauth.init_app(app)
    oauth.register("demo", client_id="c", api_base_url=server.url)
    assert oauth.demo.client_id == "c"
    assert made == []
    with ThreadPoolExecutor(8) as threads:
        token = {"access_token": ACCESS_TOKEN}
        calls = [threads.submit(oauth.demo.get, "/", token=token) for _ in range(16)]
        assert {call.result().status_code for call in calls} == {200}
    assert len(made) == 2
    oauth.demo.session.close()


def test_two_clients_share_no_connection(serve: Serve) -> None:
    server = serve(always(answer()))
    app = Flask("a")
    oauth = OAuth(app)
    for name in ("one", "two"):
        oauth.register(name, client_id="c", api_base_url=server.url)
        client = getattr(oauth, name)
        for _ in range(2):
            client.get("/", token={"access_token": ACCESS_TOKEN})
    assert server.connections == 2
    oauth.one.session.close()
    oauth.two.session.close()


# -- fork ------------------------------------------------------------------------------------

_FORKS = """
import json, os, sys
from flask_oauthclient.requests_client import OAuth2Session

url, ca_bundle, kind = sys.argv[1:]
session = OAuth2Session("c", token={"access_token": "t" * 20}, verify=ca_bundle)
if kind == "plain-adapter":
    from requests.adapters import HTTPAdapter
    session.mount(url, HTTPAdapter(max_retries=1))

def connections():
    return [session.get(url).json() for _ in range(5)]

before = connections()
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.write(write, json.dumps(connections()).encode())
    session.close()
    os._exit(0)
meanwhile = connections()
assert os.waitpid(child, 0)[1] == 0
os.close(write)
with os.fdopen(read, "rb") as pipe:
    in_child = json.load(pipe)
print(json.dumps([before, meanwhile, in_child, connections()]))
session.close()
"""


def _tells_its_number(peer: Peer) -> None:
    number = peer.server.connections
    while peer.receive() is not None:
        peer.send(answer(str(number).encode()))


@pytest.mark.parametrize("kind", ["own-adapter", "plain-adapter"])
def test_a_forked_child_makes_connections_of_its_own(
    kind: str, serve: Serve, tls: Any, ca_bundle: str
) -> None:
    server = serve(_tells_its_number, tls)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FORKS, server.url, ca_bundle, kind],
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=30,
    )
    before, meanwhile, in_child, after = json.loads(done.stdout)
    assert before == meanwhile == after == [1] * 5
    assert in_child == [2] * 5
    assert len(server.requests) == 20


def test_the_first_threads_of_a_forked_child_all_have_new_pools(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(_tells_its_number)
    with PooledSession() as session:
        assert session.send_message(message("jwks", server.url)).body == b"1"
        adapter: Any = session.get_adapter(server.url)
        old = adapter.poolmanager
        monkeypatch.setattr("os.getpid", lambda: -1)
        barrier = threading.Barrier(8)

        def ask(_: int) -> bytes:
            barrier.wait(10)
            return bytes(session.send_message(message("jwks", server.url)).body)

        with ThreadPoolExecutor(8) as threads:
            assert b"1" not in set(threads.map(ask, range(8)))
        old.clear()
