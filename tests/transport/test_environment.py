"""The environment is read once, and explicit settings win."""

from __future__ import annotations

import netrc
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.environment import Environment
from flask_oauthclient.transport.environment import choose_proxies
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import message
from tests.transport._raw import Peer
from tests.transport._raw import RawServer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import by_path
from tests.transport._raw import redirect
from tests.transport.conftest import Serve

Patch = pytest.MonkeyPatch
_THROUGH = answer(b'"through the proxy"')


@pytest.fixture
def proxy(serve: Serve) -> RawServer:
    """A proxy that gives the same answer in the name of every server."""
    return serve(always(_THROUGH))


def _targets(proxy: RawServer) -> list[str]:
    return [request.target for request in proxy.requests]


# -- through a proxy ----------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment_is_used(
    variable: str, proxy: RawServer, monkeypatch: Patch
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    with PooledSession() as session:
        sent = session.send_message(message("jwks", "http://op.test/jwks"), insecure_http=True)
    assert sent.body == b'"through the proxy"'
    assert _targets(proxy) == ["http://op.test/jwks"]


def test_https_goes_through_a_tunnel(
    serve: Serve, make_tls: Any, ca_bundle: str, monkeypatch: Patch
) -> None:
    server = serve(always(answer(b'"at home"')), make_tls("op.test"))
    inner: list[str] = []

    def tunnel(peer: Peer) -> None:
        request = peer.receive()
        assert request is not None
        inner.append(f"{request.method} {request.target}")
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _join(peer, server.port)

    proxy = serve(tunnel)
    monkeypatch.setenv("https_proxy", proxy.url)
    with PooledSession() as session:
        for _ in range(3):
            sent = session.send_message(message("token", "https://op.test/token"), verify=ca_bundle)
            assert sent.body == b'"at home"'
    assert inner == ["CONNECT op.test:443"]
    assert server.connections == 1


