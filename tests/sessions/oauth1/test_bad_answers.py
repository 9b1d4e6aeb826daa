"""Whatever an endpoint for credentials answers: a typed error with a code, and no secret in it."""

from __future__ import annotations

import json
import traceback
import warnings
from typing import Any
from urllib.parse import quote

import pytest

from flask_oauthclient.protocol.errors import MissingVerifierError
from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import ProviderResponseError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TransportError
from tests.transport._raw import Peer
from tests.transport._raw import always
from tests.transport._raw import answer
from tests.transport._raw import head

from .._answers import Answer
from .._answers import Answers
from ._signed import CLIENT_SECRET
from ._signed import FORM
from ._signed import INITIATE_URL
from ._signed import TOKEN
from ._signed import TOKEN_SECRET
from ._signed import TOKEN_URL
from ._signed import VERIFIER
from ._signed import credentials
from ._signed import session_at
from .conftest import Serve

pytestmark = pytest.mark.filterwarnings("ignore:PLAINTEXT in the QUERY")

HTML = "<!doctype html><title>Log in</title><p>Welcome</p>"
KINDS = ["fetch_request_token", "fetch_access_token"]


def ask(kind: str, session: Any, url: str = TOKEN_URL, **kwargs: Any) -> Any:
    session.auth.verifier = VERIFIER
    return getattr(session, kind)(url, **kwargs)


def shown(error: BaseException) -> str:
    """All that a log or an error tracker shows of an error."""
    return f"{error} {error!r} {error.args} {vars(error)}" + "".join(
        traceback.format_exception(error)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Answer(text=HTML), "invalid_response"),
        (Answer([1, 2]), "invalid_response"),
        (Answer(["oauth_token", "x"]), "invalid_response"),
        (Answer("text"), "invalid_response"),
        (Answer(text=""), "invalid_response"),
        (Answer(text="", status=204), "invalid_response"),
        (Answer({}), "missing_oauth_token"),
        (Answer(text="oauth_token="), "missing_oauth_token"),
        (Answer(text="oauth_token_secret=s"), "missing_oauth_token"),
        (Answer(text="access_token=bearer&token_type=Bearer"), "missing_oauth_token"),
        (Answer(text="oauth_token=a&oauth_token=b&oauth_token_secret=s"), "invalid_response"),
        (Answer(text="oauth_token=%FF&oauth_token_secret=s"), "invalid_response"),
        (Answer(text="oauth_token=ü&oauth_token_secret=s"), "invalid_response"),
        (Answer(text="oauth_token=a%0Ab&oauth_token_secret=s"), "missing_oauth_token"),
        (Answer({"oauth_token": 7, "oauth_token_secret": "s"}), "missing_oauth_token"),
        (Answer({"oauth_token": "t", "oauth_token_secret": ["s"]}), "missing_oauth_token"),
        (Answer(text='{"oauth_token": "t"'), "invalid_response"),
        (Answer(text='{"oauth_token": "t", "oauth_token": "u"}'), "invalid_response"),
        (Answer(text="oauth_token=" + "a" * 3000), "missing_oauth_token"),
        (Answer(text="&".join(f"a{n}=1" for n in range(1000))), "invalid_response"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else str(value.text or json.dumps(value.document))[:30]
    ),
)
def test_what_holds_no_credentials_is_a_response_error(
    kind: str, reply: Answer, error: str
) -> None:
    session = session_at(Answers(reply))
    before = {**session.token, "oauth_verifier": VERIFIER}
    with pytest.raises(ProviderResponseError) as caught:
        ask(kind, session)
    assert isinstance(caught.value, ValueError)
    assert caught.value.error == error
    assert caught.value.detail["status"] == reply.status
    assert session.token == before


REFUSALS = {
    "form": ("oauth_problem=signature_invalid", "signature_invalid"),
    "json": ('{"error": "signature_invalid"}', "signature_invalid"),
    "list-of-errors": ('{"errors": [{"code": 32, "message": "no"}]}', ""),
    "html": (HTML, ""),
    "nothing": ("", ""),
    "odd": ("oauth_problem=%3Cscript%3E%0A", ""),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 503])
@pytest.mark.parametrize(("text", "problem"), REFUSALS.values(), ids=list(REFUSALS))
def test_a_refusal_has_status_code_and_problem(
    text: str, problem: str, status: int, kind: str
) -> None:
    session = session_at(Answers(Answer(text=text, status=status)))
    with pytest.raises(TokenRequestError) as caught:
        ask(kind, session)
    assert caught.value.error == "fetch_token_denied"
    assert str(status) in str(caught.value)
    assert caught.value.detail["status"] == status
    assert caught.value.detail["oauth_problem"] == problem


