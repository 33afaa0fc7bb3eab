"""A client-side token bucket that stays below a provider's published rate limit."""

from __future__ import annotations

import threading

from vdictl.core.clock import Clock

#: A bucket lets through its burst *and* what drips in meanwhile: together at most the limit in any second. A twentieth
#: of it is left free, for requests that leave evenly and arrive in clusters.
_BURST, _STEADY = 0.15, 0.8


class Bucket:
    """At most `rate` requests in any second, a few of them at once. Safe for threads."""

    def __init__(self, rate: float, *, clock: Clock) -> None:
        """`rate` is the published limit, in requests a second; it may be below one."""
        self._rate, self._clock = rate * _STEADY, clock
        self._burst = max(1.0, rate * _BURST)
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
