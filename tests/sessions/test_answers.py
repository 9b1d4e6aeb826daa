"""What a session makes of the answers of token endpoints: rows T of the table of faults."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote_plus

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.messages import Purpose
from flask_oauthclient.protocol.oauth2 import PrivateKeyJWT
from flask_oauthclient.protocol.random import generate_token
from flask_oauthclient.transport.policy import POLICIES
from tests.helpers.leaks import Watch
from tests.protocol._keys import make_key
from tests.sessions._answers import API_URL
from tests.sessions._answers import TOKEN_URL
from tests.sessions._answers import Answer
from tests.sessions._answers import Answers
from tests.sessions._answers import expired
from tests.sessions._answers import token
from tests.sessions._edges import current
from tests.sessions._edges import session_at
from tests.transport._raw import Peer
from tests.transport._raw import RawServer
from tests.transport._raw import answer
from tests.transport._raw import head
from tests.transport._raw import raw_server

SECRET = "the-secret-of-the-client"
CODE = "the-code-of-the-login"
KIB = 1024
MIB = 1024 * KIB


def _assertion_session(url: str, answers: Any) -> Any:
    edge, assertion = current(), "the-assertion-of-the-test"
    return edge.session(answers, edge.Assertion, url, "iss", assertion=assertion, trust_env=False)


def _session(url: str, answers: Any) -> Any:
    held = token("held", refresh_token="refresh-token-held")
    return session_at(answers, token=held, token_endpoint=url, trust_env=False)


#: Each way in which a session asks the token endpoint.
WAYS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "code": (_session, lambda session: session.fetch_token(code=CODE)),
    "credentials": (_session, lambda session: session.fetch_token()),
    "refresh": (_session, lambda session: session.refresh_token()),
    "assertion": (_assertion_session, lambda session: session.get(session.token_endpoint)),
}


def _way(way: str, url: str, answers: Any = None) -> tuple[Any, Callable[[], Any]]:
    make, call = WAYS[way]
    session = make(url, answers)
    return session, lambda: call(session)


every_way = pytest.mark.parametrize("way", WAYS)


def _fails(way: str, url: str, watch: Watch, answers: Any = None) -> OAuthError:
    watch.secret(SECRET, CODE, "refresh-token-held", "the-assertion-of-the-test")
    session, call = _way(way, url, answers)
    with session:
        before = session.token
        with pytest.raises(OAuthError) as caught:
            call()
        assert session.token == before
    assert type(caught.value) is not OAuthError
    assert caught.value.description
    return caught.value


DOCUMENTS = {
    "T08": (Answer(text="<p>private words</p>"), "invalid_response"),
    "T09-list": (Answer(["private words"]), "invalid_response"),
    "T09-string": (Answer("private words"), "invalid_response"),
    "T09-null": (Answer(None), "invalid_response"),
    "T09-number": (Answer(5), "invalid_response"),
    "T09-nothing": (Answer(text=""), "invalid_response"),
    "T09-nested": (
        Answer(text="[" * 100_000, headers={"Content-Type": "application/json"}),
        "invalid_response",
    ),
    "T10-empty-object": (Answer({}), "missing_access_token"),
    "T10-missing": (Answer({"token_type": "Bearer", "note": "private words"}), None),
    "T10-empty": (Answer(token(access_token="")), "missing_access_token"),
    "T10-number": (Answer(token(access_token=5)), "missing_access_token"),
    "T10-object": (Answer(token(access_token={})), "missing_access_token"),
    "T10-null": (Answer(token(access_token=None)), "missing_access_token"),
    "T10-line": (Answer(token(access_token="a\r\nb: c")), "missing_access_token"),
    "T12": (Answer(token(token_type="mac")), "unsupported_token_type"),
    "T12-N_A": (Answer(token(token_type="N_A")), "unsupported_token_type"),
    "T12-number": (Answer(token(token_type=5)), "unsupported_token_type"),
    "T20": (Answer({"error": "invalid_grant", "error_description": "private words"}), None),
    "T20-beside-a-token": (Answer(token(error="invalid_grant")), "invalid_grant"),
    "T20-no-code": (Answer({"error": {"private words": 1}}), "invalid_response"),
    "T21": (
        Answer({}, 401, {"WWW-Authenticate": 'Basic realm="x"'}),
        "invalid_client",
    ),
    "T21-page": (
        Answer(text="<p>private words</p>", status=401, headers={"WWW-Authenticate": "Basic"}),
        "invalid_client",
    ),
    "T22-503": (Answer(token(), 503), "provider_unavailable"),
    "T01-307": (Answer(token(), 307, {"Location": "https://evil.test/"}), "redirect_refused"),
    "T01-308": (Answer({}, 308, {"Location": "http://op.test/"}), "redirect_refused"),
    "T02-302": (Answer({}, 302, {"Location": "/elsewhere"}), "redirect_refused"),
    "T02-303": (Answer({}, 303, {"Location": "/elsewhere"}), "redirect_refused"),
    "T01-no-location": (Answer({}, 302), "redirect_refused"),
    "T32-html-form": (
        Answer(text="access_token=x&token_type=bearer"),
        "invalid_response",
    ),
    "T32-twice": (
        Answer(
            text="access_token=x&access_token=y&token_type=bearer",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ),
        "invalid_response",
    ),
    "T32-no-token": (
        Answer(
            text="note=private+words",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        ),
        "missing_access_token",
    ),
}


@every_way
@pytest.mark.parametrize(
    ("given", "code"), [pytest.param(*row, id=name) for name, row in DOCUMENTS.items()]
)
def test_an_answer_that_is_no_token_is_a_typed_error(
    way: str, given: Answer, code: str | None, watch: Watch
) -> None:
    answers = Answers(given)
    error = _fails(way, TOKEN_URL, watch, answers)
    assert code is None or error.error == code
    assert error.detail.get("status", given.status) == given.status
    assert len(answers.sent) == 1, "nothing is followed, and nothing sent twice"
    described = error.detail.pop("error_description", "")  # the only place for such words
    assert described in ("", "private words")
    assert "private words" not in f"{error} {error!r} {error.args} {vars(error)}"


@every_way
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://op.test/token", id="T03"),
        pytest.param("http://localhost:80@attacker.test/token", id="T03-user-info"),
        pytest.param("http://localhost.attacker.test/token", id="T03-subdomain"),
        pytest.param("//op.test/token", id="T03-no-scheme"),
        pytest.param("ftp://op.test/token", id="T03-ftp"),
    ],
)
def test_credentials_do_not_travel_in_the_clear(way: str, url: str, watch: Watch) -> None:
    error = _fails(way, url, watch)
    assert isinstance(error, InsecureTransportError)
    assert error.error == "insecure_transport"


# -- bodies without end ----------------------------------------------------------------------------

_FILLING = b" " * 65_536


def _a_gigabyte(peer: Peer) -> None:
    peer.send(head("200 OK", {"Content-Length": "1000000000"}))
    while not peer.server.ending.is_set():
        peer.send(_FILLING)


def _a_bomb(peer: Peer) -> None:
    packed = gzip.compress(b" " * 64 * MIB)
    peer.send(answer(packed, headers={"Content-Encoding": "gzip"}))


def _a_byte_at_a_time(peer: Peer) -> None:
    peer.send(head("200 OK", {"Content-Length": "100000"}))
    peer.drip(b"x" * 100_000)


def _hangs_up(peer: Peer) -> None:
    """The request is read, and there is no answer to it."""


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Starts servers that read a request and answer by a script."""
    with ExitStack() as stack:

        def start(script: Callable[[Peer], None]) -> RawServer:
            def served(peer: Peer) -> None:
                if peer.receive() is not None:
                    script(peer)

            return stack.enter_context(raw_server(served))

        yield start


