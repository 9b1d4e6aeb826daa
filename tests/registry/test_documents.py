"""Documents that are kept: how long, and what if asking fails (rows J04-J06, J16, J17)."""

from __future__ import annotations

import pytest

from flask_oauthclient.protocol.errors import OAuthError
from flask_oauthclient.protocol.errors import TransportError
from flask_oauthclient.registry.documents import BUDGET
from flask_oauthclient.registry.documents import BUDGET_SECONDS
from flask_oauthclient.registry.documents import MAX_STALE
from flask_oauthclient.registry.documents import MAX_TTL
from flask_oauthclient.registry.documents import MIN_TTL
from flask_oauthclient.registry.documents import time_to_live
from tests.registry._publisher import UNREACHABLE
from tests.registry._publisher import Publisher

DAY = 86_400.0
LIFETIMES = {
    "J17-absent": ("", 300),
    "J17-zero": ("max-age=0", 300),
    "J17-one-minute": ("max-age=60", 300),
    "J17-hour": ("max-age=3600", 3600),
    "J17-year": ("max-age=31536000", DAY),
    "J17-fifty-digits": ("max-age=" + "9" * 50, DAY),
    "J17-negative": ("max-age=-1", 300),
    "J17-fraction": ("max-age=3600.9", 3600),
    "J17-text": ("max-age=soon", 300),
    "J17-no-value": ("max-age", 300),
    "J17-empty-value": ("max-age=", 300),
    "J17-quoted": ('max-age="3600"', 3600),
    "J17-spaces": ("max-age = 3600", 3600),
    "J17-case": ("Public, MAX-AGE=3600", 3600),
    "J17-no-space": ("public,max-age=3600", 3600),
    "J17-several": ("public, max-age=3600, must-revalidate", 3600),
    "J17-twice": ("max-age=600, max-age=3600", 600),
    "J17-shared-caches": ("s-maxage=3600", 300),
    "J17-shared-caches-beside": ("s-maxage=60, max-age=3600", 3600),
    "J17-other-name": ("x-max-age=3600", 300),
    "J17-other-name-glued": ("xmax-age=3600", 300),
    "J17-no-store": ("no-store", 300),
    "J17-no-store-beside": ("max-age=3600, no-store", 300),
    "J17-no-cache": ("no-cache, max-age=3600", 300),
    "J17-no-cache-of-a-field": ('max-age=3600, no-cache="set-cookie"', 300),
    "J17-nonsense": ("=,;=\x00max-age==", 300),
    "J17-long": ("a=b, " * 10_000 + "max-age=3600", 3600),
}


@pytest.mark.parametrize(("header", "seconds"), LIFETIMES.values(), ids=LIFETIMES)
def test_time_to_live(header: str, seconds: float) -> None:
    assert time_to_live(header) == seconds


def test_bounds_of_the_time_to_live() -> None:
    assert (MIN_TTL, MAX_TTL, MAX_STALE) == (300, DAY, DAY)


@pytest.mark.parametrize("row", ["J17-absent", "J17-zero", "J17-hour", "J17-year"])
def test_document_is_asked_for_again_when_its_time_is_up(row: str) -> None:
    header, seconds = LIFETIMES[row]
    publisher = Publisher(header or None)
    document = publisher.document()
    first = document.get()

    publisher.text = "second"
    publisher.clock.advance(seconds - 1)
    assert document.get() is first
    assert publisher.requests == 1

    publisher.clock.advance(1)
    assert document.get().text == "second"
    assert publisher.requests == 2


def test_time_counts_from_the_request_not_from_the_answer() -> None:
    publisher = Publisher("max-age=600")
    publisher.meanwhile = lambda: publisher.clock.advance(10)
    document = publisher.document()
    document.get()

    publisher.clock.advance(590)
    document.get()

    assert publisher.requests == 2


def test_nothing_is_asked_for_before_it_is_needed() -> None:
    publisher = Publisher()
    document = publisher.document()

    assert document.peek() is None
    assert publisher.requests == 0
    value = document.get()
    assert document.peek() is value
    assert publisher.requests == 1


@pytest.mark.parametrize("says_etag", [True, False])
def test_j16_unchanged_document_stays_the_same_object(says_etag: bool) -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    publisher.unchanged_says_etag = says_etag
    document = publisher.document()
    first = document.get()

    for _ in range(3):
        publisher.clock.advance(600)
        assert document.get() is first
        assert document.get() is first

    assert publisher.asked == [None, '"1"', '"1"', '"1"']


def test_j16_answer_304_may_bring_another_etag_and_age() -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    document.get()
    publisher.clock.advance(600)
    publisher.cache_control = "max-age=3600"
    document.get()

    publisher.clock.advance(3599)
    document.get()
    assert publisher.requests == 2


