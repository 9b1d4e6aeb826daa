"""Authorization and logout URLs, and PKCE (rows A01, A06, A08)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

import pytest

from flask_oauthclient.protocol.errors import ConfigurationError
from flask_oauthclient.protocol.oauth2.authorization import authorization_url
from flask_oauthclient.protocol.oauth2.authorization import scope_to_list
from flask_oauthclient.protocol.oauth2.authorization import scope_to_string
from flask_oauthclient.protocol.oauth2.pkce import VERIFIER_LENGTH
from flask_oauthclient.protocol.oauth2.pkce import check_code_challenge_method
from flask_oauthclient.protocol.oauth2.pkce import create_s256_code_challenge
from flask_oauthclient.protocol.oidc.logout import logout_url

ENDPOINT = "https://op.test/authorize"


def pairs(url: str) -> list[tuple[str, str]]:
    """The query of a URL, strictly."""
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


def test_parameters_stand_in_the_order_given() -> None:
    url = authorization_url(ENDPOINT, {"response_type": "code", "client_id": "me", "a": "1"})

    assert url == f"{ENDPOINT}?response_type=code&client_id=me&a=1"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (f"{ENDPOINT}?tenant=a", f"{ENDPOINT}?tenant=a&x=1"),
        (f"{ENDPOINT}?tenant=a&", f"{ENDPOINT}?tenant=a&x=1"),
        (f"{ENDPOINT}?", f"{ENDPOINT}?x=1"),
        (f"{ENDPOINT}?a=%20&a=b;c", f"{ENDPOINT}?a=%20&a=b;c&x=1"),
        (f"{ENDPOINT}?x=0", f"{ENDPOINT}?x=0&x=1"),
        (f"{ENDPOINT}#/route", f"{ENDPOINT}?x=1#/route"),
        (f"{ENDPOINT}?a=b#c?d", f"{ENDPOINT}?a=b&x=1#c?d"),
    ],
)
def test_a06_query_of_the_endpoint_is_kept(endpoint: str, url: str) -> None:
    assert authorization_url(endpoint, {"x": "1"}) == url


@pytest.mark.parametrize("endpoint", [ENDPOINT, f"{ENDPOINT}?a=b", f"{ENDPOINT}#x"])
@pytest.mark.parametrize("params", [{}, {"x": None}, {"x": []}])
def test_without_parameters_the_endpoint_stays_as_it_is(
    endpoint: str, params: dict[str, Any]
) -> None:
    assert authorization_url(endpoint, params) == endpoint


@pytest.mark.parametrize("kind", [list, tuple])
def test_a08_list_repeats_the_parameter(kind: Any) -> None:
    url = authorization_url(ENDPOINT, {"resource": kind(["https://a", "https://b"]), "x": "1"})

    assert pairs(url) == [("resource", "https://a"), ("resource", "https://b"), ("x", "1")]


@pytest.mark.parametrize("kind", [set, frozenset])
def test_a08_set_repeats_the_parameter(kind: Any) -> None:
    url = authorization_url(ENDPOINT, {"resource": kind(["a", "b"])})

    assert sorted(pairs(url)) == [("resource", "a"), ("resource", "b")]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("", [""]),
        (0, ["0"]),
        (False, ["False"]),
        (1.5, ["1.5"]),
        ("a b", ["a b"]),
        ("ä&=+#?", ["ä&=+#?"]),
        ("a\r\nb", ["a\r\nb"]),
        ("\ud800", ["?"]),
        ([0, 1], ["0", "1"]),
    ],
)
def test_values(value: Any, sent: list[str]) -> None:
    url = authorization_url(ENDPOINT, {"x": value})

    assert parse_qs(urlsplit(url).query, keep_blank_values=True)["x"] == sent
    assert url.isascii()
    assert url.isprintable()


def test_space_is_percent_encoded() -> None:
    assert authorization_url(ENDPOINT, {"scope": "a b"}) == f"{ENDPOINT}?scope=a%20b"


def test_mapping_is_sent_as_json() -> None:
    wish = {"id_token": {"acr": {"essential": True, "values": ["ä"]}, "auth_time": None}}

    ((name, value),) = pairs(authorization_url(ENDPOINT, {"claims": wish}))

    assert (name, json.loads(value)) == ("claims", wish)
    assert " " not in value


@pytest.mark.parametrize("scope", ["openid email", ["openid", "email"], ("openid", "email")])
def test_scope_may_be_any_iterable(scope: Any) -> None:
    assert authorization_url(ENDPOINT, {"scope": scope}) == f"{ENDPOINT}?scope=openid%20email"
    assert scope_to_string(scope) == "openid email"
    assert scope_to_list(scope) == ["openid", "email"]


def test_no_scope() -> None:
    assert scope_to_string(None) is None
    assert scope_to_list(None) == scope_to_list("") == scope_to_list([]) == []
    assert authorization_url(ENDPOINT, {"scope": None}) == ENDPOINT
    assert scope_to_list(" a  b ") == ["a", "b"]


def test_a01_challenge_is_the_one_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert create_s256_code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a01_length_of_our_verifiers_is_allowed() -> None:
    assert 43 <= VERIFIER_LENGTH <= 128


@pytest.mark.parametrize("method", ["S256", None])
def test_known_challenge_methods(method: str | None) -> None:
    check_code_challenge_method(method)


@pytest.mark.parametrize("method", ["plain", "s256", "S512", "", False, 256, ["S256"]])
def test_a02_other_challenge_methods_are_an_error(method: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_code_challenge_method(method)

    assert isinstance(caught.value, ValueError)
    assert caught.value.error == "invalid_configuration"


def test_logout_url() -> None:
    url = logout_url(
        "https://op.test/logout?x=1",
        id_token_hint="token",
        post_logout_redirect_uri="https://rp.test/bye?a=b",
        state="s",
        ui_locales="de",
        client_id="me",
        logout_hint="alice",
        something_else="left out",
    )

    assert pairs(url) == [
        ("x", "1"),
        ("id_token_hint", "token"),
        ("post_logout_redirect_uri", "https://rp.test/bye?a=b"),
        ("state", "s"),
        ("client_id", "me"),
        ("logout_hint", "alice"),
        ("ui_locales", "de"),
    ]


def test_state_of_a_logout_goes_only_with_a_place_to_come_back_to() -> None:
    url = logout_url(
        "https://op.test/logout", id_token_hint=None, post_logout_redirect_uri=None, state="s"
    )

    assert url == "https://op.test/logout"