@every_way
@pytest.mark.parametrize(
    ("script", "code", "limit"),
    [
        pytest.param(_a_gigabyte, "response_too_large", 10, id="T06"),
        pytest.param(_a_bomb, "response_too_large", 10, id="T07"),
        pytest.param(_a_byte_at_a_time, "provider_timeout", 0.2, id="T05"),
        pytest.param(_hangs_up, "provider_unreachable", 10, id="T22-drop"),
        pytest.param(lambda peer: peer.stall(), "provider_timeout", 0.2, id="T22-timeout"),
    ],
)
def test_an_answer_without_end_is_cut_off(
    way: str, script: Any, code: str, limit: float, serve: Any, watch: Watch
) -> None:
    server = serve(script)
    watch.secret(SECRET, CODE, "refresh-token-held", "the-assertion-of-the-test")
    session, call = _way(way, server.url)
    session.default_timeout = limit
    begin = time.monotonic()
    with session, pytest.raises(OAuthError) as caught:
        call()
    assert caught.value.error == code
    assert time.monotonic() - begin < 8
    assert len(server.requests) == 1, "a code, a refresh token and an assertion are sent once"
    if code == "response_too_large":
        assert caught.value.detail["limit"] == POLICIES[Purpose.TOKEN].max_bytes


@pytest.mark.parametrize("method", ["revoke_token", "introspect_token"])
@pytest.mark.parametrize("script", [_a_gigabyte, _a_bomb], ids=["T06", "T07"])
def test_answers_about_a_token_are_cut_off_too(method: str, script: Any, serve: Any) -> None:
    server = serve(script)
    with (
        _session(server.url, None) as session,
        pytest.raises(OAuthError, match="response_too_large"),
    ):
        getattr(session, method)(server.url)
    assert len(server.requests) == 1