def test_j16_changed_document_is_read() -> None:
    publisher = Publisher(etag='"1"')
    document = publisher.document()
    document.get()

    publisher.text, publisher.etag = "second", '"2"'
    publisher.clock.advance(MIN_TTL)
    assert document.get().text == "second"
    publisher.clock.advance(MIN_TTL)
    document.get()

    assert publisher.asked == [None, '"1"', '"2"']


def test_j16_answer_304_to_nothing_is_an_error() -> None:
    publisher = Publisher()
    publisher.status = 304

    with pytest.raises(OAuthError) as caught:
        publisher.document().get()

    assert caught.value.detail == {"status": 304}


def test_j05_without_a_copy_the_failure_is_raised() -> None:
    publisher = Publisher()
    publisher.failure = UNREACHABLE

    with pytest.raises(TransportError) as caught:
        publisher.document().get()

    assert caught.value.error == "provider_unreachable"


def test_j05_failure_is_remembered_for_a_while() -> None:
    publisher = Publisher()
    publisher.failure = UNREACHABLE
    document = publisher.document()
    with pytest.raises(TransportError):
        document.get()
    for _ in range(5):
        with pytest.raises(TransportError) as caught:
            document.get()
        assert caught.value is not UNREACHABLE
        assert caught.value.error == "provider_unreachable"

    assert publisher.requests == 1


def test_back_off_doubles_up_to_a_minute() -> None:
    publisher = Publisher()
    publisher.failure = UNREACHABLE
    document = publisher.document()
    pauses = []
    for _ in range(10):
        with pytest.raises(TransportError):
            document.get()
        asked = publisher.requests
        pause = 0
        while publisher.requests == asked:
            publisher.clock.advance(0.5)
            pause += 1
            with pytest.raises(TransportError):
                document.get()
        pauses.append(pause / 2)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_back_off_starts_anew_after_a_success() -> None:
    publisher = Publisher("max-age=600")
    publisher.failure = UNREACHABLE
    document = publisher.document()
    for pause in (1, 2, 4):
        with pytest.raises(TransportError):
            document.get()
        publisher.clock.advance(pause)
    publisher.failure = None
    value = document.get()

    publisher.failure = UNREACHABLE
    publisher.clock.advance(600)
    asked = publisher.requests
    assert document.get() is value
    publisher.clock.advance(0.9)
    assert document.get() is value
    assert publisher.requests == asked + 1
    publisher.clock.advance(0.1)
    assert document.get() is value
    assert publisher.requests == asked + 2


@pytest.mark.parametrize("kind", ["raised", "status"])
def test_j04_old_document_stays_in_use_while_asking_fails(kind: str) -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    value = document.get()
    publisher.failure = UNREACHABLE if kind == "raised" else None
    publisher.status, publisher.etag = 500, None

    for _ in range(10):
        publisher.clock.advance(MAX_STALE / 10)
        assert document.get() is value

    assert publisher.requests > 5
    assert document.peek() is value


def test_j04_but_for_a_day_only() -> None:
    publisher = Publisher("max-age=600")
    document = publisher.document()
    document.get()
    publisher.failure = UNREACHABLE

    publisher.clock.advance(600 + MAX_STALE - 1)
    document.get()
    publisher.clock.advance(1)
    with pytest.raises(TransportError):
        document.get()

    publisher.failure, publisher.text = None, "second"
    publisher.clock.advance(60)
    assert document.get().text == "second"


def test_document_that_was_not_needed_for_long_is_not_stale_but_gone() -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    document.get()
    publisher.text = "second"
    publisher.etag = '"2"'

    publisher.clock.advance(600 + MAX_STALE)

    assert document.get().text == "second"
    assert publisher.asked == [None, None]


def test_j06_withdrawn_key_is_gone_within_the_time_to_live() -> None:
    publisher = Publisher("max-age=31536000")
    document = publisher.document()
    document.get()
    publisher.text = "without the key"

    publisher.clock.advance(MAX_TTL)

    assert document.get().text == "without the key"


def test_failure_of_another_kind_is_not_swallowed() -> None:
    publisher = Publisher("max-age=600")
    document = publisher.document()
    document.get()
    publisher.failure = ZeroDivisionError("a mistake of ours")
    publisher.clock.advance(600)

    with pytest.raises(ZeroDivisionError):
        document.get()
    publisher.failure = None
    assert document.get().text == "first"


@pytest.mark.parametrize("trusted", [True, False])
def test_looking_once_more_gives_a_newer_document(trusted: bool) -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    seen = document.get()
    publisher.text, publisher.etag = "second", '"2"'

    newer = document.newer_than(seen, trusted=trusted)

    assert newer.text == "second"
    assert document.get() is newer
    assert publisher.asked == [None, '"1"']


@pytest.mark.parametrize("trusted", [True, False])
def test_looking_once_more_may_give_the_same(trusted: bool) -> None:
    publisher = Publisher("max-age=600", etag='"1"')
    document = publisher.document()
    seen = document.get()

    assert document.newer_than(seen, trusted=trusted) is seen
    assert publisher.requests == 2


