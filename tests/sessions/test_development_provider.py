"""Whole stories with a provider that answers as providers do, in process and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.random import generate_token
from flask_oauthclient.testing.browser import ScriptedBrowser
from flask_oauthclient.testing.provider import DEMO_CLIENT_ID
from flask_oauthclient.testing.provider import DEMO_CLIENT_SECRET
from flask_oauthclient.testing.provider import PUBLIC_CLIENT_ID
from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import KeyRing
from tests.sessions._edges import Edge
from tests.sessions._edges import session_at
from tests.sessions._edges import token_auth

CALLBACK = "http://localhost/callback"


@pytest.fixture(params=["in-process", "over-http"])
def op(request: pytest.FixtureRequest, provider_keys: KeyRing) -> Iterator[DevelopmentProvider]:
    """A provider at which Alice is signed in."""
    provider = DevelopmentProvider(keys=provider_keys)
    provider.auto_sign_in = "alice"
    if request.param == "in-process":
        yield provider
    else:
        with provider.serve():
            yield provider


@pytest.fixture
def make_session(op: DevelopmentProvider, request: pytest.FixtureRequest) -> Any:
    """Makes sessions of the demo client."""

    def make(**kwargs: Any) -> Any:
        settings = {
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "redirect_uri": CALLBACK,
            "scope": "openid profile api",
            "code_challenge_method": "S256",
            "token_endpoint": f"{op.issuer}/token",
            **kwargs,
        }
        in_process = "in-process" in request.node.callspec.id
        return session_at(op.adapter() if in_process else None, **settings)

    return make


def _callback(op: DevelopmentProvider, url: str) -> str:
    """Where a browser is sent back to."""
    with ScriptedBrowser({op.issuer: op.wsgi}) as browser:
        return browser.walk(url, stop_before=CALLBACK).history[-1].url


def _log_in(op: DevelopmentProvider, session: Any, **kwargs: Any) -> Any:
    verifier = generate_token(48)
    url, state = session.create_authorization_url(
        f"{op.issuer}/authorize", code_verifier=verifier, **kwargs
    )
    return session.fetch_token(
        authorization_response=_callback(op, url), state=state, code_verifier=verifier
    )


def test_a_login_an_api_call_and_a_refresh(op: DevelopmentProvider, make_session: Any) -> None:
    session = make_session()
    first = _log_in(op, session)
    assert first["scope"].split() == ["openid", "profile", "api"]
    assert session.get(f"{op.issuer}/userinfo").json()["sub"] == "alice"
    assert session.get(f"{op.issuer}/api/me").status_code == 200
    second = session.refresh_token()
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert session.get(f"{op.issuer}/api/me").status_code == 200
    # A spent refresh token ends the grant, and so does what came of it.
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(refresh_token=first["refresh_token"])
    assert session.get(f"{op.issuer}/api/me", auth=token_auth(second)).status_code == 401


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_both_ways_to_send_the_secret(
    method: str, op: DevelopmentProvider, make_session: Any
) -> None:
    session = make_session(token_endpoint_auth_method=method)
    assert _log_in(op, session)["access_token"]


def test_a_public_client(op: DevelopmentProvider, make_session: Any) -> None:
    session = make_session(client_id=PUBLIC_CLIENT_ID, client_secret=None)
    assert _log_in(op, session)["access_token"]


def test_a_wrong_secret(op: DevelopmentProvider, make_session: Any) -> None:
    session = make_session(client_secret="another-secret-than-the-registered")
    with pytest.raises(OAuthError) as caught:
        _log_in(op, session)
    assert caught.value.error == "invalid_client"


def test_a_token_of_the_clients_own(op: DevelopmentProvider, make_session: Any) -> None:
    session = make_session(scope="api")
    got = session.fetch_token()
    assert "refresh_token" not in got
    assert op.log.find("token")[0].form["grant_type"] == "client_credentials"


def test_a_code_is_spent_once(op: DevelopmentProvider, make_session: Any) -> None:
    session, verifier = make_session(), generate_token(48)
    url, _ = session.create_authorization_url(f"{op.issuer}/authorize", code_verifier=verifier)
    callback = _callback(op, url)
    session.fetch_token(authorization_response=callback, code_verifier=verifier)
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.fetch_token(authorization_response=callback, code_verifier=verifier)


def test_an_answer_that_gets_lost_spends_no_second_code(
    op: DevelopmentProvider, make_session: Any
) -> None:
    session = make_session()
    with op.faults.on("token").drop(processed=True), pytest.raises(OAuthError) as caught:
        _log_in(op, session)
    assert caught.value.error == "provider_unreachable"
    assert op.log.count("token") == 1


def test_an_expired_token_is_replaced_in_the_call(
    op: DevelopmentProvider, make_session: Any
) -> None:
    told: list[str] = []
    session = make_session(update_token=lambda new, **old: told.append(old["refresh_token"]))
    spent = _log_in(op, session)["refresh_token"]
    session.token = {**session.token, "expires_at": 1}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(session.get, [f"{op.issuer}/api/me"] * 16))
    assert {answer.status_code for answer in answers} == {200}
    assert op.log.count("token") == 2
    assert told == [spent]


def test_a_token_that_the_api_refuses_is_replaced_once(
    op: DevelopmentProvider, make_session: Any
) -> None:
    session = make_session()
    _log_in(op, session)
    session.token = {**session.token, "access_token": "a-token-that-was-revoked"}
    assert session.get(f"{op.issuer}/api/me").status_code == 200
    assert op.log.count("token") == 2
    assert [record.status for record in op.log.find("api")] == [401, 200]


def test_a_foreign_session_borrows_the_token(
    op: DevelopmentProvider, make_session: Any, edge: Edge
) -> None:
    session = make_session()
    _log_in(op, session)
    session.token = {**session.token, "expires_at": 1}
    foreign = edge.foreign(op.adapter())
    response = foreign.get(f"{op.issuer}/userinfo", auth=session.token_auth)
    assert response.json()["sub"] == "alice"
    assert op.log.count("token") == 2
