"""Trying again, decided by the error's class and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from vdictl.contract.errors import RateLimited, ReplyLost, VdictlError
from vdictl.core.clock import Clock, Deadline

T = TypeVar("T")


def pauses(first: float = 0.5, most: float = 5.0, *, jitter: Callable[[], float] = random.random) -> Iterator[float]:
    """Growing pauses in seconds, each 75-125 % of its nominal length, so that many clients do not march in step."""
    nominal = first
    while True:
        yield nominal * (0.75 + 0.5 * jitter())
        nominal = min(nominal * 1.5, most)


def again(call: Callable[[], T], *, clock: Clock, deadline: Deadline, tries: int = 6) -> T:
    """Call until it succeeds, fails for good, or tries or time run out; then the last error flies.

    Only passing errors (`VdictlError.passing`) are tried again; a provider's own waiting time (`retry_after`) is kept,
    and if it is longer than the time left, there is no further try.
    """
    lengths = pauses()
    for attempt in range(1, tries + 1):
        try:
            return call()
        except VdictlError as error:
            pause = _pause(error, next(lengths))
            if not error.passing or attempt == tries or pause >= deadline.left:
                raise
            clock.sleep(pause)
    raise AssertionError("unreachable: the last try returns or raises")


def again_with_token(call: Callable[[], T], *, clock: Clock, deadline: Deadline, losses: int = 3) -> T:
    """As `again`, for a call that carries its token and so is never done twice: a lost reply is sent again at once."""
    for attempt in range(1, losses + 1):
        try:
            return again(call, clock=clock, deadline=deadline)
        except ReplyLost:
            if attempt == losses or deadline.passed:
                raise
    raise AssertionError("unreachable: the last try returns or raises")


def _pause(error: VdictlError, usual: float) -> float:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return max(error.retry_after, 0.0)
    return usual
