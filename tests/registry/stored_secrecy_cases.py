"""Rows ST of the table of faults, and what stored tokens show of themselves."""

from __future__ import annotations

import contextlib
import pickle
import re
import traceback
from typing import Any

import pytest

from flask_oauthclient import LoginRequired
from flask_oauthclient import OAuthError
from flask_oauthclient import TokenKey
from flask_oauthclient.storage.tokens.account import Account
from tests.helpers.cases import Cases
from tests.requests_client._answers import CLIENT_SECRET
from tests.requests_client._answers import Answer
from tests.requests_client._answers import expired
from tests.requests_client._answers import token

from ._stored import KEYS
from ._stored import NEW
from ._stored import Stage
from ._stored import Worker
from ._stored import signed

cases = Cases()

SECRETS = (
    "access-token-old",
    "refresh-token-old",
    "access-token-new",
    "the-secret-of-the-id-token",
    *KEYS,
)
KEPT = expired(id_token="the-secret-of-the-id-token", userinfo={"email": "alice@example.com"})


def shows_no_secret(text: str) -> None:
    """Nothing that must not be seen is in a text."""
    assert [secret[:8] for secret in (*SECRETS, CLIENT_SECRET) if secret in text] == []


# -- the session cookie ----------------------------------------------------------------------------


@cases.row("ST01")
def cookie_of_the_application_has_nothing_of_a_token(stage: Stage) -> None:
    worker = stage.worker()

    @worker.app.post("/keep")
    def keep() -> str:
        worker.client().save_token(KEPT)
        return "kept"

    @worker.app.get("/call")
    def call() -> str:
        return str(worker.client().get("user").status_code)

    browser = worker.app.test_client()
    assert browser.post("/keep").text == "kept"
    answer = browser.get("/call")
    assert answer.text == "200"
    assert len(stage.token_calls) == 1
    assert "Set-Cookie" not in answer.headers
    shows_no_secret(str(answer.headers))


# -- keys ------------------------------------------------------------------------------------------


@cases.row("ST02")
def keys_are_rotated_while_the_tokens_are_used(stage: Stage) -> None:
    newest = "the key that comes after it, for tests"
    stage.put(token("good", expires_at=9_999_999_999))
    for keys in ([newest, *KEYS], KEYS):
        assert stage.worker(keys=keys).get().ok
    stage.put()
    assert stage.worker(keys=[newest, *KEYS]).get().ok  # the refreshed one has the new key
    assert stage.worker(keys=[newest]).get().ok
    assert len(stage.token_calls) == 1


@cases.row("ST02-wrong-key")
def wrong_key_means_no_token(stage: Stage) -> None:
    stage.put(KEPT)
    worker = stage.worker(keys=["a key that has nothing to do with it"])
    for _ in range(3):
        with pytest.raises(LoginRequired):
            worker.get()
    with worker.app.app_context():
        assert not worker.client().authorized
        assert worker.client().token is None
        assert worker.client().accounts() == []
        # And whoever signs in again can go on.
        worker.client().save_token(token("good", expires_at=9_999_999_999))
    assert worker.get().ok
    assert stage.watch.logged("does not open and counts as none")


@cases.row("ST02-copied")
def row_that_was_copied_to_another_person_does_not_open(stage: Stage) -> None:
    stage.put(KEPT)
    mallory = TokenKey("demo", "8")
    row = stage.store._rows.read(stage.key.row_id)
    assert row is not None
    stage.place.plant(mallory, row.sealed)
    worker = stage.worker()
    with worker.app.app_context(), pytest.raises(LoginRequired):
        worker.client("8").get("user")
    assert stage.stored == KEPT
    assert stage.answers.sent == []


# -- whose tokens they are -------------------------------------------------------------------------

#: Owners that some database takes for one another.
LIKE = [
    "user1",
    "USER1",
    "User1",
    "user1 ",
    " user1",
    "user1\t",
    "user1\0",
    "\N{FULLWIDTH LATIN SMALL LETTER U}ser1",
    "user\N{SUPERSCRIPT ONE}",
    "user1\N{ZERO WIDTH SPACE}",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "e\N{COMBINING ACUTE ACCENT}",
    "e",
    "\N{LATIN CAPITAL LETTER E WITH ACUTE}",
    "ss",
    "\N{LATIN SMALL LETTER SHARP S}",
    "i",
    "I",
    "\N{LATIN SMALL LETTER DOTLESS I}",
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}",
    "\N{ANGSTROM SIGN}",
    "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}",
    "A\N{COMBINING RING ABOVE}",
    "1",
    "01",
    "1.0",
    "1e0",
    "%",
    "_",
    "user%",
    "\N{GRINNING FACE}",
    "\N{SMILING FACE WITH OPEN MOUTH}",
    "a" * 255,
    "a" * 256,
    "'; DROP TABLE oauthclient_token; --",
]


