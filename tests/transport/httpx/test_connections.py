"""Pools are a process's own, TLS contexts are shared, and loopback calls use no proxy."""

from __future__ import annotations

import gc
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme

from flask_oauthclient.transport.httpx_connections import AsyncTransport
from flask_oauthclient.transport.httpx_connections import Transport
from flask_oauthclient.transport.httpx_connections import loopback_mounts
from flask_oauthclient.transport.httpx_tls import tls_context
from flask_oauthclient.transport.httpx_tls import with_tls
from tests.transport._raw import Peer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import LOOPS
from tests.transport.httpx._calls import Fetch
from tests.transport.httpx._calls import in_loop

ROOT = Path(__file__).parents[3]


def _tells_its_number(peer: Peer) -> None:
    number = peer.server.connections
    while peer.receive() is not None:
        peer.send(answer(str(number).encode()))


# -- forks -----------------------------------------------------------------------------------

_FORKS = """
import json, os, sys
import httpx2
from flask_oauthclient.transport.httpx_connections import Transport

url, ca_bundle, end = sys.argv[1:]
client = httpx2.Client(transport=Transport(verify=ca_bundle))

def connections():
    return [client.get(url).json() for _ in range(5)]

before = connections()
read, write = os.pipe()
child = os.fork()
if child == 0:
    if end == "used":
        os.write(write, json.dumps(connections()).encode())
    client.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
os.close(write)
with os.fdopen(read, "rb") as pipe:
    in_child = pipe.read()
print(json.dumps([before, json.loads(in_child or "[]"), connections()]))
client.close()
"""

