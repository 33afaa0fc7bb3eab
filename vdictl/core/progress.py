"""What the core tells while it works. The command line shows it; the core never prints."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of decisions, steps and trouble. Every method returns at once and never raises."""

    def say(self, text: str) -> None:
        """A decision or a fact worth a line: which provider and why, what stays."""
        ...

    def step(self, name: str, doing: str, *, done: float | None = None) -> None:
        """What goes on with the desktop `name` now; `done` is 0..1. Called often, also with the same words."""
        ...

    def finish(self, name: str, text: str) -> None:
        """No more steps for `name`; `text` is how it ended."""
        ...

    def warn(self, text: str) -> None:
        """Something the user should know, that stops nothing."""
        ...


class Silent:
    """Tells nobody."""

    def say(self, text: str) -> None:
        """See `Progress`."""

    def step(self, name: str, doing: str, *, done: float | None = None) -> None:
        """See `Progress`."""

    def finish(self, name: str, text: str) -> None:
        """See `Progress`."""

    def warn(self, text: str) -> None:
        """See `Progress`."""
