"""An ``OAuth2Session`` does what a session of requests does."""

from __future__ import annotations

import copy
import io
import json
import pickle
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.requests_client import AssertionSession
from flask_oauthclient.requests_client import OAuth2Auth
from flask_oauthclient.requests_client import OAuth2Session
from tests.requests_client._answers import API_URL
from tests.requests_client._answers import TOKEN_URL
from tests.requests_client._answers import Answer
from tests.requests_client._answers import Answers
from tests.requests_client._answers import session_at
from tests.requests_client._answers import token

MIB = 1024 * 1024


class _Handler(BaseHTTPRequestHandler):
    """Big bodies, an echo, cookies, a token endpoint, and what never answers."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/big":
            return self._big()
        if self.path == "/silent":
            self.server.ending.wait(30)
        cookie = {"Set-Cookie": "own=cookie; Path=/"} if self.path == "/cookie" else {}
        return self._answer(self._seen(b""), cookie)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/silent":
            self.server.ending.wait(30)
        if self.path == "/token":
            count = next(self.server.counter)
            return self._answer(token(f"number-{count}", refresh_token=f"refresh-number-{count}"))
        return self._answer(self._seen(body))

    def _seen(self, body: bytes) -> Any:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return {"path": self.path, "headers": headers, "body": body.decode("latin-1")}

    def _answer(self, document: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _big(self) -> None:
        self.server.bearers.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.send_header("Content-Length", str(8 * MIB))
        self.end_headers()
        for _ in range(8):
            self.wfile.write(b"x" * MIB)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ending = threading.Event()
        self.counter = iter(range(1000))
        self.bearers: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Any:
    """A server on a loopback port."""
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.ending.set()
        server.shutdown()
        thread.join(10)


@pytest.fixture
def session(server: _Server) -> Any:
    """A session with a token of that server."""
    held = token("held", refresh_token="refresh-token-held")
    with OAuth2Session(
        "c",
        "the-secret-of-the-client",
        token=held,
        token_endpoint=f"{server.url}/token",
        trust_env=False,
    ) as session:
        yield session


# -- bodies ----------------------------------------------------------------------------------------


def test_a_big_body_is_streamed_with_the_token_and_a_refresh_in_between(
    session: Any, server: _Server
) -> None:
    with session.get(f"{server.url}/big", stream=True) as response:
        chunks = response.iter_content(MIB)
        size = len(next(chunks))
        session.refresh_token()
        size += sum(len(chunk) for chunk in chunks)
    assert size == 8 * MIB
    assert session.get(f"{server.url}/big", stream=True).headers["Content-Length"] == str(8 * MIB)
    assert server.bearers == ["Bearer access-token-held", "Bearer access-token-number-0"]


def test_a_streamed_body_has_no_cap_and_another_one_has(session: Any, server: _Server) -> None:
    session.max_bytes = MIB
    with pytest.raises(TransportError, match="response_too_large"):
        session.get(f"{server.url}/big")
    with session.get(f"{server.url}/big", stream=True) as response:
        assert sum(len(chunk) for chunk in response.iter_content(MIB)) == 8 * MIB


@pytest.mark.parametrize("stream_of", ["session", "call"])
def test_lines_and_raw_bytes_can_be_read(stream_of: str, session: Any, server: _Server) -> None:
    session.stream = stream_of == "session"
    kwargs = {} if stream_of == "session" else {"stream": True}
    with session.get(f"{server.url}/echo", **kwargs) as response:
        assert json.loads(b"".join(response.iter_lines()))["path"] == "/echo"
    with session.get(f"{server.url}/echo", **kwargs) as response:
        assert response.raw.read(1) == b"{"


def test_files_are_uploaded_with_the_token(session: Any, server: _Server) -> None:
    upload = {"file": ("name.txt", io.BytesIO(b"the content"), "text/plain")}
    seen = session.post(f"{server.url}/echo", files=upload, data={"a": "b"}).json()
    assert seen["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert seen["headers"]["authorization"] == "Bearer access-token-held"
    assert 'name="a"' in seen["body"]
    assert "the content" in seen["body"]


@pytest.mark.parametrize(
    ("args", "kwargs", "body", "content_type"),
    [
        (({"a": "b"},), {}, "a=b", "application/x-www-form-urlencoded"),
        ((None, {"a": "b"}), {}, '{"a": "b"}', "application/json"),
        (("text",), {}, "text", None),
        ((b"bytes",), {}, "bytes", None),
        ((io.BytesIO(b"a file"),), {}, "a file", None),
        ((), {"json": [1]}, "[1]", "application/json"),
        ((), {"data": [("a", "b"), ("a", "c")]}, "a=b&a=c", "application/x-www-form-urlencoded"),
    ],
    ids=["form", "json", "text", "bytes", "file", "json-keyword", "pairs"],
)
def test_data_and_json_stand_where_requests_has_them(
    args: Any, kwargs: Any, body: str, content_type: str | None, session: Any, server: _Server
) -> None:
    seen = session.post(f"{server.url}/echo", *args, **kwargs).json()
    assert seen["body"] == body
    assert seen["headers"].get("content-type") == content_type
    assert seen["headers"]["authorization"] == "Bearer access-token-held"


def test_parameters_stand_where_requests_has_them(session: Any, server: _Server) -> None:
    assert session.get(f"{server.url}/echo?x=1", params={"a": ["b", "c"]}).json()["path"] == (
        "/echo?x=1&a=b&a=c"
    )


@pytest.mark.parametrize(
    "kwargs",
    [
        {"json": {"a": 1}},
        {"files": {"file": b"content"}},
        {"data": io.BytesIO(b"content")},
        {"data": iter([b"content"])},
    ],
    ids=["json", "files", "file", "generator"],
)
def test_a_token_in_the_body_needs_a_form(kwargs: Any) -> None:
    answers = Answers()
    with pytest.warns(UserWarning, match="token_placement"):
        session = session_at(answers, token=token(), token_placement="body")
    with pytest.raises(InvalidSettingError, match="form"):
        session.post(API_URL, **kwargs)
    assert answers.sent == []
    session.post(API_URL, data={"a": "b"})
    assert answers.form == {"a": "b", "access_token": "access-token-first"}


@pytest.mark.parametrize("placement", ["body", "uri"])
def test_other_placements_warn_once_where_the_session_is_made(placement: str) -> None:
    with pytest.warns(UserWarning, match=rf"{placement}.*RFC 6750 section 5\.3") as warned:
        session = session_at(Answers(), token=token(), token_placement=placement)
    assert len(warned) == 1
    session.post(API_URL)


# -- cookies, hooks, adapters ----------------------------------------------------------------------


def test_cookies_are_kept_from_one_call_to_the_next(session: Any, server: _Server) -> None:
    session.get(f"{server.url}/cookie")
    assert session.cookies["own"] == "cookie"
    assert session.get(f"{server.url}/echo").json()["headers"]["cookie"] == "own=cookie"


def test_hooks_of_the_session_and_of_a_call(session: Any, server: _Server) -> None:
    seen: list[str] = []
    session.hooks["response"].append(lambda response, **kwargs: seen.append("session"))
    session.get(f"{server.url}/echo", hooks={"response": lambda *a, **kw: seen.append("call")})
    assert seen == ["call"]  # as in requests, those of a call stand in for those of the session
    session.get(f"{server.url}/echo")
    assert seen == ["call", "session"]


def test_a_hook_may_replace_the_response(session: Any, server: _Server) -> None:
    def replace(response: requests.Response, **kwargs: Any) -> requests.Response:
        other = requests.Response()
        other.status_code = 299
        return other

    assert session.get(f"{server.url}/echo", hooks={"response": replace}).status_code == 299


def test_an_adapter_is_chosen_by_the_longest_prefix() -> None:
    general, special = Answers(Answer({"is": "general"})), Answers(Answer({"is": "special"}))
    session = session_at(general, token=token())
    session.mount("https://api.test/special", special)
    assert session.get("https://api.test/special/a").json() == {"is": "special"}
    assert session.get("https://api.test/other").json() == {"is": "general"}
    assert special.bearers == general.bearers == ["Bearer access-token-first"]


def test_an_adapter_of_requests_itself_works(session: Any, server: _Server) -> None:
    session.mount("http://", HTTPAdapter(max_retries=1))
    assert session.get(f"{server.url}/echo").json()["path"] == "/echo"
    assert session.refresh_token()["access_token"] == "access-token-number-0"


def test_verify_cert_and_proxies_count_for_a_call() -> None:
    answers = Answers()
    session = session_at(answers, token=token(), verify="/session.pem")
    session.get(API_URL, verify="/call.pem", cert="/cert.pem", proxies={"https": "http://p.test"})
    session.get(API_URL, verify=False)
    session.get(API_URL)
    assert [settings["verify"] for settings in answers.settings] == [
        "/call.pem",
        False,
        "/session.pem",
    ]
    assert answers.settings[0]["cert"] == "/cert.pem"
    assert answers.settings[0]["proxies"] == {"https": "http://p.test"}
    assert answers.settings[2]["cert"] is None


# -- send ------------------------------------------------------------------------------------------


def test_every_request_leaves_through_send() -> None:
    answers = Answers(Answer(token("sent", refresh_token="refresh-token-sent")))
    session = session_at(answers, token_endpoint=TOKEN_URL)
    urls: list[Any] = []
    send = session.send

    def noting(request: requests.PreparedRequest, **kwargs: Any) -> Any:
        urls.append(request.url)
        return send(request, **kwargs)

    session.send = noting
    session.fetch_token(code="c" * 20)
    session.refresh_token()
    session.revoke_token("https://op.test/revoke")
    session.introspect_token("https://op.test/introspect")
    session.get(API_URL)
    assert urls == [request.url for request in answers.sent]
    assert len(urls) == 5


class _Double:
    """All that the doubles of test suites have."""

    status_code = 200
    text = ""

    def json(self) -> Any:
        return token("double", refresh_token="refresh-token-double")


def test_a_double_in_the_place_of_send(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[requests.PreparedRequest] = []

    def send(self: Any, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        sent.append(request)
        return _Double()

    monkeypatch.setattr(requests.sessions.Session, "send", send)
    session: Any = OAuth2Session("c", "the-secret-of-the-client", token_endpoint=TOKEN_URL)
    session.fetch_token(code="c" * 20)
    session.refresh_token()
    assert session.get(API_URL).json()["access_token"] == "access-token-double"
    assert session.revoke_token("https://op.test/revoke").status_code == 200
    assert session.introspect_token("https://op.test/introspect").status_code == 200
    assert sent[2].headers["Authorization"] == "Bearer access-token-double"
    assert len(sent) == 5


def test_a_request_can_be_prepared_and_sent(session: Any, server: _Server) -> None:
    request = requests.Request("POST", f"{server.url}/echo", data={"a": "b"})
    bare = session.send(session.prepare_request(request)).json()
    assert "authorization" not in bare["headers"]
    request.auth = session.token_auth
    seen = session.send(session.prepare_request(request)).json()
    assert seen["headers"]["authorization"] == "Bearer access-token-held"
    assert seen["body"] == "a=b"


# -- redirects -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_goes_without_the_token(status: int) -> None:
    answers = Answers(Answer({}, status, {"Location": "https://other.test/"}), Answer({}))
    response = session_at(answers, token=token()).get(API_URL)
    assert [r.status_code for r in response.history] == [status]
    assert answers.bearers == ["Bearer access-token-first", None]


def test_a_redirect_within_the_host_keeps_the_token() -> None:
    answers = Answers(Answer({}, 307, {"Location": "/elsewhere"}), Answer({}))
    session_at(answers, token=token()).post(API_URL, data={"a": "b"})
    assert answers.bearers == ["Bearer access-token-first"] * 2
    assert answers.forms == [{"a": "b"}] * 2


def test_a_token_in_the_body_does_not_go_to_another_host() -> None:
    answers = Answers(Answer({}, 307, {"Location": "https://other.test/"}), Answer({}))
    with pytest.warns(UserWarning, match="token_placement"):
        session = session_at(answers, token=token(), token_placement="body")
    with pytest.raises(InsecureTransportError):
        session.post(API_URL, data={"a": "b"})
    assert len(answers.sent) == 1


# -- time limits -----------------------------------------------------------------------------------


CALLS: dict[str, Callable[..., Any]] = {
    "get": lambda session, url, **kw: session.get(url, **kw),
    "post": lambda session, url, **kw: session.post(url, data="a=b", **kw),
    "withheld": lambda session, url, **kw: session.get(url, withhold_token=True, **kw),
    "fetch": lambda session, url, **kw: session.fetch_token(url, code="c" * 20, **kw),
    "refresh": lambda session, url, **kw: session.refresh_token(url, **kw),
    "revoke": lambda session, url, **kw: session.revoke_token(url, **kw),
    "introspect": lambda session, url, **kw: session.introspect_token(url, **kw),
}


@pytest.mark.parametrize("by", ["default_timeout", "timeout"])
@pytest.mark.parametrize("call", CALLS)
def test_a_time_limit_reaches_the_socket(call: str, by: str, session: Any, server: _Server) -> None:
    session.default_timeout = 0.1 if by == "default_timeout" else 30
    kwargs = {"timeout": 0.1} if by == "timeout" else {}
    with pytest.raises((requests.ReadTimeout, TransportError)) as caught:
        CALLS[call](session, f"{server.url}/silent", **kwargs)
    if isinstance(caught.value, TransportError):
        assert caught.value.error == "provider_timeout"
    assert session.token["access_token"] == "access-token-held"


# -- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize(
    "session",
    [
        pytest.param(OAuth2Session("c", "the-secret-of-the-client"), id="OAuth2Session"),
        pytest.param(
            AssertionSession(TOKEN_URL, "iss", assertion="an-assertion"), id="AssertionSession"
        ),
    ],
)
def test_a_session_is_not_copied_by_halves(session: Any, duplicate: Any) -> None:
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        duplicate(session)


def test_a_token_and_its_way_can_be_kept_elsewhere() -> None:
    session = session_at(Answers(), token=token(expires_in=60))
    kept = pickle.loads(pickle.dumps(session.token))
    assert kept == session.token
    assert "access-token" not in repr(kept)
    copied = copy.deepcopy(OAuth2Auth(session.token))
    assert copied.token == session.token


def test_no_representation_shows_a_secret() -> None:
    session = session_at(
        Answers(), token=token(refresh_token="refresh-token-first"), scope="a", state="the-state"
    )
    shown = f"{session!r} {session} {session.token!r} {session.token} {session.token_auth!r}"
    shown += f"{session.client_auth()!r}"
    for secret in ("access-token", "refresh-token", "the-secret-of-the-client"):
        assert secret not in shown
