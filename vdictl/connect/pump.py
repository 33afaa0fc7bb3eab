"""Carry bytes between a client and a service in both directions until both have ended."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 1 << 16
_HELD: Final = 1 << 18  #: bytes waiting to be written; more is not read, so that the slower side sets the pace
_GONE: Final = select.POLLERR | select.POLLNVAL
_READABLE: Final = select.POLLIN | select.POLLHUP | _GONE


@dataclass
class Flow:
    """One direction: what is read from `source` is written to `target`; both must not block.

    `finished` is called once, when the source has ended and all of it has been written: the half-close.
    """

    source: int
    target: int
    finished: Callable[[], None]
    held: bytearray = field(default_factory=bytearray)
    ended: bool = False  #: the source has no more
    done: bool = False
    gone: bool = False  #: the target takes no more
    carried: int = 0  #: bytes written

    @property
    def hungry(self) -> bool:
        """Whether it would read now."""
        return not self.ended and len(self.held) < _HELD

    def read(self) -> None:
        """Take what the source has."""
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a reset is an end
        self.held += data
        self.ended = not data

    def write(self) -> None:
        """Give what the target takes."""
        try:
            count = os.write(self.target, self.held)
        except BlockingIOError:
            return
        except OSError:
            self.drop()
            return
        del self.held[:count]
        self.carried += count

    def drop(self) -> None:
        """The target has gone: nothing more can be carried this way."""
        self.held.clear()
        self.ended = self.done = self.gone = True

    def step(self, ready: dict[int, int]) -> None:
        """Read, write and half-close, as far as it goes now."""
        if self.hungry and ready.get(self.source, 0) & _READABLE:
            self.read()
        if self.held:
            self.write()
        if not self.done and ready.get(self.target, 0) & _GONE:
            self.drop()
        if self.ended and not self.held and not self.done:
            self.done = True
            self.finished()


@dataclass
class Aside:
    """What the service says besides: `hear` is called when `source` has something, and says whether it goes on."""

    source: int
    hear: Callable[[], bool]
    open: bool = True


def pump(up: Flow, down: Flow, *, stop: int, linger: float, aside: Aside) -> None:
    """Carry until both directions are done, the client has gone, or `stop` (a descriptor) can be read or hangs up.

    `up` goes from the client to the service. A service that takes no more may still send; a client that takes no
    more has left. When `up` is done and nothing moves for `linger` seconds the connection is given up: a client that
    went away cannot be told from one that has only finished sending.
    """
    moved, last = -1, time.monotonic()
    while not (up.done and down.done) and not down.gone:
        ready = _wait(up, down, stop, aside)
        if stop in ready:
            return
        up.step(ready)
        down.step(ready)
        if aside.source in ready:
            aside.open = aside.hear()
        now, total = time.monotonic(), up.carried + down.carried
        if total != moved or not up.done:
            moved, last = total, now
        elif now - last > linger:
            return


def _wait(up: Flow, down: Flow, stop: int, aside: Aside) -> dict[int, int]:
    """What can be read or written, by descriptor; a socket stands there for both of its directions."""
    wanted = {stop: select.POLLIN}
    if aside.open:
        wanted[aside.source] = select.POLLIN
    for flow in (up, down):
        if flow.hungry:
            wanted[flow.source] = wanted.get(flow.source, 0) | select.POLLIN
        if not flow.done:
            # Also with nothing to write: that the other side has gone is told to those who registered.
            wanted[flow.target] = wanted.get(flow.target, 0) | (select.POLLOUT if flow.held else 0)
    poll = select.poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    return dict(poll.poll(1000))