QUOTED = {
    "raw": CLIENT_SECRET,
    "escaped": quote(CLIENT_SECRET, safe=""),
    "twice": quote(quote(CLIENT_SECRET, safe=""), safe=""),
    "of-the-token": TOKEN_SECRET,
    "verifier": VERIFIER,
    "late": "x" * 190 + CLIENT_SECRET,
}


def _refusals_that_quote(text: str) -> dict[str, Answer]:
    return {
        "html": Answer(text=f"<pre>expected key {text}</pre>", status=401),
        "form": Answer(text="oauth_problem=no&oauth_problem_advice=" + quote(text), status=401),
        "json": Answer({"error": "no", "error_description": f"expected {text}"}, 401),
        "list": Answer({"errors": [{"message": text}]}, 401),
        "problem": Answer({"oauth_problem": text}, 401),
        "challenge": Answer(
            text="", status=401, headers={"WWW-Authenticate": f'OAuth oauth_problem="{text}"'}
        ),
        "content-type": Answer(text="{", headers={"X-Expected": text}),
    }


@pytest.mark.parametrize("how", QUOTED)
@pytest.mark.parametrize("form", _refusals_that_quote(""))
def test_a_server_that_quotes_our_secrets_puts_them_nowhere(how: str, form: str) -> None:
    answers = Answers(_refusals_that_quote(QUOTED[how])[form])
    with pytest.raises(OAuthError) as caught:
        ask("fetch_access_token", session_at(answers))
    text = shown(caught.value)
    for secret in (CLIENT_SECRET, TOKEN_SECRET, VERIFIER):
        assert secret[:12] not in text
    assert caught.value.detail["status"] in (200, 401)


def test_advice_that_quotes_nothing_is_kept() -> None:
    body = "oauth_problem=timestamp_refused&oauth_problem_advice=Set%20your%0Aclock"
    with pytest.raises(TokenRequestError) as caught:
        ask("fetch_access_token", session_at(Answers(Answer(text=body, status=401))))
    assert caught.value.detail == {
        "status": 401,
        "oauth_problem": "timestamp_refused",
        "oauth_problem_advice": "Set your clock",
    }
    assert "clock" not in str(caught.value)


# -- over sockets ------------------------------------------------------------------------


def _endless(peer: Peer) -> None:
    while peer.receive() is not None:
        peer.send(head("200 OK", {"Content-Type": FORM, "Content-Length": "1000000000"}))
        while not peer.server.ending.is_set():
            peer.send(b"a" * 65_536)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gigabyte_is_not_read(kind: str, serve: Serve) -> None:
    with session_at(None, trust_env=False) as session, pytest.raises(TransportError) as caught:
        ask(kind, session, serve(_endless).url)
    assert caught.value.error == "response_too_large"
    assert caught.value.detail["limit"] < 2**20


def _dripping(peer: Peer) -> None:
    while peer.receive() is not None:
        peer.drip(head("200 OK", {"Content-Type": FORM}) + b"a" * 1_000_000)


def _silent(peer: Peer) -> None:
    peer.receive()
    peer.stall()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("script", [_dripping, _silent])
def test_a_slow_server_has_its_time_limit(kind: str, script: Any, serve: Serve) -> None:
    with session_at(None, trust_env=False) as session, pytest.raises(TransportError) as caught:
        ask(kind, session, serve(script).url, timeout=0.2)
    assert caught.value.error == "provider_timeout"


def test_a_request_for_credentials_is_sent_once(serve: Serve) -> None:
    server = serve(lambda peer: peer.receive() and peer.hang_up())
    session = session_at(None, token=None, token_secret=None, trust_env=False)
    with pytest.raises(TransportError) as caught:
        session.fetch_request_token(server.url)
    assert caught.value.error == "provider_unreachable"
    assert len(server.requests) == 1


def test_a_redirect_over_a_socket_is_refused(serve: Serve) -> None:
    elsewhere = serve(always(answer(b"oauth_token=t")))
    server = serve(always(answer(b"", "307 Temporary Redirect", {"Location": elsewhere.url})))
    with (
        session_at(
            None, token=None, token_secret=None, trust_env=False, signature_type="BODY"
        ) as session,
        pytest.raises(TransportError, match="redirect_refused"),
    ):
        session.fetch_request_token(server.url)
    assert elsewhere.requests == []