# -- what is accepted ------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize(
    "token_type",
    [
        pytest.param("bEARER", id="T13"),
        pytest.param("BEARER", id="T13-upper"),
        pytest.param(None, id="T13-null"),
    ],
)
def test_the_type_is_compared_without_case(way: str, token_type: Any) -> None:
    session, call = _way(way, TOKEN_URL, Answers(Answer(token("new", token_type=token_type))))
    call()
    assert session.token["access_token"] == "access-token-new"


LIFETIMES = {
    "T16-text": ('"3600"', 3600),
    "T16-fraction": ("3600.5", 3600),
    "T16-number": ("3600", 3600),
    "T16-negative": ("-1", None),
    "T16-true": ("true", None),
    "T16-word": ('"abc"', None),
    "T16-huge": ("1e300", 315_360_000),
    "T16-null": ("null", None),
    "T16-list": ("[3600]", None),
}


@every_way
@pytest.mark.parametrize(
    ("text", "lifetime"), [pytest.param(*row, id=name) for name, row in LIFETIMES.items()]
)
def test_a_lifetime_is_used_clamped_or_ignored(way: str, text: str, lifetime: int | None) -> None:
    body = f'{{"access_token": "access-token-new", "token_type": "Bearer", "expires_in": {text}}}'
    given = Answer(text=body, headers={"Content-Type": "application/json"})
    session, call = _way(way, TOKEN_URL, Answers(given))
    now = time.time()
    call()
    if lifetime is None:
        assert "expires_at" not in session.token
        assert session.token.is_expired() is None
    else:
        assert abs(session.token["expires_at"] - now - lifetime) < 10
        assert session.token.is_expired() is False


@every_way
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("NaN", id="T16-nan"),
        pytest.param("Infinity", id="T16-infinity"),
        pytest.param("1e999", id="T16-overflow"),
        pytest.param("--1", id="T16-no-number"),
    ],
)
def test_a_lifetime_that_is_no_finite_number_is_an_error(way: str, text: str, watch: Watch) -> None:
    body = f'{{"access_token": "access-token-new", "expires_in": {text}}}'
    given = Answer(text=body, headers={"Content-Type": "application/json"})
    assert _fails(way, TOKEN_URL, watch, Answers(given)).error == "invalid_response"


