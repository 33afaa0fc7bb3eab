"""Progress on stderr: one live line a desktop on a terminal, plain lines elsewhere, nothing with `-q`."""

from __future__ import annotations

import os
import sys
import time

from vdictl.cli.reporting import printable
from vdictl.core.progress import Progress, Silent


def progress_for(*, quiet: bool) -> Progress:
    """The right one for this stderr."""
    if quiet:
        return Silent()
    return Live() if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else Lines()


class Lines:
    """A line when something new goes on: for CI logs and pipes."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._last: dict[str, str] = {}

    def say(self, text: str) -> None:
        """See `Progress`."""
        self._write(text)

    def step(self, name: str, doing: str, *, done: float | None = None) -> None:
        """See `Progress`; the same words are said once."""
        if self._last.get(name) != doing:
            self._last[name] = doing
            percent = f" ({done:.0%})" if done is not None else ""
            self._write(f"{name}: {doing}{percent}")

    def finish(self, name: str, text: str) -> None:
        """See `Progress`."""
        self._last.pop(name, None)
        if text:
            self._write(f"{name}: {text}")

    def warn(self, text: str) -> None:
        """See `Progress`."""
        self._write(f"warning: {text}")

    def _write(self, text: str) -> None:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()


class Live:
    """A line that is written over: what goes on, for how long. Drawn by hand: rich would cost its import."""

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._begun: dict[str, float] = {}
        self._drawn = False

    def say(self, text: str) -> None:
        """See `Progress`."""
        self._line(text)

    def step(self, name: str, doing: str, *, done: float | None = None) -> None:
        """See `Progress`."""
        now = time.monotonic()
        since = now - self._begun.setdefault(name, now)
        percent = f" {done:.0%}" if done is not None else ""
        self._draw(f"{name}: {doing}{percent} [{since:.0f} s]")

    def finish(self, name: str, text: str) -> None:
        """See `Progress`; how long it took is said where steps of it were shown."""
        begun = self._begun.pop(name, None)
        took = "" if begun is None else f" [{time.monotonic() - begun:.1f} s]"
        self.clear()
        if text:
            self._line(f"{name}: {text}{took}")

    def warn(self, text: str) -> None:
        """See `Progress`."""
        self._line(f"warning: {text}")

    def clear(self) -> None:
        """Take the live line away: what comes next is not a step."""
        if self._drawn:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
            self._drawn = False

    def _line(self, text: str) -> None:
        self.clear()
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()

    def _draw(self, text: str) -> None:
        from shutil import get_terminal_size  # only on a terminal

        from vdictl.cli.widths import clip

        room = get_terminal_size().columns - 1
        sys.stderr.write("\r\033[K" + clip(printable(text), room, encoding=sys.stderr.encoding))
        sys.stderr.flush()
        self._drawn = True