def _join(peer: Peer, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as upstream:
        back = threading.Thread(target=_pump, args=(upstream, peer.connection))
        back.start()
        _pump(peer.connection, upstream)
        back.join(10)


def _pump(source: Any, target: Any) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_loopback_is_never_sent_through_a_proxy(
    serve: Serve, proxy: RawServer, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    server = serve(always(answer(b'"direct"')))
    with PooledSession() as session:
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{server.port}/"
            assert session.send_message(message("token", url)).body == b'"direct"'
    assert proxy.requests == []


def test_an_explicit_proxy_wins(serve: Serve, proxy: RawServer, monkeypatch: Patch) -> None:
    other = serve(always(answer(b'"the other proxy"')))
    monkeypatch.setenv("http_proxy", other.url)
    monkeypatch.setenv("NO_PROXY", "op.test")
    request = message("jwks", "http://op.test/")
    with PooledSession() as session:
        sent = session.send_message(request, insecure_http=True, proxies={"http": proxy.url})
        assert sent.body == b'"through the proxy"'
        session.proxies = {"all": proxy.url}
        assert session.send_message(request, insecure_http=True).body == b'"through the proxy"'
    assert other.requests == []
    assert len(proxy.requests) == 2


def test_an_explicit_proxy_reaches_loopback_too(serve: Serve, proxy: RawServer) -> None:
    server = serve(always(answer()))
    with OAuth2Session("c", token={"access_token": "t" * 20}) as api:
        assert api.get(server.url, proxies={"http": proxy.url}).json() == "through the proxy"
    assert server.requests == []


def test_a_redirect_chooses_its_proxies_anew(
    serve: Serve, proxy: RawServer, monkeypatch: Patch
) -> None:
    direct = serve(always(answer(b'"direct"')))
    sending = serve(by_path({"http://op.test/": redirect(direct.url)}))
    monkeypatch.setenv("http_proxy", sending.url)
    with OAuth2Session("c", insecure_http=True, token={"access_token": "t" * 20}) as api:
        assert api.get("http://op.test/").json() == "direct"
        assert api.get("http://op.test/", proxies={"http": sending.url}).json() == "direct"
    assert _targets(sending) == ["http://op.test/"] * 2


def test_an_explicit_proxy_holds_for_the_redirect_too(serve: Serve) -> None:
    answers = {"http://op.test/": redirect("/next"), "http://op.test/next": answer(b'"next"')}
    proxy = serve(by_path(answers))
    with OAuth2Session("c", insecure_http=True, token={"access_token": "t" * 20}) as api:
        assert api.get("http://op.test/", proxies={"http": proxy.url}).json() == "next"
    assert _targets(proxy) == ["http://op.test/", "http://op.test/next"]


def test_credentials_of_a_proxy_reach_the_proxy(proxy: RawServer) -> None:
    url = proxy.url.replace("http://", "http://user:password-of-the-proxy@")
    with PooledSession() as session:
        session.proxies = {"http": url}
        session.send_message(message("jwks", "http://op.test/"), insecure_http=True)
    assert proxy.last().headers["proxy-authorization"].startswith("Basic ")


def test_the_environment_can_be_left_out(monkeypatch: Patch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.test")
    with PooledSession() as session:
        session.trust_env = False
        settings = session.merge_environment_settings("http://op.test/", None, None, None, None)
    assert settings == {"proxies": {}, "stream": False, "verify": True, "cert": None}


def test_the_environment_is_read_once(proxy: RawServer, monkeypatch: Patch) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    request = message("jwks", "http://op.test/")
    with PooledSession() as session:
        session.send_message(request, insecure_http=True)
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", "*")
        session.send_message(request, insecure_http=True)
        monkeypatch.delenv("http_proxy")
        session.send_message(request, insecure_http=True)
    assert len(proxy.requests) == 3


# -- which hosts need none ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("*", "https://op.test/", True),
        ("op.test", "https://op.test/", True),
        ("op.test", "https://OP.TEST/", True),
        ("op.test", "https://login.op.test/", True),
        (".op.test", "https://login.op.test/", True),
        ("op.test", "https://not-op.test/", False),
        ("op.test", "https://op.test.evil/", False),
        ("op.test:8443", "https://op.test:8443/", True),
        ("op.test:8443", "https://op.test/", False),
        ("a.test, op.test ,b.test", "https://op.test/", True),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://10.1.2.3:8443/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3/8", "https://10.9.9.9/", True),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("fd00::/8", "https://[fe80::1]/", False),
        ("10.0.0.0/99", "https://10.1.2.3/", False),
        ("not/a/network", "https://10.1.2.3/", False),
        ("10.0.0.0/8", "https://op.test/", False),
        ("", "https://op.test/", False),
        ("", "http://localhost/", True),
        ("", "http://127.9.9.9/", True),
        ("", "http://[::1]:8080/", True),
        ("", "http://op.localhost/", True),
        ("", "http://localhost.evil/", False),
    ],
)
def test_which_hosts_are_reached_directly(no_proxy: str, url: str, direct: bool) -> None:
    proxies = {"https": "http://proxy.test:3128", "http": "http://proxy.test:3128"}
    environment = Environment(proxies, no_proxy)
    for _ in range(2):
        assert environment.proxies_for(url) == ({} if direct else proxies)


def test_the_memory_of_decisions_is_bounded() -> None:
    environment = Environment({"https": "http://proxy.test"}, "direct.test")
    for number in range(1000):
        assert environment.proxies_for(f"https://host{number}.test/")
    assert environment.proxies_for("https://direct.test/") == {}
    assert len(environment._decided) <= 256


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_the_snapshot_of_the_environment(name: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv(name, "a.test,b.test")
    monkeypatch.setenv("CURL_CA_BUNDLE", "/curl.pem")
    environment = Environment.read()
    assert environment.proxies == {"https": "http://proxy.test:3128"}
    assert environment.no_proxy == "a.test,b.test"
    assert environment.ca_bundle == "/curl.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/requests.pem")
    assert Environment.read().ca_bundle == "/requests.pem"
    assert environment.ca_bundle == "/curl.pem"


A, B, C = "http://a.test", "http://b.test", "http://c.test"


@pytest.mark.parametrize(
    ("layers", "chosen"),
    [
        ([], {}),
        ([None, {}, None], {}),
        ([None, {"https": B}, {"https": C}], {"https": B}),
        ([{"https": A}, {"https": B}], {"https": A}),
        ([{"all": A}, {"https": B}], {"all": A}),
        ([{"http": A}, {"https": B}], {"https": B}),
        ([{"https://op.test": A}, {"https": B}], {"https://op.test": A}),
        ([{"https://other.test": A}, {"https": B}], {"https": B}),
        ([{"https": None}, {"https": B}], {"https": None}),
    ],
)
def test_the_first_layer_that_names_a_proxy_counts(layers: Any, chosen: Any) -> None:
    assert choose_proxies("https://op.test/path", *layers) == chosen


# -- .netrc -----------------------------------------------------------------------------------


@pytest.fixture
def home_with_netrc(tmp_path: Path, monkeypatch: Patch) -> None:
    """A home directory with credentials for every host."""
    path = tmp_path / ".netrc"
    path.write_text("default login netrc-user password netrc-password\n")
    path.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(path))
    assert netrc.netrc(str(path)).authenticators("127.0.0.1")


@pytest.mark.usefixtures("home_with_netrc")
def test_netrc_is_never_read(serve: Serve) -> None:
    other = serve(always(answer()))
    server = serve(by_path({"/": answer(), "/away": redirect(other.url), "/here": redirect("/")}))
    with PooledSession() as session:
        for purpose in ("token", "metadata", "jwks"):
            session.send_message(message(purpose, server.url))
    api: Any = OAuth2Session("c", token={"access_token": "t" * 20})
    with api:
        for path in ("/", "/away", "/here"):
            api.get(server.url + path, withhold_token=True)
            api.get(server.url + path)
    sent = {request.headers.get("authorization") for request in server.requests + other.requests}
    assert not [each for each in sent if each and "Basic bmV0cmM" in each]
    assert {request.headers.get("authorization") for request in other.requests} == {None}