@every_way
@pytest.mark.parametrize("charset", ["", ";charset=UTF-8"], ids=["T32", "T32-charset"])
def test_a_form_encoded_answer_that_says_so(way: str, charset: str) -> None:
    given = Answer(
        text="access_token=access-token-new&token_type=bearer&expires_in=60&scope=a+b",
        headers={"Content-Type": f"application/x-www-form-urlencoded{charset}"},
    )
    session, call = _way(way, TOKEN_URL, Answers(given))
    call()
    assert session.token["access_token"] == "access-token-new"
    assert session.token["scope"] == "a b"
    assert session.token.is_expired(0) is False


# -- who asks --------------------------------------------------------------------------------------


def _id_and_secret(request: Any) -> tuple[str, str]:
    text = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    user, _, password = text.partition(":")
    return unquote_plus(user), unquote_plus(password)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("p:\u00e4 %+&", id="T24"),
        pytest.param("\u2603=/?#", id="T24-snowman"),
        pytest.param("%41+%20", id="T24-looks-encoded"),
    ],
)
@pytest.mark.parametrize("call", ["fetch", "refresh", "revoke", "introspect"])
def test_basic_decodes_to_the_secret(secret: str, call: str, watch: Watch) -> None:
    watch.secret(secret)
    answers = Answers(Answer(token()))
    session = session_at(
        answers, client_id="a client:\u00e4", client_secret=secret, token=expired()
    )
    {
        "fetch": lambda: session.fetch_token(TOKEN_URL),
        "refresh": lambda: session.refresh_token(TOKEN_URL),
        "revoke": lambda: session.revoke_token(TOKEN_URL),
        "introspect": lambda: session.introspect_token(TOKEN_URL),
    }[call]()
    assert _id_and_secret(answers.sent[0]) == ("a client:\u00e4", secret)


def test_basic_can_be_left_raw() -> None:
    answers = Answers(Answer(token()))
    session = session_at(answers, client_secret="p:\u00e4 %+&", basic_encoding="raw")
    session.fetch_token(TOKEN_URL)
    sent = base64.b64decode(str(answers.bearers[0]).removeprefix("Basic "))
    assert sent == "the-client:p:\u00e4 %+&".encode("latin-1")


@pytest.mark.parametrize("call", ["fetch", "refresh", "revoke", "introspect"])
@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"client_secret": "another-secret"}, id="T29-keyword"),
        pytest.param({"body": "client_secret=another-secret"}, id="T29-body"),
        pytest.param({"client_assertion": "another-secret"}, id="T29-assertion"),
    ],
)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_credential_of_a_call_is_the_only_one(
    method: str, extra: Any, call: str, watch: Watch
) -> None:
    watch.secret("another-secret")
    answers = Answers(Answer(token()))
    session = session_at(answers, token=expired(), token_endpoint_auth_method=method)
    getattr(session, _CALLS[call])(TOKEN_URL, **extra)
    sent = {k: v for k, v in answers.form.items() if k.startswith("client_")}
    by_assertion = {"client_assertion": "another-secret"}
    by_secret = {"client_id": "the-client", "client_secret": "another-secret"}
    assert sent == (by_assertion if "client_assertion" in extra else by_secret)
    assert answers.bearers == [None]


@pytest.mark.parametrize("row", ["T29"])
@pytest.mark.parametrize("client_id", ["the-client", "another-client"])
def test_identity_of_a_call_is_sent_once(row: str, client_id: str, watch: Watch) -> None:
    watch.secret("another-secret")
    answers = Answers(Answer(token()))
    session = session_at(answers)
    session.fetch_token(TOKEN_URL, client_id=client_id, client_secret="another-secret")
    assert answers.form == {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": "another-secret",
    }
    assert answers.bearers == [None]


