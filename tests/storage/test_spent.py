"""What was used up stays so, for a time and within bounds."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_oauthclient.storage import spent
from flask_oauthclient.storage.spent import SpentSet


def test_a_value_is_spent_once() -> None:
    values = SpentSet(600)
    assert "a" not in values
    assert values.spend("a") is True
    assert "a" in values
    assert values.spend("a") is False
    assert values.spend("b") is True


def test_a_value_can_be_forgotten() -> None:
    values = SpentSet(600)
    values.spend("a")
    values.forget("a")
    values.forget("never spent")
    assert "a" not in values
    assert values.spend("a") is True


def test_a_value_is_remembered_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(spent, "monotonic", lambda: now[0])
    values = SpentSet(600)
    values.spend("a")
    now[0] += 599
    assert "a" in values
    assert values.spend("a") is False
    now[0] += 2
    assert "a" not in values
    assert values.spend("a") is True


def test_the_memory_is_bounded_and_drops_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spent, "_CAPACITY", 100)
    values = SpentSet(600)
    for number in range(1000):
        assert values.spend(str(number))
    assert len(values._until) == 100
    assert "999" in values
    assert "0" not in values


def test_one_of_many_threads_spends_a_value() -> None:
    values, barrier = SpentSet(600), threading.Barrier(8)

    def spend(_: int) -> list[bool]:
        barrier.wait(10)
        return [values.spend(str(number)) for number in range(500)]

    with ThreadPoolExecutor(8) as threads:
        won = Counter(each for answers in threads.map(spend, range(8)) for each in answers)
    assert won == {True: 500, False: 3500}
