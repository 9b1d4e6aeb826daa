"""Rows R of the table of faults, but for the refreshed ID token, with tokens in a store."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from flask_oauthclient import LoginRequired
from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import InvalidTokenError
from flask_oauthclient.protocol.errors import ProviderError
from flask_oauthclient.protocol.errors import TokenRequestError
from flask_oauthclient.protocol.errors import TokenStoreError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.requests_client import OAuth2Session
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_typed
from tests.requests_client._answers import TOKEN_URL
from tests.requests_client._answers import Answer
from tests.requests_client._answers import expired
from tests.requests_client._answers import token

from ._stored import DEAD
from ._stored import NEW
from ._stored import REFUSED
from ._stored import ROTATED
from ._stored import Heard
from ._stored import Stage
from ._stored import Worker

cases = Cases()


def fails(worker: Worker, kind: type[OAuthError] = ProviderError) -> OAuthError:
    """A call that fails with one of our errors."""
    with pytest.raises(kind) as caught:
        worker.get()
    return caught.value


# -- once for all ----------------------------------------------------------------------------------


@cases.row("R01")
def threads_share_one_refresh(stage: Stage) -> None:
    stage.put()
    stage.answer_with(_late(ROTATED), DEAD)  # a second one would be a reuse
    worker = stage.worker()
    assert _called_together([worker] * 20) == ["Bearer access-token-new"] * 20
    assert len(stage.token_calls) == 1


@cases.row("R02")
def workers_share_one_refresh(stage: Stage) -> None:
    stage.put()
    stage.answer_with(_late(ROTATED), DEAD)
    workers = [stage.worker() for _ in range(4)]
    assert _called_together(workers * 4) == ["Bearer access-token-new"] * 16
    assert len(stage.token_calls) == 1


@cases.row("R02-one-after-the-other")
def worker_that_comes_later_spends_no_old_token(stage: Stage) -> None:
    stage.put()
    stage.answer_with(ROTATED, DEAD)
    for _ in range(3):
        assert stage.worker().get().ok
    assert len(stage.token_calls) == 1


@cases.row("R02-same-access-token")
def refresh_token_alone_may_be_new(stage: Stage) -> None:
    stage.put()
    early, late = stage.worker(), stage.worker()
    with late.app.app_context():
        assert (
            late.client().token["refresh_token"] == "refresh-token-old"
        )  # read before the refresh
        fields = {"expires_in": 3600, "refresh_token": "refresh-token-2"}
        stage.answer_with(Answer(token("old", **fields)), DEAD)
        assert early.get().ok
        assert late.client().get("user").ok
    assert len(stage.token_calls) == 1


@cases.row("R02-machine")
def workers_share_one_token_of_the_client(stage: Stage) -> None:
    workers = [stage.machine() for _ in range(4)]
    stage.answer_with(_late(NEW), Answer({"error": "invalid_client"}, 401))
    assert _called_together(workers * 2) == ["Bearer access-token-new"] * 8
    assert len(stage.token_calls) == 1


def _late(answer: Answer) -> Any:
    """Answer while others are waiting."""

    def late(request: Any) -> Answer:
        threading.Event().wait(0.05)
        return answer

    return late


def _called_together(workers: list[Worker]) -> list[str]:
    barrier = threading.Barrier(len(workers))

    def one(worker: Worker) -> str:
        barrier.wait(30)
        return str(worker.get().request.headers["Authorization"])

    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(one, workers))


# -- somebody else was faster ----------------------------------------------------------------------


def _meanwhile(stage: Stage, work: Any, answer: Answer = DEAD) -> None:
    """Let another process, which has no lock, do something while the provider is asked."""

    def answered(request: Any) -> Answer:
        work()
        return answer

    stage.answer_with(answered)


@cases.rows(
    "R04",
    {
        "rotated": expired("stored", expires_at=9_999_999_999),
        "same-access-token": expired("old", expires_at=9_999_999_999, refresh_token="r" * 20),
        "no-refresh-token": token("stored"),
    },
)
def token_that_another_process_stored_is_used(stage: Stage, stored: Any) -> None:
    stage.put()
    other = stage.place.open_store(["the key that seals the tokens of these tests"])
    _meanwhile(stage, lambda: other.put(stage.key, stored))
    answer = stage.worker().get()
    assert answer.request.headers["Authorization"] == f"Bearer {stored['access_token']}"
    assert stage.stored == stored
    assert len(stage.token_calls) == 1


@cases.rows("R04-signed-out", {"refused": DEAD, "granted": ROTATED})
def sign_out_wins_over_a_refresh(stage: Stage, answer: Answer) -> None:
    stage.put()
    _meanwhile(stage, lambda: stage.store.delete(stage.key), answer)
    fails(stage.worker(), LoginRequired)
    assert stage.stored is None
    assert len(stage.token_calls) == 1


@cases.rows("R04-signed-in-again", {"granted": ROTATED, "down": Answer({}, 503)})
def new_sign_in_wins_over_a_refresh(stage: Stage, answer: Answer) -> None:
    stage.put()
    again = expired("again", expires_at=9_999_999_999)
    _meanwhile(stage, lambda: stage.store.put(stage.key, again), answer)
    worker = stage.worker()
    if answer.status == 503:
        fails(worker, TransportError)
    sent = worker.get().request.headers["Authorization"]
    assert sent == "Bearer access-token-again"
    assert stage.stored == again


# -- failures that may pass ------------------------------------------------------------------------


def _raising(kind: Any, *args: Any) -> Any:
    def broken(request: Any) -> Answer:
        raise kind(*args)

    return broken


STATUSES = (500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 529, 599)
JSON = {"Content-Type": "application/json"}
ELSEWHERE = {"Location": "https://evil.test/token"}
BROKEN: dict[str, Any] = {
    **{str(status): Answer({}, status) for status in STATUSES},
    "500-invalid-grant": Answer({"error": "invalid_grant"}, 500),
    "503-token": Answer(token("new"), 503),
    "connect-timeout": _raising(requests.ConnectTimeout),
    "read-timeout": _raising(requests.ReadTimeout),
    "refused": _raising(requests.ConnectionError, "refused"),
    "reset": _raising(ConnectionResetError),
    "tls": _raising(requests.exceptions.SSLError, "certificate"),
    "proxy": _raising(requests.exceptions.ProxyError, "proxy"),
    "cut-off": _raising(requests.exceptions.ChunkedEncodingError, "cut"),
    "decoding": _raising(requests.exceptions.ContentDecodingError, "gzip"),
    "os": _raising(OSError, "no more sockets"),
    **{str(status): Answer({}, status, ELSEWHERE) for status in (301, 302, 303, 307, 308)},
    "html": Answer(text="<p>Please sign in to the network</p>"),
    "html-404": Answer(text="<h1>Not found</h1>", status=404),
    "empty": Answer(text="", headers=JSON),
    "204": Answer(text="", status=204),
    "half": Answer(text='{"access_token": "access-tok', headers=JSON),
    "array": Answer([]),
    "null": Answer(None),
    "number": Answer(text="5", headers=JSON),
    "twice": Answer(text='{"access_token": "a", "access_token": "b"}', headers=JSON),
    "nan": Answer(text='{"access_token": "a", "expires_in": NaN}', headers=JSON),
    "deep": Answer(text='{"a":' + "[" * 100_000 + "]" * 100_000 + "}", headers=JSON),
    "huge": Answer(text=json.dumps({**token("new"), "x": "y" * 300_000}), headers=JSON),
    "long-number": Answer(text='{"access_token": "a", "expires_in": ' + "9" * 9000 + "}"),
    "no-token": Answer({"token_type": "Bearer"}),
    "empty-token": Answer(token("new", access_token="")),
    "token-of-another-kind": Answer(token("new", access_token={"value": "x"})),
    "token-that-is-no-header": Answer(token("new", access_token="a\r\nX: y")),
    "other-type": Answer(token("new", token_type="mac")),
    "type-of-another-kind": Answer(token("new", token_type=["Bearer"])),
    "400": Answer({}, 400),
    "429": Answer({}, 429, {"Retry-After": "5"}),
}


@cases.rows("R09", BROKEN)
def failure_that_may_pass_loses_no_token(stage: Stage, broken: Any) -> None:
    stage.put()
    stage.answer_with(broken)
    worker, other = stage.worker(), stage.worker()
    heard = Heard(worker.app)
    first = fails(worker, OAuthError)
    assert_typed(first, first.error)
    assert first.http_status in (502, 503, 504)
    assert not isinstance(first, LoginRequired)
    assert heard.failed == [first.error]
    # R05: neither this worker nor another one asks again at once.
    for again in (worker, other, worker):
        assert fails(again, OAuthError).error == first.error
    assert heard.failed == [first.error]
    assert [request.url for request in stage.answers.sent] == [TOKEN_URL]
    assert stage.stored == expired()
    stage.answer_with(ROTATED)
    stage.clock.advance(31)
    assert other.get().ok
    assert worker.get().ok
    assert len(stage.token_calls) == 2
    assert stage.forms[-1]["refresh_token"] == "refresh-token-old"


@cases.rows("R09-early", {"503": Answer({}, 503), "type": Answer(token("new", token_type="mac"))})
def failure_before_the_token_expires_disturbs_nobody(stage: Stage, broken: Answer) -> None:
    stage.put(expired(expires_at=int(time.time()) + 30))
    stage.answer_with(broken)
    worker = stage.worker()
    for _ in range(3):
        assert worker.get().ok
    assert len(stage.token_calls) == 1


@cases.row("R05")
def failure_of_one_person_is_not_that_of_another(stage: Stage) -> None:
    bob = stage.key._replace(owner="8")
    stage.put()
    stage.put(expired("bob"), bob)
    stage.answer_with(Answer({}, 503), NEW)
    worker = stage.worker()
    fails(worker)
    with worker.app.app_context():
        assert worker.client("8").get("user").ok
    assert len(stage.token_calls) == 2


@cases.row("R05-signed-in-again")
def new_sign_in_ends_the_memory_of_a_failure(stage: Stage) -> None:
    stage.put()
    stage.answer_with(Answer({}, 503), NEW)
    worker = stage.worker()
    fails(worker)
    stage.put(expired("again"))
    assert worker.get().ok


@cases.rows("R05-seconds", {"29": (29, 1), "31": (31, 2), "back": (-3600, 2)})
def failure_is_remembered_for_half_a_minute(stage: Stage, given: Any) -> None:
    seconds, calls = given
    stage.put()
    stage.answer_with(Answer({}, 503))
    worker = stage.worker()
    fails(worker)
    stage.clock.advance(seconds)
    fails(worker)
    assert len(stage.token_calls) == calls


@cases.row("R05-machine")
def failure_of_the_client_is_remembered(stage: Stage) -> None:
    workers = [stage.machine() for _ in range(2)]
    stage.answer_with(Answer({}, 503), NEW)
    for worker in workers * 2:
        fails(worker, TransportError)
    assert len(stage.token_calls) == 1
    stage.clock.advance(31)
    assert all(worker.get().ok for worker in workers)
    assert len(stage.token_calls) == 2


# -- what a refresh leaves out ---------------------------------------------------------------------


@cases.rows(
    "R06",
    {
        "absent": {},
        "null": {"refresh_token": None},
        "empty": {"refresh_token": ""},
        "zero": {"refresh_token": 0},
        "false": {"refresh_token": False},
        "true": {"refresh_token": True},
        "list": {"refresh_token": []},
        "object": {"refresh_token": {"value": "x"}},
    },
)
def old_refresh_token_is_kept(stage: Stage, fields: Any) -> None:
    stage.put(expired(scope="a b", custom={"x": 1}))
    stage.answer_with(Answer(token("new", expires_in=60, **fields)))
    worker = stage.worker()
    assert worker.get().ok
    assert stage.stored["refresh_token"] == "refresh-token-old"
    assert (stage.stored["scope"], stage.stored["custom"]) == ("a b", {"x": 1})
    stage.clock.advance(61)
    assert worker.get().ok
    assert [form["refresh_token"] for form in stage.forms] == ["refresh-token-old"] * 2


@cases.rows("R06-rotated", {"text": "refresh-token-2", "number": 12345})
def new_refresh_token_is_used_from_then_on(stage: Stage, second: Any) -> None:
    stage.put()
    stage.answer_with(Answer(token("2", expires_in=60, refresh_token=second)), NEW)
    assert stage.worker().get().ok
    stage.clock.advance(61)
    assert stage.worker().get().ok
    spent = [form["refresh_token"] for form in stage.forms]
    assert spent == ["refresh-token-old", str(second)]


@cases.row("R06-too-large")
def token_that_cannot_be_kept_is_not_refreshed_twice(stage: Stage) -> None:
    stage.put()
    large = token("new", expires_in=3600, refresh_token="refresh-token-new", x="y" * 70_000)
    stage.answer_with(Answer(large), DEAD)
    worker = stage.worker()
    assert fails(worker, TokenStoreError).error == "token_too_large"
    # The refresh token is spent: to send it once more would look like theft.
    fails(worker, LoginRequired)
    assert len(stage.token_calls) == 1


@cases.rows("R06-deep", [40, 90, 300, 900])
def nested_answers_are_kept_or_refused(stage: Stage, depth: Any) -> None:
    stage.put()
    nested = '{"access_token": "access-token-new", "expires_in": 3600, "x": ' + "[" * depth
    stage.answer_with(Answer(text=nested + "]" * depth + "}", headers=JSON))
    worker = stage.worker()
    for _ in range(2):
        try:
            assert worker.get().ok
        except OAuthError as error:
            assert_typed(error, "invalid_response")
            assert stage.stored == expired()
    assert len(stage.token_calls) == 1


# -- refusals --------------------------------------------------------------------------------------

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GONE = {
    **{str(status): Answer({"error": "invalid_grant"}, status) for status in (200, 400, 401, 403)},
    "404": Answer({"error": "invalid_grant"}, 404),
    "challenge": Answer({"error": "invalid_grant"}, 401, {"WWW-Authenticate": "Basic"}),
    "described": Answer({"error": "invalid_grant", "error_description": "<b>so says \r\n it"}, 400),
    "junk": Answer({"error": "invalid_grant", "error_description": [1], "error_uri": 5, "x": {}}),
    "with-a-token": Answer({**token("new", expires_in=3600), "error": "invalid_grant"}),
    "form": Answer(text="error=invalid_grant", status=400, headers=FORM),
    "quoted": Answer({"error": "invalid_grant", "error_description": "refresh-token-old"}, 400),
}


@cases.rows("R08", GONE)
def grant_that_is_over_needs_a_login(stage: Stage, answer: Answer) -> None:
    stage.put()
    stage.put(expired("bob"), stage.key._replace(owner="8"))
    stage.answer_with(answer)
    worker = stage.worker()
    heard = Heard(worker.app)
    error = fails(worker, LoginRequired)
    assert_typed(error, "sign_in_required")
    assert isinstance(error, InvalidTokenError)
    assert (error.http_status, error.detail) == (401, {"client": "demo"})
    assert heard.failed == ["invalid_grant"]
    assert stage.stored is None
    assert stage.store.list("7") == []
    assert stage.store.list("8") == [stage.key._replace(owner="8")]
    for again in (worker, stage.worker()):
        fails(again, LoginRequired)
        with again.app.app_context():
            assert not again.client().authorized
    assert [request.url for request in stage.answers.sent] == [TOKEN_URL]


@cases.row("R08-in-one-request")
def dropped_token_is_gone_for_the_rest_of_the_request(stage: Stage) -> None:
    stage.put()
    stage.answer_with(DEAD)
    worker = stage.worker()
    with worker.app.test_request_context():
        client = worker.client()
        assert client.token is not None
        with pytest.raises(LoginRequired):
            client.get("user")
        assert client.token is None
        assert not client.authorized


@cases.row("R08-refused-by-the-api")
def revoked_grant_needs_a_login(stage: Stage) -> None:
    stage.put(expired(expires_at=9_999_999_999))
    stage.answer_with(DEAD)
    stage.at_api = REFUSED
    fails(stage.worker(), LoginRequired)
    assert stage.stored is None
    assert len(stage.api_calls) == 1


@cases.row("R08-early")
def grant_that_is_over_is_noticed_early(stage: Stage) -> None:
    stage.put(expired(expires_at=int(time.time()) + 30))
    stage.answer_with(DEAD)
    fails(stage.worker(), LoginRequired)
    assert stage.stored is None


@cases.row("R08-own-error-class")
def session_with_an_error_class_of_its_own_changes_nothing(stage: Stage) -> None:
    class OwnError(OAuthError):
        pass

    def fix(session: OAuth2Session) -> None:
        session.oauth_error_class = OwnError  # type: ignore[misc]

    stage.put()
    stage.answer_with(DEAD)
    fails(stage.worker(compliance_fix=fix), LoginRequired)
    assert stage.stored is None


@cases.row("R08-machine")
def client_with_a_refresh_token_has_its_own_way(stage: Stage) -> None:
    worker = stage.machine()
    stage.put(expired())
    stage.answer_with(lambda request: DEAD if b"refresh" in _body(request) else NEW)
    assert worker.get().ok
    assert stage.stored["access_token"] == "access-token-new"


def _body(request: Any) -> bytes:
    body = request.body
    return body if isinstance(body, bytes) else str(body).encode()


OTHERS: dict[str, Any] = {
    **{
        code: Answer({"error": code}, 400)
        for code in (
            "invalid_request",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
            "invalid_target",
            "server_error",
            "temporarily_unavailable",
            "slow_down",
            "access_denied",
            "INVALID_GRANT",
            "invalid_grants",
            "something_else",
        )
    },
    "invalid_client": Answer({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"}),
    "challenge-only": Answer(text="", status=401, headers={"WWW-Authenticate": "Basic"}),
    "null": Answer({"error": None}, 400),
    "number": Answer({"error": 5}, 400),
    "list": Answer({"error": ["invalid_grant"]}, 400),
    "object": Answer({"error": {"code": "invalid_grant"}}, 400),
    "empty": Answer({"error": ""}, 400),
    "control": Answer({"error": "invalid_grant\r\n"}, 400),
    "elsewhere": Answer({"error_description": "invalid_grant", "x": "invalid_grant"}, 400),
}


@cases.rows("R08-other", OTHERS)
def other_refusal_keeps_the_token(stage: Stage, answer: Answer) -> None:
    stage.put()
    stage.answer_with(answer)
    worker = stage.worker()
    first = fails(worker)
    assert not isinstance(first, LoginRequired)
    assert isinstance(first, TokenRequestError | ProviderError)
    assert fails(stage.worker()).error == first.error
    assert stage.stored == expired()
    assert len(stage.token_calls) == 1


# -- clocks ----------------------------------------------------------------------------------------


@cases.rows("R16", [-60, -3600, -86_400, -(10**8)])
def clock_that_jumps_back_makes_no_storm(stage: Stage, seconds: Any) -> None:
    stage.put()
    worker = stage.worker()
    assert worker.get().ok
    stage.clock.advance(seconds)
    for _ in range(5):
        assert worker.get().ok
    assert len(stage.token_calls) <= 2
    stage.clock.advance(-seconds)  # set right again
    for _ in range(5):
        assert worker.get().ok
    assert len(stage.token_calls) <= 3


@cases.row("R16-refused")
def clock_that_jumps_back_makes_no_token_good_for_ever(stage: Stage) -> None:
    good = ["Bearer access-token-newer"]
    stage.put()
    stage.answer_with(NEW, Answer(token("newer", expires_in=3600)))
    worker = stage.worker()
    assert worker.get().ok
    stage.clock.advance(-3600)
    stage.at_api = lambda request: (
        Answer({}) if request.headers["Authorization"] in good else REFUSED
    )
    for _ in range(5):
        assert worker.get().ok
    assert len(stage.token_calls) == 2


@cases.row("R16-down")
def clock_that_jumps_back_while_the_provider_is_down(stage: Stage) -> None:
    stage.put()
    stage.answer_with(NEW, Answer({}, 503))
    worker = stage.worker()
    assert worker.get().ok
    stage.clock.advance(-3600)
    for _ in range(5):
        assert worker.get().ok
    assert len(stage.token_calls) == 2


@cases.rows("R16-forward", [7200, 10**8])
def clock_that_jumps_ahead_makes_one_request(stage: Stage, seconds: Any) -> None:
    stage.put(token("good", expires_in=3600, expires_at=int(time.time()) + 3600, refresh_token="r"))
    worker = stage.worker()
    stage.clock.advance(seconds)
    for _ in range(5):
        assert worker.get().ok
    assert len(stage.token_calls) == 1


# -- moments of expiry -----------------------------------------------------------------------------

PAST = {
    "zero": 0,
    "negative": -1,
    "far-back": -(10**400),
    "minus-zero": -0.0,
    "text-zero": "0",
    "text": "1000000000",
    "text-fraction": "1000000000.5",
    "text-exponent": "1e9",
    "spaces": " 1000000000 ",
    "fraction": 1.5,
    "32-bit": -(2**31),
}
FUTURE = {
    "text": "4102444800",
    "far": 4102444800,
    "2038": 2**31,
    "beyond-2038": 2**33,
    "milliseconds": 4102444800000,
    "text-fraction": "4102444800.75",
    "huge": 1e300,
    "long": 10**200,
}
UNKNOWN: dict[str, Any] = {
    "word": "soon",
    "empty": "",
    "null": None,
    "true": True,
    "false": False,
    "list": [1],
    "object": {"at": 1},
    "iso": "2038-01-19T03:14:07Z",
    "text-nan": "nan",
    "text-infinite": "-inf",
    "too-long": 10**400,
}


@cases.rows("R17", PAST)
def moment_in_the_past_is_expired(stage: Stage, expires_at: Any) -> None:
    if expires_at == PAST["far-back"]:
        expires_at = "-1" + "0" * 90
    stage.put(expired(expires_at=expires_at))
    worker = stage.worker()
    for _ in range(2):
        assert worker.get().ok
    assert len(stage.token_calls) == 1
    stage.put(token("without-refresh", expires_at=expires_at))
    fails(worker, LoginRequired)


@cases.rows("R17-good", FUTURE)
def moment_in_the_future_is_not_expired(stage: Stage, expires_at: Any) -> None:
    stage.put(expired(expires_at=expires_at))
    worker = stage.worker()
    for _ in range(2):
        assert worker.get().ok
    assert stage.token_calls == []
    assert stage.stored["expires_at"] == expires_at


@cases.rows("R17-unknown", UNKNOWN)
def moment_that_is_none_is_for_the_api_to_know(stage: Stage, expires_at: Any) -> None:
    stage.put(expired(expires_at=expires_at))
    worker = stage.worker()
    for _ in range(2):
        assert worker.get().ok
    assert stage.token_calls == []
    stage.at_api = lambda request: REFUSED if len(stage.api_calls) == 3 else Answer({})
    assert worker.get().ok
    assert len(stage.token_calls) == 1


#: What a provider says of the lifetime of a refreshed token.
LIFETIMES: dict[str, Any] = {
    "number": {"expires_in": 3600},
    "text": {"expires_in": "3600"},
    "fraction": {"expires_in": 3600.5},
    "text-fraction": {"expires_in": "3600.5"},
    "zero": {"expires_in": 0},
    "negative": {"expires_in": -1},
    "null": {"expires_in": None},
    "word": {"expires_in": "an hour"},
    "list": {"expires_in": [3600]},
    "true": {"expires_in": True},
    "huge": {"expires_in": 10**30},
    "longer": {"expires_in": 10**400},
    "absent": {},
    "at-milliseconds": {"expires_in": 3600, "expires_at": 4102444800000},
    "at-iso": {"expires_in": 3600, "expires_at": "2038-01-19T03:14:07Z"},
    "at-null": {"expires_in": 3600, "expires_at": None},
    "at-another-clock": {"expires_in": 3600, "expires_at": 1_000_000_000},
    "at-only": {"expires_at": 4102444800},
    "at-text": {"expires_at": "4102444800"},
}


@cases.rows("R17-answer", LIFETIMES)
def lifetime_of_a_refreshed_token_makes_no_storm(stage: Stage, fields: Any) -> None:
    stage.put()
    stage.answer_with(Answer(token("new", **fields)))
    worker = stage.worker()
    for _ in range(5):
        assert worker.get().ok
    assert len(stage.token_calls) == 1
    if fields.get("expires_in") in (3600, "3600", 3600.5, "3600.5"):
        stage.clock.advance(3600)
        assert worker.get().ok
        assert len(stage.token_calls) == 2


@cases.rows(
    "R17-lifetime", {"text": "60", "negative": -5, "word": "x", "huge": 1e308, "none": None}
)
def odd_lifetime_beside_the_moment_changes_nothing(stage: Stage, expires_in: Any) -> None:
    stage.put(expired(expires_in=expires_in))
    worker = stage.worker()
    for _ in range(2):
        assert worker.get().ok
    assert len(stage.token_calls) == 1


# -- tokens that lack something --------------------------------------------------------------------


@cases.rows(
    "R17-no-access-token", {"absent": {}, "null": {"access_token": None}, "": {"access_token": ""}}
)
def refresh_token_alone_is_enough(stage: Stage, fields: Any) -> None:
    stage.put({"refresh_token": "refresh-token-old", **fields})
    worker = stage.worker()
    for _ in range(2):
        assert worker.get().ok
    assert len(stage.token_calls) == 1


# -- scope -----------------------------------------------------------------------------------------

WIDER = "wider than before"


@cases.rows("R20", {"text": "a b c", "list": ["a", "b", "c"], "other": "z"})
def wider_scope_is_flagged_and_visible(stage: Stage, scope: Any) -> None:
    stage.put(expired(scope="a b"))
    stage.answer_with(Answer(token("new", expires_in=3600, scope=scope)))
    assert stage.worker().get().ok
    assert stage.stored["scope"] == scope
    assert stage.watch.logged(WIDER)


@cases.rows(
    "R20-not-wider",
    {"same": "b a", "narrower": "a", "absent": None, "empty": "", "number": 5, "list": ["b"]},
)
def another_scope_is_not_flagged(stage: Stage, scope: Any) -> None:
    stage.put(expired(scope="a b"))
    stage.answer_with(Answer(token("new", expires_in=3600, scope=scope)))
    assert stage.worker().get().ok
    assert not stage.watch.logged(WIDER)
