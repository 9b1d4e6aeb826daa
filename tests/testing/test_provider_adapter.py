from __future__ import annotations

import io
import typing as t

import pytest
import requests
import urllib3
from flask import Flask
from flask import request
from flask import stream_with_context

from flask_oauthclient.testing.provider import DevelopmentProvider
from flask_oauthclient.testing.provider import WSGIAdapter
from tests.testing._relying_party import RelyingParty


@pytest.fixture
def echo() -> Flask:
    application = Flask("echo")

    @application.route("/echo", methods=["GET", "POST", "PUT"])
    def echo() -> dict[str, t.Any]:
        return {
            "method": request.method,
            "url": request.url,
            "args": request.args.to_dict(),
            "body": request.get_data(as_text=True),
            "agent": request.headers["User-Agent"],
            "cookie": request.headers.get("Cookie"),
        }

    @application.get("/cookies")
    def cookies() -> tuple[str, list[tuple[str, str]]]:
        return "", [("Set-Cookie", "one=1; Path=/"), ("Set-Cookie", "two=2; Path=/")]

    @application.get("/stream")
    def stream() -> t.Any:
        return stream_with_context(str(number) for number in range(1000))

    @application.get("/away")
    def away() -> tuple[str, int, dict[str, str]]:
        return "", 302, {"Location": "/echo"}

    return application


@pytest.fixture
def in_process(echo: Flask) -> t.Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://echo.test/", WSGIAdapter(echo.wsgi_app))
        yield session


def test_a_request_arrives_as_it_was_sent(in_process: requests.Session) -> None:
    url = "https://echo.test/echo?q=%C3%A4&r=a+b"
    seen = in_process.put(url, data="böðy".encode(), headers={"User-Agent": "me"}).json()
    assert seen["method"] == "PUT"
    assert seen["url"] == "https://echo.test/echo?q=ä&r=a+b"
    assert seen["args"] == {"q": "ä", "r": "a b"}
    assert seen["body"] == "böðy"
    assert seen["agent"] == "me"


@pytest.mark.parametrize(
    "body", [b"a=b", "a=b", io.BytesIO(b"a=b"), io.StringIO("a=b"), iter([b"a", b"=b"])]
)
def test_bodies_of_every_kind(in_process: requests.Session, body: t.Any) -> None:
    assert in_process.post("https://echo.test/echo", data=body).json()["body"] == "a=b"


def test_raw_is_a_response_of_urllib3(in_process: requests.Session) -> None:
    response = in_process.get("https://echo.test/stream", stream=True)
    assert isinstance(response.raw, urllib3.HTTPResponse)
    assert isinstance(response.raw.headers, urllib3.HTTPHeaderDict)
    assert next(response.iter_content(10)) == b"0123456789"
    assert response.raw.read(2) == b"10"
    response.close()


def test_everything_is_read_without_stream(in_process: requests.Session) -> None:
    response = in_process.get("https://echo.test/stream")
    assert response.text == "".join(map(str, range(1000)))
    assert response.ok
    assert response.reason == "OK"


def test_cookies_and_repeated_headers(in_process: requests.Session) -> None:
    response = in_process.get("https://echo.test/cookies")
    assert response.raw.headers.getlist("Set-Cookie") == ["one=1; Path=/", "two=2; Path=/"]
    assert dict(response.cookies) == {"one": "1", "two": "2"}
    assert in_process.get("https://echo.test/echo").json()["cookie"] == "one=1; two=2"


def test_redirects_are_followed_by_requests(in_process: requests.Session) -> None:
    response = in_process.get("https://echo.test/away")
    assert response.url == "https://echo.test/echo"
    assert [step.status_code for step in response.history] == [302]


def test_the_body_is_closed(echo: Flask) -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> t.Iterator[bytes]:
            yield b"part"

        def close(self) -> None:
            closed.append(True)

    def app(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
        start_response("200 OK", [])
        return Body()

    with requests.Session() as session:
        session.mount("http://body.test/", WSGIAdapter(app))
        session.get("http://body.test/", stream=True).close()
    assert closed == [True]


def test_the_old_write_callable(echo: Flask) -> None:
    def app(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
        start_response("200 OK", [])(b"first ")
        return [b"second"]

    with requests.Session() as session:
        session.mount("http://body.test/", WSGIAdapter(app))
        assert session.get("http://body.test/").text == "first second"


def test_errors_of_the_application_are_raised(echo: Flask) -> None:
    def app(environ: t.Any, start_response: t.Any) -> t.Iterable[bytes]:
        raise ZeroDivisionError

    with requests.Session() as session:
        session.mount("http://body.test/", WSGIAdapter(app))
        with pytest.raises(ZeroDivisionError):
            session.get("http://body.test/")


def test_a_304_has_no_body(rp: RelyingParty, op: DevelopmentProvider) -> None:
    etag = rp.get("/jwks").headers["ETag"]
    response = rp.get("/jwks", headers={"If-None-Match": etag})
    assert response.content == b""
    assert "Content-Length" not in response.headers
