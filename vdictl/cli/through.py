"""Run a provider's command with our own streams: what is typed, signals and the exit code go through."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from types import FrameType

from vdictl.contract.errors import NotConfigured
from vdictl.contract.model import Command

_FORWARDED = tuple(
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if (number := getattr(signal, name, None)) is not None
)
#: These the terminal sends to the whole foreground by itself: the command has them already.
_FROM_KEYS = frozenset({signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT)})


def run_through(command: Command) -> int:
    """Run the command to its end on our stdin, stdout and stderr; gives its exit code (128 + N: signal N ended it).

    Ctrl-C reaches the command, and not us: we end when it does.

    Raises:
        NotConfigured: its program cannot be started on this machine.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    started: list[subprocess.Popen[bytes]] = []
    with _signals_to(started):
        try:
            child = subprocess.Popen(command.argv, env=dict(command.environment) or None)
        except OSError as error:
            raise NotConfigured(f"{command.argv[0]} could not be started.", details=str(error)) from error
        started.append(child)
        code = child.wait()
    return 128 - code if code < 0 else code


@contextlib.contextmanager
def _signals_to(started: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """While this lasts, signals meant for us go to the command. A handler, not SIG_IGN: children inherit the latter."""

    def forward(number: int, _: FrameType | None) -> None:
        if started and not (number in _FROM_KEYS and _in_foreground()):
            with contextlib.suppress(OSError):
                started[0].send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether keys of a terminal reach our process group, of which the command is a part."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
