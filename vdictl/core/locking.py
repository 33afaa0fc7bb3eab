"""One process at a time: a lock on a file, which the system lets go when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from vdictl.contract.errors import Busy
from vdictl.core.clock import Clock, Deadline


@contextlib.contextmanager
def held(lock: Path, *, clock: Clock, patience: float, what: str) -> Iterator[None]:
    """Hold the lock while this lasts. May raise OSError where the file cannot be made.

    Raises:
        Busy: another process holds it, and still does when the patience is at its end.
    """
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = Deadline(clock, patience)
        while not _taken(handle):
            if deadline.passed:
                raise Busy(f"Another vdictl holds {what}.", details=f"The lock is {lock}.", advice="Try it again.")
            clock.sleep(0.05)
        yield
    finally:
        os.close(handle)  # lets the lock go


def _taken(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _taken_on_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken_on_windows(handle: int) -> bool:
    import msvcrt

    lock, mode = getattr(msvcrt, "locking"), getattr(msvcrt, "LK_NBLCK")  # noqa: B009 - mypy looks as Linux does
    try:
        lock(handle, mode, 1)
    except OSError:
        return False
    return True
