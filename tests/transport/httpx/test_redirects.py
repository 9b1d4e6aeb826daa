"""A token stays where it was sent to, wherever in the request it stood."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from flask_oauthclient.httpx_client import AsyncOAuth2Client
from flask_oauthclient.httpx_client import OAuth2Client
from flask_oauthclient.protocol.errors import InsecureTransportError
from tests.transport._messages import ACCESS_TOKEN
from tests.transport._raw import RawServer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import by_path
from tests.transport._raw import redirect
from tests.transport.conftest import Serve
from tests.transport.httpx._calls import in_loop

pytestmark = pytest.mark.filterwarnings("ignore:token_placement=:UserWarning")

_TOKEN = {"access_token": ACCESS_TOKEN, "token_type": "Bearer"}


def _call(style: str, placement: str, method: str, url: str, **kwargs: Any) -> Any:
    settings: Any = {"token": _TOKEN, "token_placement": placement, "follow_redirects": True}
    if style == "blocking":
        with OAuth2Client("client", **settings) as client:
            return client.request(method, url, **kwargs)

    async def call() -> Any:
        async with AsyncOAuth2Client("client", **settings) as client:
            return await client.request(method, url, **kwargs)

    return in_loop(style, call)


@pytest.fixture
def elsewhere(serve: Serve) -> RawServer:
    """Another origin."""
    return serve(always(answer(b"elsewhere")))


@pytest.mark.parametrize("placement", ["header", "uri"])
def test_another_origin_does_not_see_the_token(
    placement: str, style: str, serve: Serve, elsewhere: RawServer
) -> None:
    server = serve(always(redirect(f"{elsewhere.url}/there?access_token={ACCESS_TOKEN}&a=b")))
    assert _call(style, placement, "GET", server.url).content == b"elsewhere"
    assert ACCESS_TOKEN in f"{server.last()}"
    if placement == "uri":
        assert elsewhere.last().target == "/there?a=b"
    assert "authorization" not in elsewhere.last().headers


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_body_with_a_token_is_not_sent_elsewhere(
    status: str, style: str, serve: Serve, elsewhere: RawServer
) -> None:
    server = serve(always(redirect(elsewhere.url, status)))
    with pytest.raises(InsecureTransportError, match="token_origin"):
        _call(style, "body", "POST", server.url, data={"a": "b"})
    assert ACCESS_TOKEN.encode() in server.last().body
    assert elsewhere.requests == []


@pytest.mark.parametrize("placement", ["header", "uri", "body"])
def test_the_same_origin_is_sent_the_token_again(placement: str, style: str, serve: Serve) -> None:
    target = f"/there?access_token={ACCESS_TOKEN}" if placement == "uri" else "/there"
    server = serve(by_path({"/": redirect(target), "/there": answer(b"there")}))
    assert _call(style, placement, "POST", server.url, data={"a": "b"}).content == b"there"
    assert all(ACCESS_TOKEN in f"{request}" for request in server.requests)


def test_the_transports_of_httpx_do_without_requests() -> None:
    program = (
        "import sys, flask_oauthclient.transport.httpx\n"
        "print({'requests', 'urllib3'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=60
    )
    assert done.stdout.strip() == b"set()"
