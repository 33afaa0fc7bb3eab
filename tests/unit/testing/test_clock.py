"""The clock that moves when told."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from vdictl.testing.clock import START, MovableClock


def test_time_stands_still_until_it_is_moved() -> None:
    clock = MovableClock()
    assert clock.now() == clock.now() == START
    assert clock.monotonic() == 0.0
    assert clock.now().utcoffset() == timedelta(0)


def test_sleep_moves_it_and_is_noted() -> None:
    clock = MovableClock()
    clock.sleep(90)
    clock.advance(10)
    assert clock.now() == START + timedelta(seconds=100)
    assert clock.monotonic() == 100.0
    assert clock.slept == [90]


def test_calls_come_at_their_moment_and_in_order() -> None:
    clock, seen = MovableClock(), []
    for seconds, name in ((5, "b"), (2, "a"), (5, "c"), (50, "never")):
        clock.at(seconds, lambda name=name: seen.append((name, clock.monotonic())))  # type: ignore[misc]
    clock.sleep(1.5)
    assert seen == []
    clock.sleep(10)
    assert seen == [("a", 2.0), ("b", 5.0), ("c", 5.0)]
    assert clock.monotonic() == 11.5


def test_a_call_may_ask_for_another() -> None:
    clock, seen = MovableClock(), []

    def first() -> None:
        seen.append("first")
        clock.at(1, lambda: seen.append("second"))

    clock.at(1, first)
    clock.advance(5)
    assert seen == ["first", "second"]


def test_it_keeps_to_utc_and_never_goes_back() -> None:
    with pytest.raises(ValueError, match="aware"):
        MovableClock(datetime(2030, 1, 1))
    clock = MovableClock(datetime(2030, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_sleepers_in_threads_move_the_same_time() -> None:
    clock = MovableClock()

    def rest() -> None:
        for _ in range(100):
            clock.sleep(1)

    threads = [threading.Thread(target=rest) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() == 400.0
