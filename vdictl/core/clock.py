"""The one place where time passes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the core sees it; tests pass one that moves when told."""

    def now(self) -> datetime:
        """The wall clock: an aware UTC datetime. May jump; never used to measure."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never jumps."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        time.sleep(max(0.0, seconds))


class Deadline:
    """A time limit that starts to run when it is made."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        """`seconds` from now."""
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self.seconds = seconds

    @property
    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return self.left <= 0.0
