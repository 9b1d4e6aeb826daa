"""A login is kept until its callback and taken by the browser that started it, once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cachelib
import pytest
import redis
from pymemcache.client.base import Client  # type: ignore[import-untyped]

from flask_oauthclient import OAuthError
from flask_oauthclient.protocol.errors import MismatchingStateError
from flask_oauthclient.protocol.errors import StateStoreError
from flask_oauthclient.storage.login_cookie import cookie_names
from flask_oauthclient.storage.sealing import Sealer
from flask_oauthclient.storage.state import PendingLogins
from tests.storage._caches import DictLike
from tests.storage._tab import FakeBrowser

DATA = {
    "redirect_uri": "https://rp.test/auth/demo/callback",
    "nonce": "nonce-nonce-nonce-20",
    "code_verifier": "verifier-verifier-verifier-verifier-verifier-48c",
}
KINDS = [
    "none",
    "simple",
    "dict-like",
    "files",
    "redis",
    "redis-text",
    "redis-old",
    "memcached-pymemcache",
    "memcached-python-memcached",
]

Open = Callable[[str], Any]


@pytest.fixture(params=KINDS)
def logins(request: pytest.FixtureRequest, open_cache: Open, sealer: Sealer) -> PendingLogins:
    """Pending logins in every kind of place."""
    kind = request.param
    return PendingLogins(sealer, None if kind == "none" else open_cache(kind))


@pytest.fixture
def plain(sealer: Sealer) -> PendingLogins:
    """Pending logins that the browser carries."""
    return PendingLogins(sealer)


@pytest.fixture
def browser() -> FakeBrowser:
    """One browser."""
    return FakeBrowser()


def _start(
    logins: PendingLogins, browser: FakeBrowser, client: str = "demo", **changes: Any
) -> str:
    state = logins.new_state(client, browser.host)
    logins.keep(browser.request(), client, state, {**DATA, **changes})
    return state


def _refused(logins: PendingLogins, browser: FakeBrowser, client: str, state: str) -> str:
    with pytest.raises(OAuthError) as caught:
        logins.take(browser.request(), client, state)
    return caught.value.error


# -- one login ---------------------------------------------


def test_a_login_is_taken_once(logins: PendingLogins, browser: FakeBrowser) -> None:
    state = _start(logins, browser)
    assert logins.take(browser.request(), "demo", state) == DATA
    assert _refused(logins, browser, "demo", state) == "state_used"
    assert browser.pending == []
    assert browser.login_cookies == {}


@pytest.mark.parametrize("lost", ["session", "cookies"])
def test_either_proof_of_the_browser_will_do(
    lost: str, logins: PendingLogins, browser: FakeBrowser
) -> None:
    state = _start(logins, browser)
    getattr(browser, lost).clear()
    assert logins.take(browser.request(), "demo", state) == DATA


def test_a_state_that_is_merely_known_proves_nothing(
    logins: PendingLogins, browser: FakeBrowser
) -> None:
    state = _start(logins, browser)
    victim = FakeBrowser()
    assert _refused(logins, victim, "demo", state) == "state_lost"
    victim.session["user"] = "victim"
    assert _refused(logins, victim, "demo", state) == "state_foreign"
    # The login is still there for the one whose it is.
    assert logins.take(browser.request(), "demo", state) == DATA


def test_a_login_of_another_client_is_not_taken(
    logins: PendingLogins, browser: FakeBrowser
) -> None:
    state = _start(logins, browser)
    assert _refused(logins, browser, "other", state) == "mismatching_state"
    assert logins.take(browser.request(), "demo", state) == DATA


@pytest.mark.parametrize(
    ("mine", "others"), [("git", "git_hub"), ("git_hub", "git"), ("a_b", "a_b_c"), ("a_b_c", "a")]
)
def test_no_name_of_a_client_runs_into_a_state(
    mine: str, others: str, logins: PendingLogins, browser: FakeBrowser
) -> None:
    key = f"_state_{mine}_x_c_hub_x"
    state = key.removeprefix(f"_state_{mine}_")
    logins.keep(browser.request(), mine, state, DATA)
    if key.startswith(f"_state_{others}_"):
        their_state = key.removeprefix(f"_state_{others}_")
        assert _refused(logins, browser, others, their_state) == "mismatching_state"
    assert logins.take(browser.request(), mine, state) == DATA


def test_a_copy_of_the_browser_comes_too_late(logins: PendingLogins, browser: FakeBrowser) -> None:
    state = _start(logins, browser)
    thief = browser.copy()
    assert logins.take(browser.request(), "demo", state) == DATA
    assert _refused(logins, thief, "demo", state) == "state_used"


def test_of_many_threads_one_takes_a_login(logins: PendingLogins, browser: FakeBrowser) -> None:
    states = [_start(logins, browser) for _ in range(8)]
    barrier, copies = threading.Barrier(8), [browser.copy() for _ in range(8)]

    def take(copy: FakeBrowser) -> list[str]:
        barrier.wait(10)
        outcomes = []
        for state in states:
            try:
                logins.take(copy.request(), "demo", state)
                outcomes.append("taken")
            except MismatchingStateError as error:
                outcomes.append(error.error)
        _end_thread(logins)
        return outcomes

    with ThreadPoolExecutor(8) as threads:
        counts = Counter(each for outcomes in threads.map(take, copies) for each in outcomes)
    assert counts == {"taken": 8, "state_used": 56}


def _end_thread(logins: PendingLogins) -> None:
    # python-memcached has a connection for each thread, which only that thread can close.
    client = getattr(logins._cache, "_client", None)
    if isinstance(client, threading.local):
        client.disconnect_all()


def test_a_state_that_is_given_can_be_given_again(
    logins: PendingLogins, browser: FakeBrowser
) -> None:
    for round_ in range(2):
        logins.keep(browser.request(), "demo", "a-state-of-ones-own", {**DATA, "extra": round_})
        taken = logins.take(browser.request(), "demo", "a-state-of-ones-own")
        assert taken["extra"] == round_


def test_everything_json_comes_back(logins: PendingLogins, browser: FakeBrowser) -> None:
    extra: Any = {"next": "/a?b=\u00e4#\u2603", "list": [1, 2.5, None, True, {"a": {}}], "": ""}
    state = _start(logins, browser, extra=extra, max_age=0, claims="x")
    taken = logins.take(browser.request(), "demo", state)
    assert taken == {**DATA, "extra": extra, "max_age": 0, "claims": "x"}


def test_a_login_can_be_looked_at_and_dropped(logins: PendingLogins, browser: FakeBrowser) -> None:
    state = _start(logins, browser)
    assert logins.peek(browser.session, "demo", state) == DATA
    assert logins.peek({}, "demo", state) is None
    assert logins.peek(browser.session, "other", state) is None
    thief = browser.copy()
    logins.drop(browser.request(), "demo", state)
    assert logins.peek(browser.session, "demo", state) is None
    if logins._cache is not None:
        assert _refused(logins, thief, "demo", state) == "state_used"


# -- time ---------------------------------------------


def test_a_login_has_ten_minutes(plain: PendingLogins, browser: FakeBrowser, clock: Any) -> None:
    first, second = _start(plain, browser), _start(plain, browser)
    clock.advance(598)
    assert plain.take(browser.request(), "demo", first) == DATA
    clock.advance(4)
    assert _refused(plain, browser, "demo", second) == "state_expired"


@pytest.mark.parametrize("lost", ["session", "cookies"])
def test_each_proof_has_its_own_end(
    lost: str, plain: PendingLogins, browser: FakeBrowser, clock: Any
) -> None:
    state = _start(plain, browser)
    getattr(browser, lost).clear()
    clock.advance(601)
    assert _refused(plain, browser, "demo", state) == "state_expired"


def test_what_has_expired_is_removed_for_every_client(
    plain: PendingLogins, browser: FakeBrowser, clock: Any
) -> None:
    browser.session["user"] = "alice"
    _start(plain, browser, "one")
    clock.advance(601)
    _start(plain, browser, "two")
    assert [key.split("_")[2] for key in browser.pending] == ["two"]
    assert browser.session["user"] == "alice"


def test_cookies_live_as_long_as_the_login(plain: PendingLogins, browser: FakeBrowser) -> None:
    state = _start(plain, browser)
    assert set(browser.lifetimes.values()) == {600}
    plain.take(browser.request(), "demo", state)
    assert set(browser.lifetimes.values()) == {600}
    assert list(browser.cookies.values()) == ["used"]


# -- bounds ---------------------------------------------


def test_the_eight_newest_logins_stay(logins: PendingLogins, browser: FakeBrowser) -> None:
    states = [_start(logins, browser) for _ in range(30)]
    assert len(browser.pending) == 8
    assert len(browser.login_cookies) == 8
    for state in states[:-8]:
        assert _refused(logins, browser, "demo", state) in ("state_foreign", "state_used")
    for state in states[-8:]:
        assert logins.take(browser.request(), "demo", state) == DATA


def test_a_thousand_abandoned_logins_leave_little(
    logins: PendingLogins, browser: FakeBrowser
) -> None:
    for number in range(1000):
        _start(logins, browser, f"client{number % 3}")
    assert browser.session_size() < 8 * 330
    assert sum(len(n) + len(v) for n, v in browser.cookies.items()) <= 3200


def test_with_a_cache_the_browser_carries_no_secret(sealer: Sealer, browser: FakeBrowser) -> None:
    cache = DictLike()
    logins = PendingLogins(sealer, cache)
    state = _start(logins, browser)
    [entry] = browser.session.values()
    assert entry.keys() == {"exp"}
    assert set(cache.lifetimes.values()) == {600}
    assert json.loads(cache.values[f"_state_demo_{state}"]) == {"data": DATA}
    [value] = browser.login_cookies.values()
    assert len(value) < 60


def test_without_a_cache_the_session_has_the_documented_shape(
    plain: PendingLogins, browser: FakeBrowser, clock: Any
) -> None:
    state = _start(plain, browser)
    entry = browser.session[f"_state_demo_{state}"]
    assert entry.keys() == {"data", "exp"}
    assert entry["data"] == DATA
    assert isinstance(entry["exp"], float)
    assert 599 < entry["exp"] - clock() < 600.01


def test_data_that_fit_no_cookie_are_refused(plain: PendingLogins, browser: FakeBrowser) -> None:
    with pytest.raises(StateStoreError) as caught:
        _start(plain, browser, extra="x" * 4000)
    assert (caught.value.error, caught.value.http_status) == ("state_too_large", 500)
    assert browser.session == {}
    assert browser.cookies == {}


def test_data_of_any_size_fit_a_cache(sealer: Sealer, browser: FakeBrowser) -> None:
    logins = PendingLogins(sealer, DictLike())
    state = _start(logins, browser, extra="x" * 100_000)
    assert len(logins.take(browser.request(), "demo", state)["extra"]) == 100_000


def test_the_applications_own_session_is_left_alone(
    plain: PendingLogins, browser: FakeBrowser
) -> None:
    own = {"_state_of_mind": "happy", "_state_": {"a": 1}, "user": 1, 5: "five", None: "none"}
    browser.session.update(own)  # type: ignore[arg-type]
    state = _start(plain, browser)
    plain.take(browser.request(), "demo", state)
    assert browser.session == own


# -- what comes from elsewhere ---------------------------------------------


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"data": DATA}, None),
        ({"data": DATA, "exp": 4e9}, None),
        ({"data": DATA, "exp": 1}, "state_expired"),
        ({"data": DATA, "exp": "never"}, None),
        ({"data": DATA, "exp": float("-inf")}, "state_expired"),
        ({"exp": 4e9}, "state_unreadable"),
        ({"data": None, "exp": 4e9}, "state_unreadable"),
        ({"data": "text", "exp": 4e9}, "state_unreadable"),
        ({"data": [1], "exp": 4e9}, "state_unreadable"),
        ({}, "state_unreadable"),
        ([], "state_unreadable"),
        ("text", "state_unreadable"),
        (5, "state_unreadable"),
        (True, "state_unreadable"),
        (None, "mismatching_state"),
    ],
)
def test_an_entry_that_somebody_else_wrote(
    entry: Any, code: str | None, plain: PendingLogins, browser: FakeBrowser
) -> None:
    browser.session["_state_demo_b"] = entry
    if code is None:
        assert plain.take(browser.request(), "demo", "b") == DATA
    else:
        assert _refused(plain, browser, "demo", "b") == code
    assert "_state_demo_b" not in browser.session or entry is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "5", '"x"', "{}", '{"data": 5}', "[" * 100_000, '{"exp": 1}', "\x00"],
)
def test_a_cached_value_that_cannot_be_read(
    text: str, sealer: Sealer, browser: FakeBrowser
) -> None:
    cache = DictLike()
    logins = PendingLogins(sealer, cache)
    state = _start(logins, browser)
    cache.values[f"_state_demo_{state}"] = text
    assert _refused(logins, browser, "demo", state) == "state_unreadable"
    assert cache.values == {}


def test_a_value_that_the_cache_has_lost(sealer: Sealer, browser: FakeBrowser) -> None:
    cache = DictLike()
    logins = PendingLogins(sealer, cache)
    state = _start(logins, browser)
    cache.values.clear()
    assert _refused(logins, browser, "demo", state).startswith("state_")


def test_a_cookie_that_was_tampered_with_is_no_proof(
    plain: PendingLogins, browser: FakeBrowser
) -> None:
    state = _start(plain, browser)
    [(name, value)] = browser.login_cookies.items()
    browser.session.clear()
    for position in range(0, len(value), 3):
        other = "A" if value[position] != "A" else "B"
        browser.cookies = {name: value[:position] + other + value[position + 1 :]}
        assert _refused(plain, browser, "demo", state) == "state_foreign"


def test_a_cookie_under_the_name_of_another_login_is_no_proof(
    plain: PendingLogins, browser: FakeBrowser
) -> None:
    first, second = _start(plain, browser), _start(plain, browser)
    names = [cookie_names("demo", state)[1] for state in (first, second)]
    browser.session.clear()
    browser.cookies = {names[0]: browser.cookies[names[1]]}
    assert _refused(plain, browser, "demo", first) == "state_foreign"


def test_the_secret_may_be_rotated_meanwhile(browser: FakeBrowser) -> None:
    old, new = "the old secret key", "the new secret key"
    state = _start(PendingLogins(Sealer([old])), browser)
    browser.session.clear()  # it was signed with the old secret, and Flask says it is empty
    assert PendingLogins(Sealer([new, old])).take(browser.request(), "demo", state) == DATA
    forgotten = browser.copy()
    state = _start(PendingLogins(Sealer([old])), forgotten)
    forgotten.session.clear()
    assert _refused(PendingLogins(Sealer([new])), forgotten, "demo", state) == "mismatching_state"


@pytest.mark.parametrize("secure", [False, True])
def test_a_login_survives_the_change_to_https(
    secure: bool, plain: PendingLogins, browser: FakeBrowser
) -> None:
    browser.secure = secure
    state = _start(plain, browser)
    browser.secure = not secure
    browser.session.clear()
    assert plain.take(browser.request(), "demo", state) == DATA


def test_without_a_secret_key_there_is_no_cookie(browser: FakeBrowser) -> None:
    logins = PendingLogins(None)
    state = _start(logins, browser)
    assert browser.cookies == {}
    assert logins.take(browser.request(), "demo", state) == DATA
    assert _refused(logins, browser, "demo", state) == "state_used"


# -- what to say ---------------------------------------------


def test_each_cause_has_its_code(plain: PendingLogins, browser: FakeBrowser, clock: Any) -> None:
    state = _start(plain, browser)
    nobody = FakeBrowser()
    assert _refused(plain, nobody, "demo", state) == "state_lost"
    assert _refused(plain, FakeBrowser("127.0.0.1:5000"), "demo", state) == "state_other_host"
    assert _refused(plain, nobody, "demo", "made-up") == "mismatching_state"
    assert _refused(plain, nobody, "demo", "x" * 30) == "mismatching_state"
    assert _refused(plain, nobody, "other", state) == "mismatching_state"
    nobody.session["user"] = "bob"
    assert _refused(plain, nobody, "demo", state) == "state_foreign"
    clock.advance(660)
    assert _refused(plain, nobody, "demo", state) == "state_expired"


def test_a_state_made_here_is_recognised(
    plain: PendingLogins, browser: FakeBrowser, clock: Any
) -> None:
    state = plain.new_state("demo", "rp.test")
    assert plain.made_here(["other", "demo"], "rp.test", state)
    assert not plain.made_here(["other"], "rp.test", state)
    assert not plain.made_here(["demo"], "evil.test", state)
    assert not plain.made_here(["demo"], "rp.test", "made-up")
    clock.advance(700)
    assert not plain.made_here(["demo"], "rp.test", state)


# -- a store that is down ---------------------------------------------


class Down:
    """A cache that cannot be reached."""

    def get(self, key: str) -> Any:
        raise ConnectionError("the password of the cache")

    set = delete = get


def _unreachable_redis() -> Any:
    client = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    return cachelib.RedisCache(client)


def _unreachable_memcached() -> Any:
    return cachelib.MemcachedCache(Client(("127.0.0.1", 1), connect_timeout=1))


@pytest.mark.parametrize(
    "make", [Down, _unreachable_redis, _unreachable_memcached], ids=["cache", "redis", "memcached"]
)
def test_a_store_that_is_down_lets_nobody_in(make: Any, sealer: Sealer) -> None:
    browser, working = FakeBrowser(), DictLike()
    state = _start(PendingLogins(sealer, working), browser)
    down = PendingLogins(sealer, make())
    with pytest.raises(StateStoreError) as caught:
        _start(down, FakeBrowser())
    assert (caught.value.error, caught.value.http_status) == ("state_unavailable", 503)
    assert caught.value.__context__ is None
    assert "password" not in repr(vars(caught.value))
    with pytest.raises(StateStoreError) as caught:
        down.take(browser.request(), "demo", state)
    assert caught.value.http_status == 503
    assert caught.value.__context__ is None
    with pytest.raises(StateStoreError):
        down.peek({f"_state_demo_{state}": {"exp": 4e9}}, "demo", state)


@pytest.mark.parametrize("carrier", ["session", "cookies"])
def test_a_store_that_is_down_is_no_reason_to_believe_the_browser(
    carrier: str, sealer: Sealer
) -> None:
    browser = FakeBrowser()
    state = _start(PendingLogins(sealer), browser)  # the browser carries all of the data
    getattr(browser, "cookies" if carrier == "session" else "session").clear()
    with pytest.raises(StateStoreError):
        PendingLogins(sealer, Down()).take(browser.request(), "demo", state)


def test_a_store_that_does_not_keep_a_login_says_so(sealer: Sealer) -> None:
    class Full(DictLike):
        def set(self, key: str, value: Any, expires: Any = None) -> Any:
            return False

    browser = FakeBrowser()
    with pytest.raises(StateStoreError):
        _start(PendingLogins(sealer, Full()), browser)
    assert (browser.session, browser.cookies) == ({}, {})


@pytest.mark.parametrize(
    "state", ["x" * 300, "a b\tc", "ä☃", "\x7f"], ids=["long", "blanks", "letters", "control"]
)
def test_state_of_any_form_is_kept(logins: PendingLogins, browser: FakeBrowser, state: str) -> None:
    logins.keep(browser.request(), "demo", state, DATA)

    assert logins.take(browser.request(), "demo", state) == DATA
    with pytest.raises(MismatchingStateError):
        logins.take(browser.request(), "demo", state)


@pytest.mark.parametrize(("client", "state"), [("git", "hub_X"), ("git_hub", "X")])
def test_login_of_a_client_is_none_of_another_with_the_same_key(
    logins: PendingLogins, browser: FakeBrowser, client: str, state: str
) -> None:
    logins.keep(browser.request(), client, state, DATA)

    other_client, other_state = ("git_hub", "X") if client == "git" else ("git", "hub_X")
    with pytest.raises(MismatchingStateError):
        logins.take(browser.request(), other_client, other_state)
