"""Certificates are verified, with the CA bundle that was meant."""

from __future__ import annotations

import gc
import ssl
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import InsecureRequestWarning

from flask_oauthclient import OAuthError
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport import adapter as driver
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import message
from tests.transport._raw import Peer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport.conftest import Serve

Tls = ssl.SSLContext


def _refused(send: Any, url: str, **settings: Any) -> None:
    with pytest.raises(OAuthError) as caught:
        send("token", url, **settings)
    assert caught.value.error == "tls_failure"
    assert caught.value.http_status == 502


def test_a_good_certificate_is_accepted(serve: Serve, send: Any, tls: Tls, ca_bundle: str) -> None:
    server = serve(always(answer()), tls)
    assert send("token", server.url, verify=ca_bundle).status == 200
    assert send("token", server.url, verify=Path(ca_bundle)).status == 200


def test_an_unknown_authority_is_refused(
    serve: Serve, send: Any, tls: Tls, other_ca_bundle: str
) -> None:
    server = serve(always(answer()), tls)
    _refused(send, server.url)
    _refused(send, server.url, verify=True)
    _refused(send, server.url, verify=other_ca_bundle)
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused(
    serve: Serve, send: Any, make_tls: Callable[..., Tls], ca_bundle: str
) -> None:
    server = serve(always(answer()), make_tls("op.test", "127.0.0.2"))
    _refused(send, server.url, verify=ca_bundle)
    assert server.requests == []


def test_plain_http_on_a_tls_port_is_refused(serve: Serve, send: Any, ca_bundle: str) -> None:
    def script(peer: Peer) -> None:
        peer.connection.recv(1)
        peer.send(answer())

    server = serve(script)
    _refused(send, server.url.replace("http:", "https:"), verify=ca_bundle)


def test_tls_before_1_2_is_refused(
    serve: Serve, send: Any, make_tls: Callable[..., Tls], ca_bundle: str
) -> None:
    old = make_tls("127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    server = serve(always(answer()), old)
    _refused(send, server.url, verify=ca_bundle)
    assert server.connections == 0


def test_our_contexts_begin_at_tls_1_2(ca_bundle: str) -> None:
    context = driver._tls_context(ca_bundle)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(
    version: ssl.TLSVersion,
    serve: Serve,
    send: Any,
    make_tls: Callable[..., Tls],
    ca_bundle: str,
) -> None:
    context = make_tls("127.0.0.1")
    context.minimum_version = context.maximum_version = version
    server = serve(always(answer()), context)
    assert send("token", server.url, verify=ca_bundle).status == 200


@pytest.mark.parametrize("content", [None, "", "this is no certificate"])
@pytest.mark.parametrize("option", ["verify", "cert"])
def test_a_file_that_is_no_certificate_is_a_typed_error(
    option: str,
    content: str | None,
    serve: Serve,
    send: Any,
    tls: Tls,
    ca_bundle: str,
    tmp_path: Path,
) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    server = serve(always(answer()), tls)
    _refused(send, server.url, **{"verify": ca_bundle, option: str(path)})


def test_verification_can_be_switched_off_by_hand_only(serve: Serve, tls: Tls) -> None:
    server = serve(always(answer()), tls)
    with PooledSession() as session:
        session.verify = False
        with pytest.warns(InsecureRequestWarning):
            assert session.send_message(message("token", server.url)).status == 200
        assert _try(session, server.url, verify=True) == "tls_failure"


def test_a_directory_of_authorities_is_one_too(tls: Tls, serve: Serve, tmp_path: Path) -> None:
    server = serve(always(answer()), tls)
    with PooledSession() as session:
        assert _try(session, server.url, verify=str(tmp_path)) == "tls_failure"


# -- where the bundle comes from ---------------------------------------------------------------

_VARIABLES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]


def _try(session: PooledSession, url: str, **settings: Any) -> Any:
    try:
        return session.send_message(message("token", url), **settings).status
    except OAuthError as error:
        return error.error


@pytest.mark.parametrize("variable", _VARIABLES)
def test_the_bundle_of_the_environment_is_used_where_none_is_given(
    variable: str, serve: Serve, tls: Tls, ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, ca_bundle)
    server = serve(always(answer()), tls)
    with PooledSession() as session:
        assert _try(session, server.url) == 200
    with OAuth2Session("c", token={"access_token": "t" * 20}) as api:
        assert api.get(server.url).status_code == 200


@pytest.mark.parametrize("variable", _VARIABLES)
def test_a_given_bundle_beats_the_environment(
    variable: str,
    serve: Serve,
    tls: Tls,
    ca_bundle: str,
    other_ca_bundle: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(always(answer()), tls)
    monkeypatch.setenv(variable, ca_bundle)
    with PooledSession() as session:
        assert _try(session, server.url, verify=other_ca_bundle) == "tls_failure"
        session.verify = other_ca_bundle
        assert _try(session, server.url) == "tls_failure"
    monkeypatch.setenv(variable, other_ca_bundle)
    with PooledSession() as session:
        assert _try(session, server.url, verify=ca_bundle) == 200
        session.verify = ca_bundle
        assert _try(session, server.url) == 200
    with OAuth2Session("c", verify=ca_bundle, token={"access_token": "t" * 20}) as api:
        assert api.get(server.url).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            api.get(server.url, verify=other_ca_bundle)


def test_the_environment_can_be_left_out(
    serve: Serve, tls: Tls, ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    server = serve(always(answer()), tls)
    with PooledSession() as session:
        session.trust_env = False
        assert _try(session, server.url) == "tls_failure"


def test_the_bundle_of_the_environment_is_looked_up_once(
    serve: Serve, tls: Tls, ca_bundle: str, other_ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(always(answer()), tls)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_bundle)
    with PooledSession() as session:
        assert _try(session, server.url) == 200
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", other_ca_bundle)
        assert _try(session, server.url) == 200
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        assert _try(session, server.url) == 200


def test_a_bundle_is_loaded_once_for_all_sessions_and_threads(
    serve: Serve, tls: Tls, ca_bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver._load_context.cache_clear()
    server = serve(always(answer()), tls)
    sessions = [PooledSession() for _ in range(2)]
    threads = [
        threading.Thread(target=_try, args=(session, server.url), kwargs={"verify": ca_bundle})
        for session in sessions * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 8
    assert driver._load_context.cache_info().misses == 1
    for session in sessions:
        session.close()


def test_a_closed_session_leaves_no_socket(serve: Serve, tls: Tls, ca_bundle: str) -> None:
    server = serve(always(answer()), tls)
    with PooledSession() as session:
        assert _try(session, server.url, verify=ca_bundle) == 200
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        del session
        gc.collect()