def owners_that_look_alike_are_different_people(stage: Stage) -> None:
    """Row ST04: each has a token of the own, on each list, and signs out alone."""
    worker = stage.worker()
    for number, owner in enumerate(LIKE):
        with worker.app.app_context():
            worker.client(owner).save_token(token(f"of-{number}"))
    for number, owner in enumerate(LIKE):
        with worker.app.app_context():
            assert worker.client(owner).token["access_token"] == f"access-token-of-{number}"
        assert stage.store.list(owner) == [TokenKey("demo", owner)]
    for gone in LIKE[::2]:
        with worker.app.app_context():
            assert worker.oauth.forget_tokens(gone) == 1
    found = [stage.store.get(TokenKey("demo", owner)) for owner in LIKE]
    assert [token is None for token in found] == [not n % 2 for n in range(len(LIKE))]


@cases.row("ST04-labels")
def labels_and_clients_that_look_alike_are_different(stage: Stage) -> None:
    keys = [TokenKey(client, "7", label) for client in ("demo", "Demo") for label in LIKE]
    for number, key in enumerate(keys):
        stage.store.put(key, token(f"of-{number}"))
    for number, key in enumerate(keys):
        assert stage.store.get(key) == token(f"of-{number}")
    assert stage.store.list("7") == sorted(keys)


@cases.row("ST04-parts")
def parts_of_a_key_do_not_run_into_each_other(stage: Stage) -> None:
    keys = [
        TokenKey("demo", "a", "b"),
        TokenKey("demo", "ab"),
        TokenKey("demo", "", "ab"),
        TokenKey("demoa", "b"),
        TokenKey("demo", "a:1:b"),
        TokenKey("demo", "a\0b"),
        TokenKey("demo", "1:b", "a"),
    ]
    for number, key in enumerate(keys):
        stage.store.put(key, token(f"of-{number}"))
    assert [stage.store.get(key) for key in keys] == [token(f"of-{n}") for n in range(len(keys))]


# -- planted values --------------------------------------------------------------------------------

_exploded: list[bool] = []


def _explode() -> None:
    _exploded.append(True)


class _Bomb:
    def __reduce__(self) -> Any:
        return _explode, ()


PLANTED = {
    **{f"pickle-{p}": pickle.dumps(_Bomb(), p) for p in range(pickle.HIGHEST_PROTOCOL + 1)},
    "pickled-token": pickle.dumps(KEPT),
    "cachelib": b"!" + pickle.dumps(_Bomb()),
    "yaml": b"!!python/object/apply:os.system ['true']",
    "json": b'[["demo","7",""],{"access_token":"planted"},null]',
    "plain-token": b'{"access_token":"planted"}',
    "empty": b"",
    "zero": b"\0",
    "version": b"\x01",
    "short": b"\x01" + b"x" * 15,
    "other-version": b"\x02" + b"x" * 60,
    "long": b"\x01" + b"x" * 60_000,
    "text": b"planted",
}


@cases.rows("ST05", PLANTED)
def planted_value_is_no_token_and_in_nobodys_way(stage: Stage, planted: bytes) -> None:
    _exploded.clear()
    stage.place.plant(stage.key, planted)
    worker = stage.worker()
    with pytest.raises(LoginRequired):
        worker.get()
    assert stage.stored is None
    assert stage.store.list("7") == []
    assert stage.store.refresh(stage.key, KEPT, lambda current: NEW.document) is None
    assert _exploded == []
    stage.store.put(stage.key, token("good", expires_at=9_999_999_999))
    assert worker.get().ok


@cases.row("ST05-machine")
def planted_value_does_not_keep_the_client_from_a_token(stage: Stage) -> None:
    worker = stage.machine()
    for planted in PLANTED.values():
        _exploded.clear()
        stage.place.plant(stage.key, planted)
        assert worker.get().ok
        assert _exploded == []
    assert len(stage.token_calls) == len(PLANTED)


# -- what is shown ---------------------------------------------------------------------------------


@cases.row("ST08")
def nothing_that_holds_a_token_shows_it(stage: Stage) -> None:
    stage.put(KEPT)
    worker = stage.worker()
    with worker.app.app_context():
        client = worker.client()
        kept = client.token
        holders: list[Any] = [kept, client, worker.oauth, worker.oauth.demo, stage.store]
        holders += [Account(stage.store, stage.key), stage.key, stage.store.sealer, client.session]
        holders += [kept.copy(), {**kept} and kept | {}, client.framework, stage.stored]
        holders += [client.find_token(), client.session.token_auth.for_token(kept)]
        for holder in holders:
            shows_no_secret(f"{holder!r} {holder!s} {holder}")
            assert "alice@example.com" not in f"{holder!r}"
    for part in _parts_of(stage.store):
        shows_no_secret(repr(getattr(part, "__dict__", part)))


def _parts_of(store: Any) -> list[Any]:
    """A store, and what it is made of."""
    found, waiting = [], [store]
    while waiting:
        part = waiting.pop()
        if any(part is known for known in found):
            continue
        found.append(part)
        if type(part).__module__.startswith("flask_oauthclient"):
            waiting += list(getattr(part, "__dict__", {}).values())
    return found


