"""Run a provider's command with our own streams: what is typed, signals and the exit code go through."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import IO

from vdictl.contract.errors import NotConfigured
from vdictl.contract.model import Command

_FORWARDED = tuple(
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if (number := getattr(signal, name, None)) is not None
)
#: These the terminal sends to the whole foreground by itself.
_FROM_KEYS = frozenset({signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT)})
_SIGNAL_SECONDS = 15.0


def run_through(command: Command, *, tty: bool = False, merged: bool = False) -> int:
    """Run the command to its end on our stdin, stdout and stderr; gives its exit code (128 + N: signal N ended it).

    Ctrl-C reaches the command, and not us: we end when it does. `tty`: the command makes a terminal of its own inside
    and takes ours raw. `merged`: all that it says goes to our stdout, in the order in which it was said.

    Raises:
        NotConfigured: its program cannot be started on this machine.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    code = _Through(command, apart=bool(command.signals) and not tty, merged=merged).run()
    return 128 - code if code < 0 else code


class _Through:
    """One run. `apart`: in a process group of its own, so that Ctrl-C does not end the program that only stands
    between us and the command, while the command goes on inside."""

    def __init__(self, command: Command, *, apart: bool, merged: bool) -> None:
        self._command, self._apart, self._merged = command, apart, merged
        self._environment = dict(command.environment) or None
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []  #: signals that came while the command was being started

    def run(self) -> int:
        with self._signals():
            # A group in the background may not read from the terminal: then we do, and hand it on.
            typed = self._apart and sys.stdin.isatty()
            try:
                self._child = child = subprocess.Popen(
                    self._command.argv,
                    env=self._environment,
                    stdin=subprocess.PIPE if typed else None,
                    stderr=subprocess.STDOUT if self._merged else None,
                    process_group=0 if self._apart else None,
                )
            except OSError as error:
                program = self._command.argv[0]
                raise NotConfigured(f"{program} could not be started.", details=str(error)) from error
            for number in self._early:  # the command may have spoken, and been answered, before we knew its process
                self._send(child, number)
            if typed and child.stdin is not None:
                threading.Thread(target=_hand_on, args=(sys.stdin.fileno(), child.stdin), daemon=True).start()
            return child.wait()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """While this lasts, signals meant for us go to the command. Handlers, not SIG_IGN: that would be inherited."""
        before = {number: signal.signal(number, self._forward) for number in _FORWARDED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _forward(self, number: int, _: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        elif not (number in _FROM_KEYS and not self._apart and _in_foreground()):
            self._send(self._child, number)  # else the terminal has sent it to the command too

    def _send(self, child: subprocess.Popen[bytes], number: int) -> None:
        if not (self._command.signals and self._deliver(number)):
            with contextlib.suppress(OSError):
                child.send_signal(number)

    def _deliver(self, number: int) -> bool:
        """Whether the provider's own way could bring it there."""
        name = signal.Signals(number).name.removeprefix("SIG")
        quiet = subprocess.DEVNULL
        try:
            done = subprocess.run(
                (*self._command.signals, name),
                env=self._environment,
                stdin=quiet,
                stdout=quiet,
                stderr=quiet,
                timeout=_SIGNAL_SECONDS,
                check=False,
                process_group=0,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0


def _hand_on(terminal: int, pipe: IO[bytes]) -> None:
    """What is typed, until the end of it or of the command."""
    with contextlib.suppress(OSError), pipe:
        while typed := os.read(terminal, 65536):
            pipe.write(typed)
            pipe.flush()


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
