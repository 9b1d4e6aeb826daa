"""Rows R10-R14 of the table of faults: the ID token of a refresh, with tokens in a store."""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauthclient import LoginRequired
from flask_oauthclient.protocol.errors import IDTokenError
from tests.helpers.cases import Cases
from tests.helpers.rejection import assert_typed
from tests.protocol._keys import b64
from tests.protocol._keys import make_key
from tests.requests_client._answers import CLIENT_ID
from tests.requests_client._answers import Answer
from tests.requests_client._answers import expired
from tests.requests_client._answers import token

from ._stored import SIGNING_KEY
from ._stored import Heard
from ._stored import Stage
from ._stored import Worker
from ._stored import claims
from ._stored import signed

cases = Cases()

#: What is kept of a login, by its form.
LOGINS: dict[str, Any] = {
    "both": lambda: {"id_token": signed(), "userinfo": claims()},
    "id-token": lambda: {"id_token": signed()},
    "userinfo": lambda: {"userinfo": claims()},
    "null": lambda: {"id_token": signed(), "userinfo": None},
    "empty": lambda: {"id_token": signed(), "userinfo": {}},
}
NOTHING: dict[str, Any] = {
    "absent": dict,
    "null": lambda: {"id_token": None, "userinfo": None},
    "empty": lambda: {"id_token": "", "userinfo": {}},
}


def refreshed(stage: Stage, login: Any, id_token: Any) -> Worker:
    """A worker that finds an expired token of a login, for which another ID token will come."""
    stage.put(expired(**login))
    fields = {"expires_in": 3600, "refresh_token": "refresh-token-new", "id_token": id_token}
    stage.answer_with(Answer(token("new", **fields)))
    return stage.openid()


def is_rejected(stage: Stage, worker: Worker) -> IDTokenError:
    """The refresh is refused, its token reaches nobody, and nothing is sent a second time."""
    heard = Heard(worker.app)
    with pytest.raises(IDTokenError) as caught:
        worker.get()
    assert_typed(caught.value, caught.value.error)
    assert heard.failed == [caught.value.error]
    assert heard.refreshed == []
    assert stage.stored is None
    with pytest.raises(LoginRequired):
        worker.get()
    assert len(stage.token_calls) == 1
    assert stage.api_calls == []
    return caught.value


def is_accepted(stage: Stage, worker: Worker) -> Any:
    """The refresh is good, and kept."""
    assert worker.get().ok
    assert worker.get().ok
    assert len(stage.token_calls) == 1
    assert stage.stored["access_token"] == "access-token-new"
    assert stage.stored["refresh_token"] == "refresh-token-new"
    return stage.stored


OTHERS = {
    "R10": {"sub": "mallory"},
    "R10-case": {"sub": "Alice"},
    "R10-space": {"sub": "alice "},
    "R10-absent": {"sub": None},
    "R10-empty": {"sub": ""},
    "R10-list": {"sub": ["alice"]},
    "R10-number": {"sub": 5},
    "R10-iss": {"iss": "https://evil.test"},
    "R10-iss-slash": {"iss": "https://op.test/"},
    "R10-aud": {"aud": "another"},
    "R10-aud-wider": {"aud": [CLIENT_ID, "another"]},
    "R10-azp": {"azp": "another"},
    "R12": {"auth_time": 1_700_000_001},
    "R12-zero": {"auth_time": 0},
    "R12-text": {"auth_time": "1700000000"},
    "R12-future": {"auth_time": 9_999_999_999},
    "R13": {"nonce": "another"},
    "R13-case": {"nonce": "The-Nonce-Of-The-Login"},
    "R13-empty": {"nonce": ""},
    "R13-list": {"nonce": ["the-nonce-of-the-login"]},
    "R10-expired": {"sub": "mallory", "exp": 1},
    "R12-immature": {"auth_time": 1, "iat": 9_999_999_999},
}


def _add_others(row: str, change: dict[str, Any]) -> None:
    @cases.rows(row, LOGINS)
    def id_token_of_another_login(stage: Stage, login: Any) -> None:
        is_rejected(stage, refreshed(stage, login(), signed(**change)))


for _row, _change in OTHERS.items():
    _add_others(_row, _change)


#: ID tokens that nobody has signed, or somebody else, or that are none.
UNSIGNED: dict[str, Any] = {
    "tampered": lambda: _tampered(signed()),
    "cut-off": lambda: signed()[:-4],
    "no-signature": lambda: signed().rpartition(".")[0] + ".",
    "none": lambda: signed({"alg": "none"}, None),
    "None": lambda: signed({"alg": "None"}, None),
    "other-key": lambda: signed(key=make_key("ES256", "theirs")),
    "key-in-header": lambda: signed(
        {"jwk": make_key("ES256", "theirs").jwk}, make_key("ES256", "theirs")
    ),
    "hmac-of-public-key": lambda: signed({"alg": "HS256"}, make_key("HS256", "public")),
    "critical": lambda: signed({"crit": ["x"], "x": 1}),
    "access-token": lambda: signed({"typ": "at+jwt"}),
    "swapped-claims": lambda: _with_claims(signed(), '{"sub":"mallory"}'),
    "text": lambda: "no token at all",
    "dots": lambda: "..",
    "five-parts": lambda: "a.b.c.d.e",
    "number": lambda: 5,
    "true": lambda: True,
    "list": lambda: [signed()],
    "object": lambda: {"jwt": signed()},
    "large": lambda: "x" * 200_000,
}