FAILING: dict[str, Answer] = {
    "dead": Answer({"error": "invalid_grant"}, 400),
    "down": Answer({}, 503),
    "quoted": Answer({"error": "invalid_client", "error_description": "refresh-token-old"}, 401),
    "quoted-code": Answer({"error": "refresh-token-old"}, 400),
    "html": Answer(text="<p>refresh-token-old</p>", status=400),
    "type": Answer(token("new", token_type="mac")),
    "no-token": Answer({**token("new"), "access_token": None, "refresh_token": SECRETS[1]}),
    "too-large": Answer(token("new", x="y" * 70_000)),
    "no-header": Answer(token("new", access_token="access-token-new\r\n")),
    "id-token": Answer(token("new", id_token="no.token.this")),
}


@cases.rows("ST08-error", FAILING)
def error_of_a_refresh_shows_no_token(stage: Stage, answer: Answer) -> None:
    stage.put(KEPT)
    stage.answer_with(answer)
    worker = stage.openid()
    for _ in range(2):  # the second one is remembered, or asks to sign in
        error = _error_of(worker)
        shows_no_secret(f"{error} {error!r} {error.args} {vars(error)} {error.detail}")
        shows_no_secret("".join(traceback.format_exception(error)))


def _error_of(worker: Worker) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        worker.get()
    return caught.value


@cases.rows("ST08-frames", FAILING)
def frames_of_a_failing_refresh_show_no_token(stage: Stage, answer: Answer) -> None:
    kept = {**KEPT, "id_token": signed()}
    stage.put(kept)
    stage.answer_with(answer)
    error = _error_of(stage.openid())
    shown = [
        f"{frame.name} of {frame.filename} shows {name}"
        for frame in _frames_of(error)
        if "flask_oauthclient/" in frame.filename
        for name, value in (frame.locals or {}).items()
        if any(secret in value for secret in (*SECRETS, CLIENT_SECRET, kept["id_token"]))
    ]
    assert shown == []


def _frames_of(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an error and those behind it, as an error tracker has them."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    found, waiting = [], [told]
    while waiting:
        one = waiting.pop()
        found += list(one.stack)
        waiting += [each for each in (one.__cause__, one.__context__) if each is not None]
    return found


# -- people who go, and people who pretend ---------------------------------------------------------


@cases.row("ST09")
def tokens_of_a_deleted_user_are_deleted_and_revoked(stage: Stage) -> None:
    work = stage.key._replace(label="work")
    stage.put(KEPT)
    stage.put(expired("new"), work)
    stage.put(expired("bob"), stage.key._replace(owner="77"))
    worker = stage.openid()
    with worker.app.app_context():
        assert worker.oauth.forget_tokens("7") == 2
    assert stage.store.list("7") == []
    assert stage.store.list("77") == [stage.key._replace(owner="77")]
    revoked = [form["token"] for form in stage.answers.forms if "token" in form]
    assert sorted(revoked) == ["refresh-token-new", "refresh-token-old"]
    with pytest.raises(LoginRequired):
        worker.get()


@cases.row("ST09-provider-down")
def tokens_of_a_deleted_user_go_though_the_provider_is_away(stage: Stage) -> None:
    stage.put(KEPT)
    worker = stage.worker()  # which knows of no way to revoke
    with worker.app.app_context():
        assert worker.oauth.forget_tokens("7") == 1
    assert stage.stored is None


@cases.row("ST10")
def names_in_the_store_are_hashes(stage: Stage) -> None:
    for key in (stage.key, TokenKey("demo", "alice@example.com", "work"), TokenKey("demo")):
        names = (key.row_id, key.owner_id)
        assert all(re.fullmatch("[0-9a-f]{64}", name) for name in names)
        stage.store.put(key, KEPT)
        listed = stage.store._rows.of_owner(key.owner_id)
        assert key.row_id in [row_id for row_id, _ in listed]
        for row_id, row in listed:
            shows_no_secret(row_id + row.sealed.decode("latin-1"))
            assert "alice" not in row_id + row.sealed.decode("latin-1")
    # The name of a row says nothing of the token, which may change.
    before = stage.key.row_id
    stage.put(expired("new"))
    assert [row_id for row_id, _ in stage.store._rows.of_owner(stage.key.owner_id)] == [before]


FORGED = {
    "OIDC_CLAIM_sub": "7",
    "OIDC-Claim-Sub": "7",
    "X-Forwarded-User": "7",
    "X-Remote-User": "7",
    "Remote-User": "7",
    "X-Auth-Request-User": "7",
    "Authorization": "Bearer access-token-old",
}


@cases.row("ST12")
def headers_of_a_visitor_say_nothing_of_whose_tokens_are_used(stage: Stage) -> None:
    stage.put(KEPT)
    worker = stage.worker()

    @worker.app.get("/call")
    def call() -> str:
        with contextlib.suppress(LoginRequired):
            worker.oauth.demo.get("user")
        return str(worker.oauth.demo.authorized)

    answer = worker.app.test_client().get(
        "/call", headers=FORGED, environ_overrides={"REMOTE_USER": "7"}
    )
    assert answer.text == "False"
    assert stage.answers.sent == []
