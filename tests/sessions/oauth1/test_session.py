"""An ``OAuth1Session`` is a session of requests, with what it adds to one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.requests_client import OAuth1Auth
from flask_oauthclient.requests_client import OAuth1Session

from .._answers import Answer
from .._answers import Answers
from .._answers import text_of
from .._edges import Edge
from ._signed import API_URL
from ._signed import CLIENT_ID
from ._signed import CLIENT_SECRET
from ._signed import INITIATE_URL
from ._signed import TOKEN_URL
from ._signed import VERIFIER
from ._signed import check_signature
from ._signed import credentials
from ._signed import hmac_sha1
from ._signed import in_form
from ._signed import in_header
from ._signed import in_query
from ._signed import is_signed
from ._signed import nonce
from ._signed import session_at


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
def test_every_method_is_signed(method: str) -> None:
    answers = Answers()
    session = session_at(answers)
    assert getattr(session, method)(API_URL, params={"q": "ü"}).status_code == 200
    assert session.request(method, API_URL).status_code == 200
    for request in answers.sent:
        assert request.method == method.upper()
        check_signature(request)


@pytest.mark.parametrize("call", ["post", "put", "patch"])
def test_data_may_be_the_second_argument(call: str) -> None:
    answers = Answers()
    getattr(session_at(answers), call)(API_URL, {"a": "1"})
    assert in_form(answers.sent[0]) == [("a", "1")]
    check_signature(answers.sent[0])


@pytest.mark.edges("requests")
def test_data_and_json_may_be_positional() -> None:
    answers = Answers()
    session = session_at(answers)
    session.post(API_URL, None, {"b": 2})
    session.post(API_URL, [("a", "1"), ("a", "")], None)
    assert text_of(answers.sent[0].body) == '{"b": 2}'
    assert in_form(answers.sent[1]) == [("a", "1"), ("a", "")]
    for request in answers.sent:
        check_signature(request)


@pytest.mark.edges("requests")
def test_headers_parameters_and_cookies_of_the_session_are_sent() -> None:
    answers = Answers()
    session = session_at(answers)
    session.headers["User-Agent"] = "own/1.0"
    session.params = {"a": "~ +"}
    session.cookies.set("own", "cookie", domain="api.test")
    session.get(API_URL, params={"b": ""}, headers={"X-Own": "1"}, cookies={"call": "2"})
    request = answers.sent[0]
    assert sorted(in_query(request)) == [("a", "~ +"), ("b", "")]
    assert (request.headers["User-Agent"], request.headers["X-Own"]) == ("own/1.0", "1")
    assert sorted(request.headers["Cookie"].split("; ")) == ["call=2", "own=cookie"]
    check_signature(request)


def test_the_host_header_of_a_call_is_what_is_signed() -> None:
    answers = Answers()
    session_at(answers).get("https://10.0.0.7:8443/resource", headers={"Host": "api.test"})
    signature = dict(in_header(answers.sent[0]))["oauth_signature"]
    answers.sent[0].url = API_URL
    check_signature(answers.sent[0])
    assert signature


def test_our_signature_replaces_an_authorization_header() -> None:
    answers = Answers()
    session_at(answers).get(API_URL, headers={"authorization": "Bearer something"})
    assert is_signed(answers.sent[0])
    check_signature(answers.sent[0])


# -- who signs ---------------------------------------------------------------------------


def test_auth_of_a_call_is_never_replaced_by_our_signer(edge: Edge) -> None:
    answers = Answers()
    session = session_at(answers)

    def own(request: Any) -> Any:
        request.headers["Authorization"] = "Own scheme"
        return request

    session.get(API_URL, auth=("user", "password"))
    session.get(API_URL, auth=edge.own_auth(own))
    session.get(API_URL, auth=edge.library.OAuth1Auth("other-client", "x"))
    found = [text_of(request.headers["Authorization"]) for request in answers.sent]
    assert found[:2] == ["Basic dXNlcjpwYXNzd29yZA==", "Own scheme"]
    assert dict(in_header(answers.sent[2]))["oauth_consumer_key"] == "other-client"


def test_auth_of_a_call_stays_across_a_redirect() -> None:
    answers = Answers(Answer({}, 302, {"Location": "/next"}), Answer({}))
    session_at(answers).get(API_URL, auth=("user", "password"))
    found = [request.headers["Authorization"] for request in answers.sent]
    assert found == ["Basic dXNlcjpwYXNzd29yZA=="] * 2


def test_auth_of_a_call_is_not_taken_over_on_another_host() -> None:
    answers = Answers(Answer({}, 302, {"Location": "https://evil.test/"}), Answer({}))
    session_at(answers).get(API_URL, auth=("user", "password"))
    assert "Authorization" not in answers.sent[1].headers


@pytest.mark.edges("requests")
def test_netrc_does_not_interfere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.test login user password from-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    answers = Answers(Answer({}, 302, {"Location": "/next"}), Answer({}))
    session_at(answers).get(API_URL)
    for request in answers.sent:
        check_signature(request)


# -- what requests can do ----------------------------------------------------------------


@pytest.mark.edges("requests")
def test_a_session_is_closed_at_the_end_of_a_with_block() -> None:
    closed: list[bool] = []

    class Closing(HTTPAdapter):
        def close(self) -> None:
            closed.append(True)
            super().close()

    with OAuth1Session(CLIENT_ID) as session:
        session.mount("https://", Closing())
    assert closed == [True]


@pytest.mark.edges("requests")
def test_the_longest_mounted_prefix_answers() -> None:
    general, special = Answers(), Answers(Answer({"special": True}))
    session = session_at(general)
    session.mount("https://api.test/special", special)
    assert session.get("https://api.test/special/1").json() == {"special": True}
    session.get(API_URL)
    assert (len(general.sent), len(special.sent)) == (1, 1)


@pytest.mark.edges("requests")
def test_hooks_of_session_or_call_see_the_signed_request() -> None:
    seen: list[str] = []
    answers = Answers(credentials())
    session = session_at(answers)

    def note(name: str) -> Any:
        def hook(response: requests.Response, **kwargs: Any) -> None:
            seen.append(f"{name} {is_signed(response.request)}")

        return hook

    session.hooks["response"].append(note("session"))
    session.get(API_URL)
    session.get(API_URL, hooks={"response": note("call")})
    session.fetch_request_token(INITIATE_URL)
    assert seen == ["session True", "call True", "session True"]


@pytest.mark.edges("requests")
def test_a_body_can_be_streamed_down() -> None:
    answers = Answers(Answer(text="x" * 300_000))
    response = session_at(answers).get(API_URL, stream=True)
    assert [len(chunk) for chunk in response.iter_content(100_000)] == [100_000] * 3
    check_signature(answers.sent[0])


@pytest.mark.edges("requests")
def test_a_body_can_be_streamed_up() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"a=1"

    answers = Answers()
    session = session_at(answers)
    session.put(API_URL, data=io.BytesIO(b"a=1&b=2"))
    session.put(API_URL, data=chunks())
    assert answers.sent[0].headers["Content-Length"] == "7"
    assert answers.sent[1].headers["Transfer-Encoding"] == "chunked"
    for request in answers.sent:
        assert not isinstance(request.body, str | bytes)
        request.body = None
        check_signature(request)


@pytest.mark.parametrize("settings", [{"force_include_body": True}, {"signature_type": "BODY"}])
def test_a_stream_cannot_be_signed(settings: Any, edge: Edge) -> None:
    answers = Answers()
    with pytest.raises(InvalidSettingError):
        session_at(answers, **settings).put(API_URL, data=edge.stream([b"a=1"]))
    assert answers.sent == []


def test_files_are_uploaded_beside_a_signature_over_the_rest() -> None:
    answers = Answers()
    session_at(answers).post(
        API_URL, params={"q": "1"}, data={"title": "t"}, files={"photo": ("a.txt", b"content")}
    )
    request = answers.sent[0]
    assert text_of(request.headers["Content-Type"]).startswith("multipart/form-data; boundary=")
    assert b"content" in (request.body or b"")  # type: ignore[operator]
    assert in_query(request) == [("q", "1")]
    check_signature(request)


@pytest.mark.edges("requests")
def test_a_prepared_request_is_signed_once() -> None:
    answers = Answers()
    session = session_at(answers)
    prepared = session.prepare_request(requests.Request("GET", API_URL))
    session.send(prepared)
    assert answers.sent == [prepared]
    check_signature(prepared)


def test_a_redirect_can_be_refused_for_a_call() -> None:
    answers = Answers(Answer({}, 302, {"Location": "/elsewhere"}))
    response = session_at(answers).get(API_URL, allow_redirects=False)
    assert (response.status_code, len(answers.sent)) == (302, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_an_api_answers_with_any_status(status: int, edge: Edge) -> None:
    response = session_at(Answers(Answer({"error": "no"}, status))).get(API_URL)
    assert (response.status_code, response.json()) == (status, {"error": "no"})
    with pytest.raises(edge.HTTPStatusError):
        response.raise_for_status()


def test_an_unknown_keyword_is_an_error() -> None:
    with pytest.raises(TypeError, match="timeuot"):
        session_at(Answers()).get(API_URL, timeuot=5)


@pytest.mark.parametrize(
    ("kwargs", "limits"),
    [
        ({}, (3, 10)),
        ({"timeout": (3, 5)}, (3, 5)),
        ({"default_timeout": (3, 4), "timeout": 5}, (3, 4)),
        ({"default_timeout": (1, 2)}, (1, 2)),
    ],
)
def test_there_is_always_a_time_limit(kwargs: Any, limits: Any) -> None:
    answers = Answers(credentials())
    session = session_at(answers, **kwargs)
    session.fetch_request_token(INITIATE_URL)
    session.fetch_access_token(TOKEN_URL, VERIFIER)
    session.get(API_URL)
    session.get(API_URL, timeout=(1, 60))
    assert answers.time_limits == [limits, limits, limits, (1, 60)]


# -- doubles -----------------------------------------------------------------------------


class Double:
    """No more than what the doubles of other people's test suites have."""

    def __init__(self, document: Any = None, text: str = "", status_code: int = 200) -> None:
        self._document = document
        self.text = text
        self.status_code = status_code

    def json(self) -> Any:
        if self._document is None:
            raise ValueError("no JSON")
        return self._document