@pytest.mark.parametrize("call", ["fetch", "refresh", "revoke", "introspect"])
@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"client_assertion": "a", "client_secret": "another-secret"}, id="T29-both"),
        pytest.param(
            {"client_secret": "another-secret", "headers": {"authorization": "Basic eDp5"}},
            id="T29-header",
        ),
        pytest.param({"body": "client_secret=another-secret&client_secret=b"}, id="T29-twice"),
        pytest.param({"client_secret": "-----BEGIN PRIVATE KEY-----"}, id="T29-key"),
    ],
)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_two_credentials_of_a_call_are_an_error(
    method: str, extra: Any, call: str, watch: Watch
) -> None:
    watch.secret("another-secret")
    answers = Answers(Answer(token()))
    session = session_at(answers, token=expired(), token_endpoint_auth_method=method)
    with pytest.raises(InvalidSettingError):
        getattr(session, _CALLS[call])(TOKEN_URL, **extra)
    assert answers.sent == []


_CALLS = {
    "fetch": "fetch_token",
    "refresh": "refresh_token",
    "revoke": "revoke_token",
    "introspect": "introspect_token",
}


def _claims(assertion: str) -> Any:
    part = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.parametrize("row", ["T25", "T26"])
def test_an_assertion_is_for_the_issuer_alone(row: str) -> None:
    answers = Answers(Answer(token("a", refresh_token="refresh-token-a")))
    endpoint = TOKEN_URL if row == "T25" else "https://bank.test/token"
    session = session_at(
        answers,
        client_secret=make_key("ES256").private,
        token_endpoint_auth_method=PrivateKeyJWT(alg="ES256"),
        issuer="https://op.test",
        token_endpoint=endpoint,
    )
    session.fetch_token()
    session.refresh_token()
    claims = [_claims(form["client_assertion"]) for form in answers.forms]
    assert [claim["aud"] for claim in claims] == ["https://op.test"] * 2
    assert len({claim["jti"] for claim in claims}) == 2
    assert all(claim["exp"] - claim["iat"] <= 60 for claim in claims)
    assert all(claim["iss"] == claim["sub"] == "the-client" for claim in claims)
    assert all("client_secret" not in form for form in answers.forms)
    assert answers.bearers == [None, None]


# -- what else arrives -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", ["T28"])
def test_an_id_token_is_data_and_nobody(row: str) -> None:
    session = session_at(Answers(Answer(token(id_token="e30.e30.x"))))
    got = session.fetch_token(TOKEN_URL, code=CODE)
    assert got["id_token"] == "e30.e30.x"
    assert "userinfo" not in got
    assert "e30" not in repr(got)


@pytest.mark.parametrize("row", ["T30"])
def test_a_cookie_of_one_session_is_not_sent_by_another(row: str) -> None:
    answers = Answers(Answer(token(), 200, {"Set-Cookie": "user=alice; Path=/"}))
    first, second = session_at(answers), session_at(answers)
    first.fetch_token(TOKEN_URL)
    second.fetch_token(TOKEN_URL)
    second.get(API_URL)
    assert [request.headers.get("Cookie") for request in answers.sent] == [None] * 3


@pytest.mark.parametrize("row", ["T36"])
def test_members_of_an_answer_do_not_become_settings(row: str) -> None:
    odd = {"issuer": "https://evil.test", "client_id": generate_token(), "scope": 5}
    session = session_at(Answers(Answer(token(**odd))), issuer="https://op.test", token=expired())
    session.fetch_token(TOKEN_URL, code=CODE)
    session.token = expired(scope="a")
    session.refresh_token(TOKEN_URL)
    assert session.client_id == "the-client"
    assert session.metadata["issuer"] == "https://op.test"
