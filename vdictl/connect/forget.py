"""Removes one private file soon after it was first read, or after some seconds. Runs as a program of its own."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

_GRACE = 2.0  #: seconds between the first read and the removal: a slow browser may read twice


def forget(path: Path, keep: float, *, tick: float = 0.1, grace: float = _GRACE) -> None:
    """Wait until the file has been read (its access time moves) or `keep` seconds are over, then remove it."""
    pause = threading.Event()
    with suppress(OSError):
        first = path.stat().st_atime_ns
        for _ in range(max(1, int(keep / tick))):
            pause.wait(tick)
            if path.stat().st_atime_ns != first:
                pause.wait(grace)
                break
    with suppress(OSError):
        path.unlink()


def _main() -> None:
    """Leave the caller's process tree first: the caller waits only for this first half."""
    if os.fork() == 0:
        forget(Path(sys.argv[1]), float(sys.argv[2]))


if __name__ == "__main__":
    _main()
