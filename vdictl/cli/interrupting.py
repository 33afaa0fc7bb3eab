"""Ctrl-C: the first says at once what goes on, and how to finish or undo it; the second leaves at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

from vdictl.contract.errors import Interrupted


@contextlib.contextmanager
def interruptible(brief: str, *, details: str = "", advice: str) -> Iterator[None]:
    """Around the work of a verb. `brief`: what was interrupted; `details`: what goes on; `advice`: finish or undo.

    Raises:
        Interrupted: at the first Ctrl-C (or TERM), with these words.
    """
    before = signal.signal(signal.SIGINT, _first)
    try:
        yield
    except KeyboardInterrupt:
        # From here on, until the process ends: a second one must not wait for what is being tidied up.
        signal.signal(signal.SIGINT, _second)
        raise Interrupted(brief, details=details, advice=advice) from None
    finally:
        if signal.getsignal(signal.SIGINT) is _first:
            signal.signal(signal.SIGINT, before)


def _first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    signal.signal(signal.SIGINT, _second)
    raise KeyboardInterrupt


def _second(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    os._exit(Interrupted.exit_code)
