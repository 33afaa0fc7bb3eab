"""`list --watch`: look again and again; on a terminal the table is drawn anew, through a pipe only what is new."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import StringIO
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from vdictl.cli import records
from vdictl.cli.durations import length, seconds
from vdictl.cli.run import Run
from vdictl.cli.tables import moves
from vdictl.contract.errors import Invalid
from vdictl.core import inventory

if TYPE_CHECKING:
    from vdictl.cli.commands.list import Look

_HOME, _CLEAR_BELOW, _CLEAR_LINE = "\033[H", "\033[J", "\033[K"
SHORTEST = 0.1  #: seconds


def watch(run: Run, look: Callable[[list[str]], Look], *, every: str) -> None:
    """Until Ctrl-C, or until nobody reads any more. Each provider is asked for its list once a tick."""
    pause = seconds(every, option="--interval")
    if pause < SHORTEST:
        raise Invalid(f"--interval: {every[:40]!a} is too short.", advice=f"At least {SHORTEST:g}s.")
    run.wishes.lines = True
    names = inventory.configured(run.context, run.provider)
    screen = _Screen(run, pause) if sys.stdout.isatty() and moves() and not run.output.is_data else _Lines(run)
    try:
        while True:
            screen.show(look(names))
            run.context.clock.sleep(pause)
    except KeyboardInterrupt:
        return  # how one ends it


class _Lines:
    """Through a pipe: whenever something has changed, all of it."""

    def __init__(self, run: Run) -> None:
        self._run, self._last, self._silent = run, "", ""

    def show(self, look: Look) -> None:
        now = repr([records.of_desktop(desktop) for desktop in look.desktops])
        if now != self._last:
            if self._last and not self._run.output.is_data:
                sys.stdout.write("\n")
            look.show()
            sys.stdout.flush()
            self._last = now
        self._tell(look)

    def _tell(self, look: Look) -> None:
        """Who does not answer is said when that changes; the others go on being watched."""
        silent = "; ".join(f"{name}: {error.brief}" for name, error in look.listing.failures.items())
        if silent and silent != self._silent:
            self._run.context.progress.warn(silent)
        self._silent = silent


class _Screen:
    """On a terminal: the whole screen, drawn over line by line, so that it does not flicker."""

    def __init__(self, run: Run, pause: float) -> None:
        self._run, self._pause = run, pause
        sys.stdout.write(_HOME + _CLEAR_BELOW)

    def show(self, look: Look) -> None:
        drawn = _drawn(look.show) or "No such desktop.\n"
        silent = "".join(f"{name}: {error.brief}\n" for name, error in look.listing.failures.items())
        now = f"{self._run.context.clock.now():%H:%M:%S} UTC, every {length(self._pause)}; Ctrl-C ends\n"
        room = get_terminal_size().lines - now.count("\n") - 1
        shown = f"{drawn}{silent}\n".splitlines(keepends=True)[:room]
        text = "".join([*shown, now]).replace("\n", f"{_CLEAR_LINE}\n")
        sys.stdout.write(f"{_HOME}{text}{_CLEAR_BELOW}")
        sys.stdout.flush()


class _Paper(StringIO):
    """Where a table is drawn for the terminal that comes after."""

    encoding: str = "utf-8"

    def isatty(self) -> bool:
        return True


def _drawn(show: Callable[[], None]) -> str:
    before, paper = (sys.stdout, sys.stderr), _Paper()
    paper.encoding = sys.stdout.encoding
    sys.stdout, sys.stderr = paper, _Paper()
    try:
        show()
    finally:
        sys.stdout, sys.stderr = before
    return paper.getvalue()