def _tampered(jwt: str) -> str:
    head, _, signature = jwt.rpartition(".")
    return f"{head}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


def _with_claims(jwt: str, payload: str) -> str:
    header, _, signature = jwt.split(".")
    return f"{header}.{b64(payload)}.{signature}"


@cases.rows("R14", UNSIGNED)
def id_token_without_a_good_signature(stage: Stage, make: Any) -> None:
    is_rejected(stage, refreshed(stage, LOGINS["both"](), make()))


@cases.rows("R14-nothing-to-compare", ["tampered", "none", "other-key", "text", "number"])
def id_token_is_verified_though_there_was_none_before(stage: Stage, name: Any) -> None:
    is_rejected(stage, refreshed(stage, {}, UNSIGNED[name]()))


#: Headers of ID tokens whose keys nobody has published.
UNKNOWN: dict[str, Any] = {"kid": {"kid": "another"}, "alg": {"alg": "RS256"}, "type": {"kid": 5}}


@cases.rows("R14-key-unknown", ["kid", "alg"])
def id_token_of_a_key_that_is_not_published_is_not_believed(stage: Stage, header: Any) -> None:
    login, unknown = LOGINS["both"](), signed(UNKNOWN[header], make_key("ES256", "theirs"))
    stored = is_accepted(stage, refreshed(stage, login, unknown))
    assert (stored["id_token"], stored["userinfo"]) == (login["id_token"], login["userinfo"])


@cases.row("R14-key-unknown-first")
def first_id_token_that_cannot_be_verified_is_dropped(stage: Stage) -> None:
    unknown = signed(UNKNOWN["kid"], make_key("ES256", "theirs"))
    assert "id_token" not in is_accepted(stage, refreshed(stage, {}, unknown))


@cases.rows("R10-key-unknown", ["kid", "alg", "type"])
def id_token_about_somebody_else_is_rejected_whoever_signed_it(stage: Stage, header: Any) -> None:
    unknown = signed(UNKNOWN[header], make_key("ES256", "theirs"), sub="mallory")
    is_rejected(stage, refreshed(stage, LOGINS["both"](), unknown))


@cases.rows("R16-id-token", {"expired": {"exp": 1}, "immature": {"iat": 9_999_999_999}})
def id_token_that_a_wrong_clock_has_made_loses_no_refresh_token(stage: Stage, change: Any) -> None:
    login = LOGINS["both"]()
    stored = is_accepted(stage, refreshed(stage, login, signed(**change)))
    assert stored["id_token"] == login["id_token"]


FINE: dict[str, dict[str, Any]] = {
    "same": {},
    "without-nonce": {"nonce": None},
    "without-auth-time": {"auth_time": None},
    "aud-in-a-list": {"aud": [CLIENT_ID]},
    "more-claims": {"email": "alice@new.example"},
    "fraction": {"auth_time": 1_700_000_000.0},
}


def _add_fine(name: str, change: dict[str, Any]) -> None:
    @cases.rows(f"R13-fine-{name}", LOGINS)
    def id_token_of_the_same_login(stage: Stage, login: Any) -> None:
        kept, fresh = login(), signed(**change)
        stored = is_accepted(stage, refreshed(stage, kept, fresh))
        assert stored["id_token"] == fresh
        if kept.get("userinfo") is not None:
            assert stored["userinfo"]["sub"] == "alice"


for _row, _change in FINE.items():
    _add_fine(_row, _change)


@cases.rows("R10-nothing-known", NOTHING)
def first_id_token_of_all_may_come_with_a_refresh(stage: Stage, login: Any) -> None:
    fresh = signed()
    assert is_accepted(stage, refreshed(stage, login(), fresh))["id_token"] == fresh


@cases.rows("R10-left-out", {"null": None, "empty": ""})
def refresh_without_an_id_token_keeps_the_first(stage: Stage, id_token: Any) -> None:
    login = LOGINS["both"]()
    stored = is_accepted(stage, refreshed(stage, login, id_token))
    assert (stored["id_token"], stored["userinfo"]) == (login["id_token"], login["userinfo"])


@cases.rows("R10-userinfo", {"text": "alice", "list": ["alice"], "number": 5, "no-sub": {"x": 1}})
def odd_claims_that_an_application_has_kept_are_no_accident(stage: Stage, kept: Any) -> None:
    login = {"id_token": signed(), "userinfo": kept}
    is_rejected(stage, refreshed(stage, login, signed(sub="mallory")))


@cases.row("R14-chain")
def each_refresh_is_compared_with_the_login(stage: Stage) -> None:
    worker = refreshed(stage, LOGINS["both"](), signed(nonce=None, auth_time=None))
    assert worker.get().ok
    fields = {"expires_in": 3600, "id_token": signed(nonce="another")}
    stage.answer_with(Answer(token("newer", **fields)))
    stage.clock.advance(3600)
    with pytest.raises(IDTokenError):
        worker.get()
    assert stage.stored is None


@cases.row("R10-userinfo-endpoint")
def userinfo_after_a_refresh_is_about_the_same_person(stage: Stage) -> None:
    worker = refreshed(stage, LOGINS["both"](), signed())
    assert worker.userinfo()["sub"] == "alice"
    assert SIGNING_KEY.kid == "key-1"
    assert len(stage.token_calls) == 1
