"""Retrying, the token bucket, deadlines: all on a clock that moves when told."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest

from vdictl.contract.errors import AuthFailed, Busy, Invalid, RateLimited, ReplyLost, Unavailable, VdictlError
from vdictl.core.bucket import Bucket
from vdictl.core.clock import Deadline, SystemClock
from vdictl.core.retry import again, again_with_token, pauses
from vdictl.testing.clock import MovableClock


def failing(*errors: VdictlError) -> Callable[[], str]:
    """A call that raises these in turn, then answers."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


def test_pauses_grow_to_their_most_and_are_never_in_step() -> None:
    lengths = list(itertools.islice(pauses(0.5, 5.0, jitter=lambda: 0.5), 10))
    assert lengths == sorted(lengths) and (lengths[0], lengths[-1]) == (0.5, 5.0)
    nominal = pauses(1.0, 1.0)
    drawn = list(itertools.islice(nominal, 200))
    assert all(0.75 <= length <= 1.25 for length in drawn) and len(set(drawn)) > 100


@pytest.mark.parametrize("error", [Unavailable("x"), Busy("x"), RateLimited("x")])
def test_passing_errors_are_tried_again(clock: MovableClock, error: VdictlError) -> None:
    assert again(failing(error, error), clock=clock, deadline=Deadline(clock, 60)) == "done"
    assert len(clock.slept) == 2


@pytest.mark.parametrize("error", [AuthFailed("x"), Invalid("x"), ReplyLost("x"), VdictlError("x")])
def test_others_are_not(clock: MovableClock, error: VdictlError) -> None:
    with pytest.raises(type(error)):
        again(failing(error), clock=clock, deadline=Deadline(clock, 60))
    assert clock.slept == []


def test_what_is_no_error_of_ours_flies(clock: MovableClock) -> None:
    with pytest.raises(ZeroDivisionError):
        again(lambda: 1 // 0, clock=clock, deadline=Deadline(clock, 60))


def test_retry_after_is_kept_to_the_second(clock: MovableClock) -> None:
    again(failing(RateLimited("x", retry_after=17)), clock=clock, deadline=Deadline(clock, 60))
    assert clock.slept == [17]


def test_a_retry_after_beyond_the_time_left_is_not_waited_for(clock: MovableClock) -> None:
    with pytest.raises(RateLimited):
        again(failing(RateLimited("x", retry_after=61)), clock=clock, deadline=Deadline(clock, 60))
    assert clock.slept == []


def test_tries_and_time_are_limited(clock: MovableClock) -> None:
    endless = [Unavailable(str(number)) for number in range(100)]
    with pytest.raises(Unavailable, match=r"^3$"):
        again(failing(*endless), clock=clock, deadline=Deadline(clock, 10**6), tries=4)
    clock.slept.clear()
    with pytest.raises(Unavailable):
        again(failing(*endless), clock=clock, deadline=Deadline(clock, 2), tries=100)
    assert sum(clock.slept) <= 2


def test_a_lost_reply_is_sent_again_only_where_a_token_makes_it_harmless(clock: MovableClock) -> None:
    lost = [ReplyLost("x")] * 2
    assert again_with_token(failing(*lost), clock=clock, deadline=Deadline(clock, 60)) == "done"
    with pytest.raises(ReplyLost):
        again_with_token(failing(*lost, *lost), clock=clock, deadline=Deadline(clock, 60))


def most_in_a_second(times: list[float]) -> int:
    return max(sum(begin <= time < begin + 1.0 for time in times) for begin in times)


@pytest.mark.parametrize("rate", [30.0, 20.0, 5.0, 1.0])
def test_a_hundred_calls_stay_below_the_limit_in_every_second(clock: MovableClock, rate: float) -> None:
    bucket, times = Bucket(rate, clock=clock), []
    for _ in range(100):
        bucket.take()
        times.append(clock.monotonic())
    assert most_in_a_second(times) <= rate
    assert times[-1] < 100 / (rate * 0.75)  # and are not held up much longer than they must


def test_a_pause_saves_up_no_more_than_the_burst(clock: MovableClock) -> None:
    bucket, times = Bucket(30, clock=clock), []
    clock.advance(3600)
    for _ in range(100):
        bucket.take()
        times.append(clock.monotonic())
    assert most_in_a_second(times) <= 30


def test_a_rate_below_one_a_second(clock: MovableClock) -> None:
    bucket = Bucket(0.5, clock=clock)
    for _ in range(10):
        bucket.take()
    assert clock.monotonic() >= 9 * 2


def test_many_threads_share_one_limit() -> None:
    """On real time: each thread sleeps by itself, which a clock that all move cannot show."""
    clock, times, lock = SystemClock(), [], threading.Lock()
    bucket = Bucket(100, clock=clock)

    def work() -> None:
        for _ in range(10):
            bucket.take()
            with lock:
                times.append(clock.monotonic())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 80 and max(times) - min(times) >= (80 - 15 - 1) / 80


def test_a_deadline_tells_what_is_left(clock: MovableClock) -> None:
    deadline = Deadline(clock, 10)
    clock.advance(4)
    assert (deadline.left, deadline.passed) == (6, False)
    clock.advance(7)
    assert (deadline.left, deadline.passed) == (0, True)


def test_the_system_clock_is_aware_and_does_not_sleep_backwards() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() is not None
    before = clock.monotonic()
    clock.sleep(-5)
    assert clock.monotonic() - before < 1
