"""A clock that moves when told: hours pass in a test without anybody waiting."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


class MovableClock:
    """Time that passes only by `sleep` and `advance`. Safe for several threads: each sleeper moves the same time.

    `now` is an aware UTC time, `monotonic` counts the seconds since the clock was made.
    """

    def __init__(self, start: datetime = START) -> None:
        """Begin at `start`, an aware time."""
        if start.tzinfo is None:
            raise ValueError("The clock needs an aware time.")
        self._start = start.astimezone(UTC)
        self._passed = 0.0
        self._number = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._lock = threading.RLock()
        #: Seconds of every `sleep`, in order: what a test looks at to see how somebody waited.
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        with self._lock:
            return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; returns at once."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """As `sleep`, for the test itself: it is not noted in `slept`."""
        if seconds < 0:
            raise ValueError("Time does not go back.")
        with self._lock:
            end = self._passed + seconds
            while self._due and self._due[0][0] <= end:
                moment, _, call = heapq.heappop(self._due)
                self._passed = max(self._passed, moment)
                call()
            self._passed = max(self._passed, end)

    def at(self, seconds: float, call: Callable[[], None]) -> None:
        """Call `call` once, `seconds` from now, in the thread that moves the clock over that moment."""
        with self._lock:
            heapq.heappush(self._due, (self._passed + seconds, next(self._number), call))