FORM_DOUBLE = Double(text="oauth_token=t&oauth_token_secret=new-secret-of-a-token")
JSON_DOUBLE = Double({"oauth_token": "t", "oauth_token_secret": "new-secret-of-a-token"})


def _dance(session: Any) -> Any:
    request_token = session.fetch_request_token(INITIATE_URL)
    session.parse_authorization_response("https://rp.test/?oauth_token=t&oauth_verifier=v")
    access_token = session.fetch_access_token(TOKEN_URL)
    return request_token, access_token, session.get(API_URL)


@pytest.mark.edges("requests")
@pytest.mark.parametrize("double", [FORM_DOUBLE, JSON_DOUBLE], ids=["form", "json"])
def test_a_patched_send_sees_every_request(monkeypatch: pytest.MonkeyPatch, double: Double) -> None:
    seen: list[requests.PreparedRequest] = []

    def send(self: Any, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        seen.append(request)
        return double

    monkeypatch.setattr("requests.sessions.Session.send", send)
    request_token, access_token, answer = _dance(OAuth1Session(CLIENT_ID, CLIENT_SECRET))
    assert request_token == access_token
    assert request_token["oauth_token"] == "t"
    assert answer is double
    assert [f"{r.method} {r.url}" for r in seen] == [
        f"POST {INITIATE_URL}",
        f"POST {TOKEN_URL}",
        f"GET {API_URL}",
    ]
    assert all(map(is_signed, seen))


@pytest.mark.edges("requests")
@pytest.mark.parametrize("double", [FORM_DOUBLE, JSON_DOUBLE], ids=["form", "json"])
def test_the_send_of_one_session_can_be_replaced(double: Double) -> None:
    seen: list[requests.PreparedRequest] = []
    session: Any = OAuth1Session(CLIENT_ID, CLIENT_SECRET)
    session.send = lambda request, **kwargs: seen.append(request) or double
    assert _dance(session)[1]["oauth_token"] == "t"
    assert len(seen) == 3


@pytest.mark.edges("requests")
@pytest.mark.parametrize("status", [401, 500])
def test_a_double_can_refuse(status: int) -> None:
    session: Any = OAuth1Session(CLIENT_ID, CLIENT_SECRET)
    session.send = lambda request, **kwargs: Double(text="oauth_problem=no", status_code=status)
    with pytest.raises(TokenRequestError, match=str(status)) as caught:
        session.fetch_request_token(INITIATE_URL)
    assert caught.value.error == "fetch_token_denied"


# -- OAuth1Auth alone --------------------------------------------------------------------


def test_the_signer_works_with_a_plain_session(edge: Edge) -> None:
    answers = Answers()
    auth = edge.library.OAuth1Auth(CLIENT_ID, CLIENT_SECRET)
    with edge.foreign(answers) as session:
        session.get(API_URL, auth=auth, params={"q": "a b+~ü"})
        session.post(API_URL, auth=auth, data=[("a", "1"), ("a", "")])
    for request in answers.sent:
        check_signature(request, token_secret="")
    assert nonce(answers.sent[0]) != nonce(answers.sent[1])


@pytest.mark.edges("requests")
def test_the_signer_is_an_auth_object_of_requests() -> None:
    assert isinstance(OAuth1Auth(CLIENT_ID), requests.auth.AuthBase)
    prepared = requests.Request("GET", API_URL, auth=OAuth1Auth(CLIENT_ID, "s")).prepare()
    assert dict(in_header(prepared))["oauth_signature"] == hmac_sha1(prepared, "s")


@pytest.mark.edges("requests")
@pytest.mark.parametrize("signature_type", ["HEADER", "QUERY", "BODY"])
def test_the_length_of_the_body_fits_after_signing(signature_type: str) -> None:
    auth = OAuth1Auth(CLIENT_ID, "s", signature_type=signature_type)
    for data in ({"a": "ü"}, "a=1", None):
        prepared = requests.Request("POST", API_URL, data=data, auth=auth).prepare()
        assert prepared.headers["Content-Length"] == str(len(text_of(prepared.body)))


def test_a_changed_setting_counts_from_the_next_request() -> None:
    answers = Answers()
    session = session_at(answers)
    session.get(API_URL)
    session.auth.client_secret, session.auth.token = "other", "other-token"
    session.get(API_URL)
    session.auth.signature_type = "QUERY"
    session.get(API_URL)
    assert dict(in_header(answers.sent[1]))["oauth_token"] == "other-token"
    assert dict(in_query(answers.sent[2]))["oauth_token"] == "other-token"
    session.auth.signature_method = "HMAC-MD5"
    with pytest.raises(InvalidSettingError, match="HMAC-SHA256"):
        session.get(API_URL)


# -- threads -----------------------------------------------------------------------------


def test_threads_share_a_session() -> None:
    answers = Answers()
    session = session_at(answers)
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda n: session.get(API_URL, params={"n": n}), range(200)))
    assert len({nonce(request) for request in answers.sent}) == 200
    for request in answers.sent:
        check_signature(request)
