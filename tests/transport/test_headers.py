"""A header that cannot be sent is refused before anybody shows its value."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.messages import Request
from flask_oauthclient.requests_client import OAuth2Session
from flask_oauthclient.transport.headers import check_headers
from flask_oauthclient.transport.requests import PooledSession
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport.conftest import Serve

SECRET = "the-secret-in-a-header"
#: What ends a line or the header, and what no encoder of headers takes.
BAD = [f"{SECRET}\n", f"{SECRET}\r\nX-Evil: 1", f"\r{SECRET}", f"{SECRET}\0", f"\u2603{SECRET}"]
GOOD = ["", "text", "a tab\t", "latin \xe9", b"octets \xff", "x" * 10_000]


def refusal(call: Any) -> InvalidSettingError:
    """The error of a call, which has nothing behind it and does not show the secret."""
    with pytest.raises(InvalidSettingError) as caught:
        call()
    error = caught.value
    assert (error.__context__, error.__cause__) == (None, None)
    assert SECRET not in f"{error!r} {error} {error.detail}"
    assert "X-Api-Key" in str(error)
    return error


@pytest.mark.parametrize("value", [*BAD, BAD[0].encode(), None, 1.5, ["text"]])
def test_a_value_that_cannot_be_sent(value: Any) -> None:
    assert refusal(lambda: check_headers({"X-Api-Key": value})).error == "invalid_configuration"


@pytest.mark.parametrize("value", GOOD)
def test_a_value_that_can_be_sent(value: Any, serve: Serve, session: PooledSession) -> None:
    server = serve(always(answer(b"{}")))
    request = Request(Purpose.TOKEN, "POST", server.url, {"X-Api-Key": value})
    assert session.send_message(request).status == 200


@pytest.mark.parametrize("name", ["X-Api-Key\r\nX-Evil", "X-Api-Key:", "\u2603 X-Api-Key"])
def test_a_name_that_cannot_be_sent(name: str) -> None:
    refusal(lambda: check_headers({name: SECRET}))


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("purpose", ["token", "userinfo", "metadata"])
def test_a_request_of_the_protocol(
    purpose: str, value: str, serve: Serve, session: PooledSession
) -> None:
    server = serve(always(answer(b"{}")))
    request = Request(Purpose(purpose), "POST", server.url, {"X-Api-Key": value}, "a=b")
    refusal(lambda: session.send_message(request))
    assert server.requests == []


@pytest.mark.parametrize("value", BAD)
def test_a_hook_of_an_api_call(value: str, serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer(b"{}")))
    api.register_compliance_hook(
        "protected_request", lambda url, headers, body: (url, {**headers, "X-Api-Key": value}, body)
    )
    refusal(lambda: api.get(server.url))
    assert server.requests == []


@pytest.mark.parametrize("value", BAD)
def test_client_authentication_of_ones_own(value: str, serve: Serve) -> None:
    def with_api_key(client: Any, method: str, uri: str, headers: Any, body: str) -> Any:
        return uri, {**headers, "X-Api-Key": client.client_secret}, body

    server = serve(always(answer(b"{}")))
    with OAuth2Session("client", value, token_endpoint_auth_method=with_api_key) as session:
        refusal(lambda: session.fetch_token(server.url))
    assert server.requests == []


def test_headers_that_can_be_sent_are_left_alone(serve: Serve, api: OAuth2Session) -> None:
    server = serve(always(answer(b"{}")))
    api.get(server.url, headers={"X-Api-Key": "caf\xe9"})
    assert server.requests[0].headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert server.requests[0].headers["x-api-key"] == "caf\xe9"
