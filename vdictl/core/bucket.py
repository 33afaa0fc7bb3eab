"""A client-side token bucket that stays below a provider's published rate limit."""

from __future__ import annotations

import threading

from vdictl.core.clock import Clock


class Bucket:
    """At most `rate` requests a second on average, `burst` at once. Safe for threads."""

    def __init__(self, rate: float, *, clock: Clock, burst: float | None = None) -> None:
        """`burst` defaults to one second's worth."""
        self._rate, self._clock = rate, clock
        self._burst = rate if burst is None else burst
        self._tokens, self._seen = self._burst, clock.monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait until one more request is allowed, and count it."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate) - 1
            self._seen = now
            wait = -self._tokens / self._rate
        # A negative balance is a place in the queue: who comes later waits longer, and nobody sleeps under the lock.
        if wait > 0:
            self._clock.sleep(wait)
