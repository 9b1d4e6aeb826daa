"""Calls of an API as users of the established client write them: section 4 of the contract."""

from __future__ import annotations

from typing import Any

import pytest
from flask import g
from flask import session

from flask_oauthclient import OAuth
from flask_oauthclient.protocol.errors import MissingTokenError

from ._authlib_style import CLIENT
from ._authlib_style import TOKEN
from ._authlib_style import Double
from ._authlib_style import form_of
from ._authlib_style import make_app
from ._authlib_style import mocked
from ._authlib_style import sending

METADATA_URL = "https://provider.test/.well-known/openid-configuration"


def make(**register: Any) -> OAuth:
    oauth = OAuth(make_app())
    oauth.register("dev", **{**CLIENT, **register})
    return oauth


# -- API calls ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_methods_join_the_base_url(method: str) -> None:
    oauth = make(fetch_token=lambda: TOKEN)
    with sending(lambda request: Double({"id": 1}, 418)) as sent, oauth.app.test_request_context():
        response = getattr(oauth.dev, method)("user", params={"q": "1"})
    assert (response.status_code, response.json()) == (418, {"id": 1})
    assert sent[0].method == method.upper()
    assert sent[0].url == "https://resource.test/api/user?q=1"
    assert sent[0].headers["Authorization"] == "Bearer the-access-token"


def test_request_with_everything() -> None:
    oauth = make()
    with sending(lambda request: mocked({})) as sent, oauth.app.test_request_context():
        oauth.dev.request("PUT", "/x", token=TOKEN, json={"a": 1}, headers={"X-Y": "z"}, timeout=3)
        oauth.dev.get("https://resource.test/y", withhold_token=True)
    assert (sent[0].url, sent[0].body) == ("https://resource.test/x", b'{"a": 1}')
    assert sent[0].headers["X-Y"] == "z"
    assert "Authorization" not in sent[1].headers


@pytest.mark.parametrize("register", [{}, {"fetch_token": lambda: None}, {"fetch_token": dict}])
def test_no_token(register: Any) -> None:
    oauth = make(**register)
    with oauth.app.test_request_context(), pytest.raises(MissingTokenError):
        oauth.dev.get("user")


def test_api_calls_need_no_discovery() -> None:
    oauth = make(server_metadata_url=METADATA_URL, fetch_token=lambda: TOKEN)
    with sending(lambda request: Double({})) as sent, oauth.app.test_request_context():
        oauth.dev.get("user")
    assert [request.url for request in sent] == ["https://resource.test/api/user"]


def test_token_property() -> None:
    asked: list[int] = []
    oauth = make(fetch_token=lambda: asked.append(1) or TOKEN)
    with oauth.app.test_request_context():
        assert oauth.dev.token["access_token"] == "the-access-token"
        assert oauth.dev.token is g._oauth_token_dev
        assert asked == [1]
        oauth.dev.token = {**TOKEN, "access_token": "set"}
        assert g._oauth_token_dev["access_token"] == "set"
        with sending(lambda request: Double({})) as sent:
            oauth.dev.get("user")
    assert sent[0].headers["Authorization"] == "Bearer set"


def test_user_agent() -> None:
    for register, expected in (({"user_agent": "mine/1"}, "mine/1"), ({}, "flask_oauthclient/")):
        oauth = make(fetch_token=lambda: TOKEN, **register)
        with sending(lambda request: Double({})) as sent, oauth.app.test_request_context():
            oauth.dev.get("user")
        assert sent[0].headers["User-Agent"].startswith(expected)


def test_fetch_access_token() -> None:
    oauth = make(access_token_params={"tenant": "t"})
    with sending(lambda request: Double(TOKEN)) as sent:
        token = oauth.dev.fetch_access_token("https://rp.test/c", code="a", code_verifier="v" * 43)
    form = form_of(sent[0])
    assert token["access_token"] == "the-access-token"
    assert form["grant_type"] == ["authorization_code"]
    assert form["redirect_uri"] == ["https://rp.test/c"]
    assert form["tenant"] == ["t"]


def test_fetch_access_token_by_password() -> None:
    with (
        sending(lambda request: Double(TOKEN)) as sent,
        pytest.warns(UserWarning, match="RFC 9700"),
    ):
        make().dev.fetch_access_token(username="ann", password="the password of ann")
    assert form_of(sent[0])["grant_type"] == ["password"]


# -- hooks and methods --------------------------------------------------------------------


def test_compliance_fix_registers_hooks() -> None:
    seen: list[str] = []

    def fix(session: Any) -> None:
        def token_response(response: Any) -> Any:
            seen.append("access_token_response")
            return Double({**response.json(), "scope": "hooked"})

        def refresh_request(url: str, headers: Any, body: str) -> Any:
            seen.append("refresh_token_request")
            return url, {**headers, "X-Hook": "1"}, body + "&hook=1"

        def refresh_response(response: Any) -> Any:
            seen.append("refresh_token_response")
            return response

        def protected(url: str, headers: Any, body: Any) -> Any:
            seen.append("protected_request")
            return url + "?hook=1", headers, body

        session.register_compliance_hook("access_token_response", token_response)
        session.register_compliance_hook("refresh_token_request", refresh_request)
        session.register_compliance_hook("refresh_token_response", refresh_response)
        session.register_compliance_hook("protected_request", protected)

    oauth = make(compliance_fix=fix)
    with (
        sending(lambda request: Double(TOKEN)) as sent,
        oauth.app.test_request_context("/?code=a&state=b"),
    ):
        session["_state_dev_b"] = {"data": {}}
        assert oauth.dev.authorize_access_token()["scope"] == "hooked"
        oauth.dev.get("user", token={**TOKEN, "expires_at": 1})
    assert seen == [
        "access_token_response",
        "refresh_token_request",
        "refresh_token_response",
        "protected_request",
    ]
    assert sent[1].headers["X-Hook"] == "1"
    assert form_of(sent[1])["hook"] == ["1"]
    assert sent[2].url == "https://resource.test/api/user?hook=1"


class Assertion:
    """A method of client authentication as an object with a name."""

    name = "my_assertion"

    def __call__(self, auth: Any, method: str, uri: str, headers: Any, body: str) -> Any:
        return uri, headers, f"{body}&client_assertion=for-{auth.client_id}"


@pytest.mark.parametrize("given", [Assertion(), ("my_assertion", Assertion())])
def test_client_auth_methods(given: Any) -> None:
    oauth = make(client_auth_methods=[given], token_endpoint_auth_method="my_assertion")
    with sending(lambda request: Double(TOKEN)) as sent:
        oauth.dev.fetch_access_token(code="a")
    assert form_of(sent[0])["client_assertion"] == ["for-dev"]
    assert "Authorization" not in sent[0].headers


@pytest.mark.parametrize("place", ["option", "client_kwargs"])
def test_callable_as_auth_method(place: str) -> None:
    method = {"token_endpoint_auth_method": Assertion()}
    oauth = make(**(method if place == "option" else {"client_kwargs": method}))
    with sending(lambda request: Double(TOKEN)) as sent:
        oauth.dev.fetch_access_token(code="a")
    assert form_of(sent[0])["client_assertion"] == ["for-dev"]
