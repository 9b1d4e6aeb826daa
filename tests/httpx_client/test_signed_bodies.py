"""What OAuth 1.0a signing leaves of bodies and parameters: every octet."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from oauthlib.oauth1.rfc5849 import signature as oauthlib_signature

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.transport._run import Steps
from tests.httpx_client._clients import API_URL
from tests.httpx_client._clients import CLIENT_SECRET
from tests.httpx_client._clients import Server
from tests.httpx_client._clients import drive

BINARY = bytes(range(256)) * 3
FORM = "application/x-www-form-urlencoded"


def parts_of(style: str, *parts: bytes) -> Any:
    """A body in pieces, which can be read once."""

    async def each() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    def every() -> Iterator[bytes]:
        yield from parts

    return every() if style == "blocking" else each()


#: How a call says what its body is; what arrives, if that is not what httpx2 alone would send.
BODIES: dict[str, Callable[[str], dict[str, Any]]] = {
    "json": lambda style: {"json": {"text": "grüße & mehr", "n": [1, None], "oauth_token": "x"}},
    "json-text": lambda style: {"content": '{"a":"ü"}', "headers": {"Content-Type": "text/json"}},
    "bytes": lambda style: {"content": BINARY},
    "bytes-like-a-form": lambda style: {
        "content": b"a=1&b=%zz",
        "headers": {"Content-Type": "x/y"},
    },
    "iterator": lambda style: {"content": parts_of(style, b"a=1", BINARY, b"")},
    "multipart": lambda style: {
        "data": {"title": "a & b"},
        "files": {"photo": ("grüße.bin", BINARY, "application/octet-stream")},
        "headers": {"Content-Type": "multipart/form-data; boundary=the-boundary"},
    },
    "form": lambda style: {"data": {"a": ["1", "", "ü &=+~"], "b c": "*'()!"}},
    "nothing": lambda style: {},
}


@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", BODIES)
def test_a_body_arrives_as_httpx2_writes_it(body: str, method: str, place: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.request(method, API_URL, **BODIES[body](style))

    plain, server = Server(), Server()
    drive(style, flow, plain, kind="foreign")
    drive(style, flow, server, kind="OAuth1", signature_type=place)
    [expected], [request] = plain.requests, server.requests
    assert request.content == expected.content
    for name in ("Content-Type", "Content-Length", "Transfer-Encoding"):
        assert request.headers.get(name) == expected.headers.get(name)
    check_by_oauthlib(request)


@pytest.mark.parametrize("body", ["form", "nothing"])
def test_a_signature_in_the_form_stands_behind_it(body: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.post(API_URL, **BODIES[body](style))

    plain, server = Server(), Server()
    drive(style, flow, plain, kind="foreign")
    drive(style, flow, server, kind="OAuth1", signature_type="BODY")
    [request] = server.requests
    before = plain.requests[0].content
    assert request.content.startswith(before + b"&oauth_" if before else b"oauth_")
    assert request.headers["Content-Type"] == FORM
    assert request.headers["Content-Length"] == str(len(request.content))
    assert "Authorization" not in request.headers
    check_by_oauthlib(request)


@pytest.mark.parametrize("body", ["json", "bytes", "multipart"])
def test_the_hash_of_a_body_is_signed_on_demand(body: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.post(API_URL, **BODIES[body](style))

    server = Server()
    drive(style, flow, server, kind="OAuth1", force_include_body=True)
    [request] = server.requests
    digest = base64.b64encode(hashlib.sha1(request.content).digest()).decode()
    assert dict(signed_params(request))["oauth_body_hash"] == digest
    check_by_oauthlib(request)


@pytest.mark.parametrize("settings", [{"force_include_body": True}, {"signature_type": "BODY"}])
def test_a_stream_cannot_be_signed(settings: Any, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with pytest.raises(InvalidSettingError):
            yield client.post(API_URL, content=parts_of(style, b"a=1"))

    server = Server()
    drive(style, flow, server, kind="OAuth1", **settings)
    assert server.requests == []


@pytest.mark.parametrize("body", ["json", "bytes", "multipart"])
def test_a_signature_in_the_form_needs_one(body: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        with pytest.raises(InvalidSettingError):
            yield client.post(API_URL, **BODIES[body](style))

    drive(style, flow, Server(), kind="OAuth1", signature_type="BODY")


PARAMS: dict[str, Any] = {
    "pairs": [("q", "a b"), ("q", ""), ("q", "a b"), ("r", "~._-")],
    "mapping": {"plus": "1+1=2", "percent": "%20 & % =", "grüße": "☃ 🦊"},
    "lists": {"a": ["2", "1", ""], "b": [1, True, None]},
    "reserved": {"a": "!*'();:@&=+$,/?#[]", "b[]": "x", "c": "\t\n\x7f"},
    "text": "a=%7e&b=%2B+c&d",
    "empty": {},
}


@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize("params", PARAMS)
def test_parameters_are_signed_as_they_are_sent(params: str, place: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.get(API_URL, params=PARAMS[params])
        yield client.post(API_URL, params=PARAMS[params], data={"a": "f"})

    plain, server = Server(), Server()
    drive(style, flow, plain, kind="foreign")
    drive(style, flow, server, kind="OAuth1", signature_type=place)
    for expected, request in zip(plain.requests, server.requests, strict=True):
        assert str(request.url).startswith(str(expected.url))
        if place == "HEADER":
            assert request.url == expected.url
        check_by_oauthlib(request)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.test",
        "https://API.test:443/A%20b/%7euser;x?y",
        "https://api.test:8443/?a=%c3%bc&b=ü",
        "https://bücher.test/ü",
        "https://api.test/?a=b=c&d=/?:@",
        "https://api.test/#fragment",
        "https://[::1]/a",
    ],
)
def test_urls_are_signed_as_they_are_sent(url: str, style: str) -> None:
    def flow(client: Any) -> Steps[None]:
        yield client.get(url)

    server = Server()
    drive(style, flow, server, kind="OAuth1")
    check_by_oauthlib(server.requests[0])


# -- the judge -------------------------------------------------------------------------------------


def _target(request: httpx2.Request) -> str:
    host = request.url.netloc.decode("ascii")
    return f"{request.url.scheme}://{host}{request.url.raw_path.decode('ascii')}"


def signed_params(request: httpx2.Request) -> list[tuple[str, str]]:
    """All parameters that a signature covers, and the signature, as oauthlib finds them."""
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    body = request.content.decode("ascii") if kind == FORM else ""
    found: list[tuple[str, str]] = oauthlib_signature.collect_parameters(
        uri_query=request.url.query.decode("ascii"),
        body=body,
        headers=dict(request.headers.items()),
        exclude_oauth_signature=False,
    )
    return found


def check_by_oauthlib(request: httpx2.Request) -> None:
    """Let oauthlib say what the signature is to be."""
    params = signed_params(request)
    covered = [pair for pair in params if pair[0] != "oauth_signature"]
    text = oauthlib_signature.signature_base_string(
        request.method,
        oauthlib_signature.base_string_uri(_target(request)),
        oauthlib_signature.normalize_parameters(covered),
    )
    expected = oauthlib_signature.sign_hmac_sha1_with_client(text, _Client)
    assert dict(params)["oauth_signature"] == expected


class _Client:
    client_secret = CLIENT_SECRET
    resource_owner_secret = "the-secret-of-the-token"