_ASYNC_FORKS = """
import asyncio, json, os, sys
import httpx2
from flask_oauthclient.transport.httpx_connections import AsyncTransport

url, ca_bundle, end = sys.argv[1:]
client = httpx2.AsyncClient(transport=AsyncTransport(verify=ca_bundle))

async def connections():
    return [(await client.get(url)).json() for _ in range(5)]

async def in_child(write):
    if end == "used":
        os.write(write, json.dumps(await connections()).encode())
    await client.aclose()

async def main():
    before = await connections()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # This loop is the parent's.
        asyncio.events._set_running_loop(None)
        asyncio.run(in_child(write))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    print(json.dumps([before, json.loads(said or "[]"), await connections()]))
    await client.aclose()

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["used", "closed"])
@pytest.mark.parametrize("program", [_FORKS, _ASYNC_FORKS], ids=["blocking", "asyncio"])
def test_a_forked_child_makes_connections_of_its_own(
    program: str, end: str, serve: Serve, tls: Any, ca_bundle: str
) -> None:
    server = serve(_tells_its_number, tls)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, server.url, ca_bundle, end],
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    before, in_child, after = json.loads(done.stdout)
    assert before == after == [1] * 5
    assert in_child == ([2] * 5 if end == "used" else [])


def test_the_first_threads_of_a_forked_child_share_a_new_pool(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(_tells_its_number)
    transport = Transport(limits=httpx2.Limits(max_connections=1))
    with httpx2.Client(transport=transport) as client:
        assert client.get(server.url).content == b"1"
        old = transport._pool
        monkeypatch.setattr("os.getpid", lambda: -1)
        barrier = threading.Barrier(8)

        def ask(_: int) -> bytes:
            barrier.wait(10)
            return client.get(server.url).content

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(ask, range(8))) == {b"2"}
        assert [connection.is_closed() for connection in old.connections] == [False]
        old.close()


# -- TLS contexts ----------------------------------------------------------------------------


def test_settings_that_differ_in_nothing_share_a_context(ca_bundle: str) -> None:
    assert tls_context() is tls_context(True)
    assert tls_context(ca_bundle) is tls_context(Path(ca_bundle))
    assert tls_context(ca_bundle) is not tls_context()
    assert tls_context() is not tls_context(http2=True)
    assert tls_context(http2=True) is not tls_context(http1=False, http2=True)
    own = ssl.create_default_context()
    assert tls_context(own) is own


def test_threads_share_a_context(other_ca_bundle: str) -> None:
    barrier = threading.Barrier(8)

    def load(_: int) -> ssl.SSLContext:
        barrier.wait(10)
        return tls_context(other_ca_bundle)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(load, range(8)))) == 1


@pytest.mark.parametrize("verify", [True, False, "bundle", "directory"])
@pytest.mark.parametrize("with_cert", [False, True])
def test_contexts_are_modern(
    verify: Any, with_cert: bool, authority: trustme.CA, ca_bundle: str, tmp_path: Path
) -> None:
    pem = tmp_path / "client.pem"
    authority.issue_cert("client.test").private_key_and_cert_chain_pem.write_to_path(pem)
    verify = {"bundle": ca_bundle, "directory": str(tmp_path)}.get(verify, verify)
    context = tls_context(verify, str(pem) if with_cert else None)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == (ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    assert context.check_hostname is bool(verify)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_names_a_bundle(
    name: str, ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tls_context()
    monkeypatch.setenv(name, ca_bundle)
    assert tls_context() is tls_context(ca_bundle)
    assert tls_context(trust_env=False) is plain


def test_a_bundle_of_requests_comes_first(
    ca_bundle: str, other_ca_bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert tls_context() is tls_context(str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", other_ca_bundle)
    assert tls_context() is tls_context(other_ca_bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    assert tls_context() is tls_context(ca_bundle)


@pytest.mark.parametrize("verify", ["missing.pem", True])
def test_a_missing_file_is_an_error_of_the_system(
    verify: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "missing.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", missing)
    with pytest.raises(FileNotFoundError):
        Transport(missing if isinstance(verify, str) else verify)
    with pytest.raises(FileNotFoundError):
        Transport(verify=False, cert=missing)


def test_a_good_certificate_is_accepted(
    serve: Serve, fetch: Fetch, tls: Any, ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(always(answer(b"fine")), tls)
    assert fetch(server.url, verify=ca_bundle).content == b"fine"
    assert fetch(server.url, verify=False).content == b"fine"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    assert fetch(server.url).content == b"fine"


def test_an_unknown_authority_is_refused(
    serve: Serve, fetch: Fetch, tls: Any, other_ca_bundle: str
) -> None:
    server = serve(always(answer()), tls)
    for verify in (True, other_ca_bundle):
        with pytest.raises(httpx2.ConnectError):
            fetch(server.url, verify=verify)
    assert server.requests == []


def test_a_client_shows_its_certificate(
    serve: Serve,
    fetch: Fetch,
    make_tls: Callable[..., ssl.SSLContext],
    authority: trustme.CA,
    ca_bundle: str,
    tmp_path: Path,
) -> None:
    names: list[Any] = []

    def script(peer: Peer) -> None:
        connection: Any = peer.connection
        names.append(connection.getpeercert()["subjectAltName"])
        always(answer())(peer)

    context = make_tls("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    issued = authority.issue_cert("client.test")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    server = serve(script, context)
    fetch(server.url, verify=ca_bundle, cert=(str(cert), str(key)))
    assert names == [(("DNS", "client.test"),)]
    # The shared context has not learnt the certificate.
    with pytest.raises(httpx2.TransportError):
        fetch(server.url, verify=ca_bundle)


# -- proxies ---------------------------------------------------------------------------------


def test_an_https_proxy_has_the_shared_context() -> None:
    proxy = with_tls("https://name:word@proxy.test", trust_env=True)
    assert proxy.ssl_context is tls_context()
    assert proxy.auth == ("name", "word")
    own = ssl.create_default_context()
    assert (
        with_tls(httpx2.Proxy("https://a.test", ssl_context=own), trust_env=True).ssl_context is own
    )
    assert with_tls("http://proxy.test", trust_env=True).ssl_context is None
    assert with_tls(None, trust_env=True) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost", "[::1]"])
def test_a_call_to_this_machine_uses_no_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.test")
    client: Any = httpx2.Client(mounts=loopback_mounts())
    asynchronous: Any = httpx2.AsyncClient(mounts=loopback_mounts())
    for each in (client, asynchronous):
        for scheme in ("http", "https"):
            url = httpx2.URL(f"{scheme}://{host}:8080/")
            assert each._transport_for_url(url) is each._transport
        assert each._transport_for_url(httpx2.URL("https://op.test")) is not each._transport
    client.close()


def test_a_server_on_this_machine_is_reached_past_the_proxy(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(always(answer(b"proxy"))), serve(always(answer(b"server")))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with httpx2.Client(mounts=loopback_mounts()) as client:
        assert client.get(server.url).content == b"server"
        assert client.get("http://op.test/").content == b"proxy"


# -- life ------------------------------------------------------------------------------------


def test_a_connection_is_kept(serve: Serve) -> None:
    server = serve(_tells_its_number)
    with httpx2.Client(transport=Transport()) as client:
        assert {client.get(server.url).content for _ in range(5)} == {b"1"}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_kept_in_a_loop(loop: str, serve: Serve) -> None:
    server = serve(_tells_its_number)

    async def ask() -> set[bytes]:
        async with httpx2.AsyncClient(transport=AsyncTransport()) as client:
            return {(await client.get(server.url)).content for _ in range(5)}

    assert in_loop(loop, ask) == {b"1"}


def test_a_closed_transport_leaves_no_socket_open(serve: Serve) -> None:
    server = serve(always(answer()))
    with httpx2.Client(transport=Transport()) as client:
        client.get(server.url)
    del client
    gc.collect()  # a socket that is left open warns, which is an error here
    assert server.connections == 1
