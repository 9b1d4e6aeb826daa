"""The authorization URL is built in order, completely, and with PKCE when asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.oauth2.pkce import create_s256_code_challenge
from flask_oauthclient.requests_client import OAuth2Session

URL = "https://op.test/authorize"
VERIFIER = "verifier-verifier-verifier-verifier-verifier"


def _pairs(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def _params(url: str) -> dict[str, str]:
    return dict(_pairs(url))


def test_the_parameters_stand_in_the_documented_order() -> None:
    session = OAuth2Session("client", redirect_uri="https://rp.test/cb", scope="openid email")
    url, state = session.create_authorization_url(URL, prompt="consent", other="x")
    assert [name for name, _ in _pairs(url)] == [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "prompt",
        "other",
    ]
    assert _params(url) == {
        "response_type": "code",
        "client_id": "client",
        "redirect_uri": "https://rp.test/cb",
        "scope": "openid email",
        "state": state,
        "prompt": "consent",
        "other": "x",
    }


def test_a_state_is_made_up_and_not_remembered() -> None:
    session = OAuth2Session("client")
    states = {session.create_authorization_url(URL)[1] for _ in range(100)}
    assert len(states) == 100
    assert all(len(state) == 30 and state.isalnum() for state in states)
    assert session.state is None


def test_a_given_state_is_used_as_it_is() -> None:
    url, state = OAuth2Session("client").create_authorization_url(URL, state="my state &=")
    assert state == "my state &="
    assert _params(url)["state"] == "my state &="


@pytest.mark.parametrize("scope", ["a b", ["a", "b"], ("a", "b")])
def test_a_scope_is_a_string_or_a_list(scope: Any) -> None:
    url, _ = OAuth2Session("client", scope=scope).create_authorization_url(URL)
    assert _params(url)["scope"] == "a b"
    url, _ = OAuth2Session("client").create_authorization_url(URL, scope=scope)
    assert _params(url)["scope"] == "a b"
    url, _ = OAuth2Session("client", scope={"only"}).create_authorization_url(URL)
    assert _params(url)["scope"] == "only"


@pytest.mark.parametrize("nothing", [None, "", []])
def test_an_empty_scope_is_left_out(nothing: Any) -> None:
    url, _ = OAuth2Session("client", scope=nothing).create_authorization_url(URL)
    assert "scope" not in _params(url)


def test_a_call_beats_the_session() -> None:
    session = OAuth2Session(
        "client",
        redirect_uri="https://rp.test/session",
        scope="session",
        prompt="none",
        response_type="token",
    )
    url, _ = session.create_authorization_url(
        URL,
        redirect_uri="https://rp.test/call",
        scope="call",
        prompt="login",
        response_type="code id_token",
    )
    params = _params(url)
    assert params["redirect_uri"] == "https://rp.test/call"
    assert (params["scope"], params["prompt"]) == ("call", "login")
    assert params["response_type"] == "code id_token"


def test_some_parameters_can_be_set_once_for_all() -> None:
    session = OAuth2Session(
        "client",
        response_mode="form_post",
        nonce="n-0S6_WzA2Mj",
        prompt="login",
        login_hint="alice",
        response_type="token",
        token_endpoint="https://op.test/token",
    )
    params = _params(session.create_authorization_url(URL)[0])
    assert params["response_mode"] == "form_post"
    assert params["nonce"] == "n-0S6_WzA2Mj"
    assert (params["prompt"], params["login_hint"]) == ("login", "alice")
    assert params["response_type"] == "token"
    assert "token_endpoint" not in params


def test_none_is_dropped_a_list_repeats_and_zero_stays() -> None:
    session = OAuth2Session("client")
    url, _ = session.create_authorization_url(
        URL, resource=["https://a.test", "https://b.test"], display=None, max_age=0, empty=""
    )
    pairs = _pairs(url)
    assert pairs.count(("resource", "https://a.test")) == 1
    assert pairs.count(("resource", "https://b.test")) == 1
    assert ("max_age", "0") in pairs
    assert ("empty", "") in pairs
    assert "display" not in dict(pairs)


def test_an_existing_query_is_kept() -> None:
    url, _ = OAuth2Session("c").create_authorization_url(f"{URL}?tenant=a%20b&x=1&x=2")
    assert url.startswith(f"{URL}?tenant=a%20b&x=1&x=2&response_type=code")
    assert url.count("?") == 1


@pytest.mark.parametrize("url", [f"{URL}?", f"{URL}?a=b&"])
def test_a_query_that_ends_open_is_continued(url: str) -> None:
    assert OAuth2Session("c").create_authorization_url(url)[0].startswith(url + "response_type=")


def test_values_are_encoded() -> None:
    url, _ = OAuth2Session("c", redirect_uri="https://rp.test/cb?x=1&y=2").create_authorization_url(
        URL, login_hint="a b&c=d#e+f%g\u00e4"
    )
    assert _params(url)["redirect_uri"] == "https://rp.test/cb?x=1&y=2"
    assert _params(url)["login_hint"] == "a b&c=d#e+f%g\u00e4"
    assert not set("# ") & set(urlsplit(url).query)


def test_no_network_and_no_https_check() -> None:
    url, _ = OAuth2Session("c").create_authorization_url("http://op.test/authorize")
    assert url.startswith("http://op.test/authorize?")


# -- PKCE ---------------------------------------------


@pytest.mark.parametrize("response_type", ["code", "code id_token"])
def test_a_challenge_is_sent_for_a_verifier(response_type: str) -> None:
    session = OAuth2Session("client", code_challenge_method="S256")
    url, _ = session.create_authorization_url(
        URL, code_verifier=VERIFIER, response_type=response_type
    )
    params = _params(url)
    assert params["code_challenge"] == create_s256_code_challenge(VERIFIER)
    assert params["code_challenge_method"] == "S256"
    assert VERIFIER not in url


@pytest.mark.parametrize(
    ("method", "verifier", "response_type"),
    [
        ("S256", None, "code"),
        (None, VERIFIER, "code"),
        ("S256", VERIFIER, "token"),
        ("S256", VERIFIER, "id_token"),
    ],
)
def test_otherwise_there_is_no_challenge(
    method: str | None, verifier: str | None, response_type: str
) -> None:
    session = OAuth2Session("client", code_challenge_method=method)
    url, _ = session.create_authorization_url(
        URL, code_verifier=verifier, response_type=response_type
    )
    assert "code_challenge" not in url
    assert VERIFIER not in url


@pytest.mark.parametrize("method", ["plain", "s256", "S512", ""])
def test_another_challenge_method_is_an_error(method: str) -> None:
    with pytest.raises(OAuthError, match="code_challenge_method"):
        OAuth2Session("client", code_challenge_method=method)


def test_the_example_of_rfc_7636() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert create_s256_code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
