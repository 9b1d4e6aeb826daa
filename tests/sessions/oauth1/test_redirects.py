"""A redirect is signed anew at its own origin, and never anywhere else (RFC 5849 section 3)."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient.protocol.errors import InsecureTransportError
from flask_oauthclient.protocol.errors import TransportError

from .._answers import Answer
from .._answers import Answers
from .._answers import text_of
from ._signed import API_URL
from ._signed import CLIENT_SECRET
from ._signed import INITIATE_URL
from ._signed import TOKEN_SECRET
from ._signed import TOKEN_URL
from ._signed import VERIFIER
from ._signed import check_signature
from ._signed import credentials
from ._signed import escaped
from ._signed import in_form
from ._signed import in_query
from ._signed import is_signed
from ._signed import nonce
from ._signed import protocol_params
from ._signed import session_at

pytestmark = pytest.mark.filterwarnings("ignore:PLAINTEXT in the QUERY")

PLACES = ["HEADER", "QUERY", "BODY"]
STATUSES = [301, 302, 303, 307, 308]
ELSEWHERE = "https://evil.test/resource"


def redirected(location: str, status: int = 302) -> Answers:
    return Answers(Answer({}, status, {"Location": location}), Answer({}))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("location", ["/next?b=2", "https://api.test/next?b=2", "?b=2"])
def test_at_its_own_origin_it_is_signed_anew(place: str, status: int, location: str) -> None:
    answers = redirected(location, status)
    session_at(answers, signature_type=place).post(API_URL, data={"a": "1"}, params={"q": "ü"})
    first, second = answers.sent
    assert second.method == ("POST" if status in (307, 308) else "GET")
    assert ("b", "2") in in_query(second)
    assert (("a", "1") in in_form(second)) is (status in (307, 308))
    assert nonce(first) != nonce(second)
    for request in (first, second):
        check_signature(request)
    length = second.headers.get("Content-Length", "0")
    assert length == str(len(text_of(second.body)))


@pytest.mark.parametrize("place", PLACES)
def test_a_chain_is_signed_hop_by_hop(place: str) -> None:
    hops = [Answer({}, 307, {"Location": f"/{number}"}) for number in range(3)]
    answers = Answers(*hops, Answer({}))
    session_at(answers, signature_type=place).put(API_URL, data={"a": "1"})
    assert len({nonce(request) for request in answers.sent}) == 4
    for request in answers.sent:
        assert ("a", "1") in in_form(request)
        check_signature(request)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize(
    "location",
    [
        ELSEWHERE,
        "//evil.test/",
        "https://api.test.evil.test/",
        "https://api.test:8443/",
        "https://sub.api.test/",
    ],
)
def test_elsewhere_it_is_not_signed(place: str, status: int, location: str) -> None:
    answers = redirected(location, status)
    session_at(answers, signature_type=place).post(API_URL, json={"a": 1})
    assert is_signed(answers.sent[0])
    assert protocol_params(answers.sent[1]) == {}
    assert "Authorization" not in answers.sent[1].headers


def test_in_the_clear_it_is_not_signed() -> None:
    answers = redirected("http://api.test/")
    session = session_at(answers)
    session.get(API_URL)
    assert protocol_params(answers.sent[1]) == {}


def test_coming_back_it_stays_unsigned() -> None:
    answers = Answers(
        Answer({}, 302, {"Location": ELSEWHERE}),
        Answer({}, 302, {"Location": API_URL}),
        Answer({}),
    )
    session_at(answers).get(API_URL)
    assert [is_signed(request) for request in answers.sent] == [True, False, False]


@pytest.mark.parametrize("place", ["HEADER", "QUERY"])
@pytest.mark.parametrize("hops", [[ELSEWHERE, "/2"], [ELSEWHERE, ELSEWHERE, "https://evil.test/"]])
def test_elsewhere_it_stays_unsigned_however_it_goes_on(hops: list[str], place: str) -> None:
    answers = Answers(*(Answer({}, 307, {"Location": hop}) for hop in hops), Answer({}))
    session_at(answers, signature_type=place).get(API_URL)
    assert [is_signed(request) for request in answers.sent] == [True] + [False] * len(hops)


@pytest.mark.parametrize("status", [307, 308])
def test_credentials_in_a_form_do_not_leave(status: int) -> None:
    answers = redirected(ELSEWHERE, status)
    session = session_at(answers, signature_type="BODY", signature_method="PLAINTEXT")
    with pytest.raises(InsecureTransportError) as caught:
        session.post(API_URL, data={"a": "1"})
    assert caught.value.error == "token_origin"
    assert len(answers.sent) == 1


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_form_that_is_dropped_lets_the_redirect_pass(status: int) -> None:
    answers = redirected(ELSEWHERE, status)
    session_at(answers, signature_type="BODY").post(API_URL, data={"a": "1"})
    assert answers.sent[1].body is None
    assert protocol_params(answers.sent[1]) == {}


@pytest.mark.parametrize("method", ["HMAC-SHA1", "PLAINTEXT"])
@pytest.mark.parametrize("target", ["/next", ELSEWHERE], ids=["same-origin", "elsewhere"])
def test_a_query_that_the_server_repeats_loses_our_parameters(target: str, method: str) -> None:
    def repeat(request: Any) -> Answer:
        return Answer({}, 302, {"Location": f"{target}?{request.url.partition('?')[2]}#part"})

    answers = Answers(repeat, Answer({}))
    session = session_at(answers, signature_type="QUERY", signature_method=method)
    session.get(API_URL, params=[("q", "1"), ("q", ""), ("r", "ü")])
    second = answers.sent[1]
    own = [pair for pair in in_query(second) if not pair[0].startswith("oauth_")]
    assert own == [("q", "1"), ("q", ""), ("r", "ü")]
    assert str(second.url).count("oauth_signature=") == (1 if target == "/next" else 0)
    if target == ELSEWHERE:
        assert protocol_params(second) == {}
        assert escaped(TOKEN_SECRET) not in str(second.url)
        assert escaped(CLIENT_SECRET) not in str(second.url)
    elif method == "HMAC-SHA1":
        assert nonce(second) != nonce(answers.sent[0])
        check_signature(second)


@pytest.mark.parametrize("target", ["/next", ELSEWHERE], ids=["same-origin", "elsewhere"])
@pytest.mark.parametrize(
    "call",
    [
        {"json": {"text": "a&oauth_signature=b&oauth_nonce=c"}},
        {"files": {"f": ("a.txt", b"a&oauth_signature=b&oauth_nonce=c")}},
    ],
    ids=["json", "file"],
)
def test_a_body_that_only_talks_of_signatures_is_left_alone(call: Any, target: str) -> None:
    answers = redirected(target, 307)
    session_at(answers).post(API_URL, **call)
    assert text_of(answers.sent[1].body) == text_of(answers.sent[0].body)
    assert is_signed(answers.sent[1]) is (target == "/next")


def test_the_octets_of_a_form_survive_a_redirect() -> None:
    answers = redirected("/next", 307)
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    body = "a=ü&b=1".encode()
    session = session_at(answers, signature_type="BODY")
    session.post(API_URL, data=body, headers={"Content-Type": kind})
    assert isinstance(answers.sent[1].body, bytes)
    assert answers.sent[1].body.startswith(body + b"&oauth_nonce=")
    for request in answers.sent:
        check_signature(request)


@pytest.mark.parametrize("target", ["/next", "https://evil.test/token", TOKEN_URL])
@pytest.mark.parametrize("status", [300, *STATUSES])
@pytest.mark.parametrize("place", PLACES)
def test_a_redirect_on_a_token_endpoint_is_refused(place: str, status: int, target: str) -> None:
    answers = Answers(Answer({}, status, {"Location": target}), credentials())
    session = session_at(answers, signature_type=place)
    for call in (
        lambda: session.fetch_request_token(INITIATE_URL),
        lambda: session.fetch_access_token(TOKEN_URL, VERIFIER, allow_redirects=True),
    ):
        answers = Answers(Answer({}, status, {"Location": target}), credentials())
        session.mount("https://", answers)
        with pytest.raises(TransportError) as caught:
            call()
        assert caught.value.error == "redirect_refused"
        assert caught.value.detail["status"] == status
        assert len(answers.sent) == 1