@pytest.mark.parametrize("trusted", [True, False])
def test_nobody_is_asked_when_a_newer_document_is_there(trusted: bool) -> None:
    publisher = Publisher("max-age=600")
    document = publisher.document()
    seen = document.get()
    publisher.clock.advance(600)
    newer = document.get()

    assert document.newer_than(seen, trusted=trusted) is newer
    assert publisher.requests == 2


def test_nobody_is_asked_before_there_is_a_document() -> None:
    publisher = Publisher()
    seen = publisher.parse(publisher(None))

    assert publisher.document().newer_than(seen, trusted=True) is seen
    assert publisher.requests == 1


def test_trusted_reason_is_worth_a_request_every_time() -> None:
    publisher = Publisher("max-age=600")
    document = publisher.document()
    for count in range(1, 20):
        seen = document.get()
        assert document.newer_than(seen, trusted=True) is not seen
        assert publisher.requests == count + 1


def test_j02_untrusted_reasons_share_a_budget() -> None:
    publisher = Publisher("max-age=3600", etag='"1"')
    document = publisher.document()
    seen = document.get()

    for _ in range(50):
        assert document.newer_than(seen, trusted=False) is seen
        publisher.clock.advance(1)
    assert publisher.requests == 1 + BUDGET

    publisher.clock.advance(BUDGET_SECONDS)
    for _ in range(50):
        document.newer_than(seen, trusted=False)
        publisher.clock.advance(0.001)
    assert publisher.requests == 1 + 2 * BUDGET


def test_j02_budget_is_a_window_that_slides() -> None:
    publisher = Publisher("max-age=3600", etag='"1"')
    document = publisher.document()
    seen = document.get()
    asked_at = []
    for second in range(200):
        before = publisher.requests
        document.newer_than(seen, trusted=False)
        asked_at += [second] * (publisher.requests - before)
        publisher.clock.advance(1)

    assert asked_at == [0, 1, 60, 61, 120, 121, 180, 181]


def test_budget_is_spent_by_a_failing_provider_too() -> None:
    publisher = Publisher("max-age=3600")
    document = publisher.document()
    seen = document.get()
    publisher.failure = UNREACHABLE

    for _ in range(59):
        assert document.newer_than(seen, trusted=False) is seen
        publisher.clock.advance(1)

    assert publisher.requests <= 1 + BUDGET


def test_spent_budget_does_not_hold_back_a_trusted_reason() -> None:
    publisher = Publisher("max-age=3600", etag='"1"')
    document = publisher.document()
    seen = document.get()
    for _ in range(5):
        publisher.clock.advance(0.1)
        document.newer_than(seen, trusted=False)
    publisher.text, publisher.etag = "second", '"2"'
    publisher.clock.advance(0.1)

    assert document.newer_than(seen, trusted=True).text == "second"


def test_neither_first_request_nor_revalidation_costs_budget() -> None:
    publisher = Publisher("max-age=300", etag='"1"')
    document = publisher.document()
    for _ in range(3):
        document.get()
        publisher.clock.advance(300)
    seen = document.get()
    before = publisher.requests

    for _ in range(5):
        publisher.clock.advance(0.1)
        document.newer_than(seen, trusted=False)

    assert publisher.requests == before + BUDGET


def test_trusted_reason_does_not_wait_for_the_back_off() -> None:
    publisher = Publisher("max-age=600")
    document = publisher.document()
    seen = document.get()
    publisher.failure = UNREACHABLE
    publisher.clock.advance(600)
    for pause in (1, 2, 4, 8, 16):
        document.get()
        publisher.clock.advance(pause)
    document.get()
    publisher.failure, publisher.text = None, "second"

    assert document.newer_than(seen, trusted=True).text == "second"


def test_old_document_survives_a_failed_look() -> None:
    publisher = Publisher("max-age=600")
    document = publisher.document()
    seen = document.get()
    publisher.failure = UNREACHABLE

    for trusted in (True, False):
        assert document.newer_than(seen, trusted=trusted) is seen
    assert document.get() is seen


def test_document_that_somebody_renewed_a_moment_ago_is_not_asked_for_again() -> None:
    """Between seeing that the time is up and taking the lock, another thread may have been."""
    publisher = Publisher("max-age=600", etag='"1"')
    readings = [-100]  # the first request is left in peace

    def clock() -> float:
        readings[0] += 1
        if readings[0] == 2:  # the second look at the clock is the one before the lock
            assert document.get().text == "second"
        return publisher.clock()

    document = publisher.document(clock)
    document.get()
    publisher.clock.advance(600)
    publisher.text, publisher.etag = "second", '"2"'
    readings[0] = 0

    assert document.get().text == "second"
    assert publisher.asked == [None, '"1"']