# -- the rows of the catalogue -----------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    ["false", "False", "", "0", "1", "yes", "true%20", "null"],
    ids=lambda said: f"O01-{said or 'empty'}",
)
def test_a_callback_that_is_not_confirmed_is_refused(said: str) -> None:
    answers = Answers(credentials(more=f"&oauth_callback_confirmed={said}"))
    session = session_at(answers, redirect_uri="https://rp.test/callback")
    with pytest.raises(ProviderResponseError) as caught:
        session.fetch_request_token(INITIATE_URL)
    assert caught.value.error == "callback_not_confirmed"
    assert session.token["oauth_token"] == TOKEN


@pytest.mark.parametrize("said", ["true", "True"], ids=lambda said: f"O01-{said}")
def test_a_confirmed_callback_is_fine(said: str) -> None:
    answers = Answers(credentials(more=f"&oauth_callback_confirmed={said}"))
    session = session_at(
        answers, redirect_uri="https://rp.test/callback", require_callback_confirmed=True
    )
    assert session.fetch_request_token(INITIATE_URL)["oauth_token"] == "new-token"


@pytest.mark.parametrize("row", ["O01-absent"])
def test_without_a_confirmation_there_is_one_warning(row: str) -> None:
    session = session_at(Answers(credentials()), redirect_uri="https://rp.test/callback")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        session.fetch_request_token(INITIATE_URL)
    assert [w.category for w in caught] == [UserWarning]
    assert "does not confirm the callback" in str(caught[0].message)


@pytest.mark.parametrize("row", ["O01-absent-required"])
def test_a_confirmation_can_be_required(row: str) -> None:
    session = session_at(
        Answers(credentials()),
        redirect_uri="https://rp.test/callback",
        require_callback_confirmed=True,
    )
    with pytest.raises(ProviderResponseError) as caught:
        session.fetch_request_token(INITIATE_URL)
    assert caught.value.error == "callback_not_confirmed"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://rp.test/?oauth_token=hers&oauth_verifier=v", id="O02-other"),
        pytest.param("https://rp.test/?oauth_token=&oauth_verifier=v", id="O02-empty"),
        pytest.param("https://rp.test/?oauth_verifier=v", id="O02-none"),
        pytest.param(
            f"https://rp.test/?oauth_token={TOKEN}&oauth_token=hers&oauth_verifier=v",
            id="O02-repeated",
        ),
        pytest.param(
            f"https://rp.test/?oauth_token={TOKEN}&oauth_verifier=v&oauth_verifier=w",
            id="O02-two-verifiers",
        ),
    ],
)
def test_somebody_elses_authorization_is_refused(url: str) -> None:
    answers = Answers(credentials())
    session = session_at(answers)
    with pytest.raises(OAuthError):
        session.parse_authorization_response(url)
    assert session.token == {
        "oauth_token": TOKEN,
        "oauth_token_secret": TOKEN_SECRET,
        "oauth_verifier": None,
    }
    with pytest.raises(MissingVerifierError):
        session.fetch_access_token(TOKEN_URL)
    assert answers.sent == []


@pytest.mark.parametrize("insecure_http", [False, True], ids=["O04", "O04-insecure_http"])
@pytest.mark.parametrize("place", ["HEADER", "QUERY", "BODY"])
def test_plaintext_is_not_sent_in_the_clear(place: str, insecure_http: bool) -> None:
    answers = Answers(credentials())
    session = session_at(
        answers,
        signature_method="PLAINTEXT",
        signature_type=place,
        insecure_http=insecure_http,
        verifier=VERIFIER,
    )
    for call in (
        lambda: session.post("http://api.test/", data={"a": "1"}),
        lambda: session.fetch_request_token("http://op.test/initiate"),
        lambda: session.fetch_access_token("http://op.test/token"),
    ):
        with pytest.raises(OAuthError) as caught:
            call()
        assert caught.value.error == "insecure_transport"
    assert answers.sent == []
    session.get("http://127.0.0.1/")
    assert len(answers.sent) == 1


@pytest.mark.parametrize("insecure_http", [False, True], ids=["O04", "O04-insecure_http"])
def test_a_redirect_takes_plaintext_nowhere_in_the_clear(insecure_http: bool) -> None:
    answers = Answers(Answer({}, 302, {"Location": "http://api.test/"}), Answer({}))
    session = session_at(answers, signature_method="PLAINTEXT", insecure_http=insecure_http)
    session.get("https://api.test/")
    assert "Authorization" not in answers.sent[1].headers
