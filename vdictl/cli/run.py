"""One run of a verb: the core's context made from the terminal's wishes, and the ways to answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from vdictl.cli.durations import seconds
from vdictl.cli.output import Output
from vdictl.cli.reporting import printable
from vdictl.cli.showing import Live, progress_for
from vdictl.cli.wishes import FORMATS, Wishes
from vdictl.contract.errors import Invalid
from vdictl.core.context import Context


@dataclass(frozen=True)
class Run:
    """What a verb works with."""

    wishes: Wishes
    context: Context
    output: Output

    @property
    def provider(self) -> str:
        """The provider the user named, or an empty string."""
        return self.wishes.provider

    @property
    def asks(self) -> bool:
        """Whether a question can be asked: only where both ends are a terminal."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def timeout(self, given: str | None) -> float:
        """The time limit in seconds: the option, else the setting."""
        if given is not None:
            return seconds(given, option="--timeout")
        return seconds(self.context.config.text("timeout"), option="the setting timeout")

    def say(self, text: str) -> None:
        """A sentence for people, on stderr; silent with `-q`."""
        self.context.progress.say(text)

    def tell(self, text: str) -> None:
        """As `say`, also with `-q`: what a question is about."""
        sys.stderr.write(printable(text) + "\n")

    def confirm(self, question: str, *, yes: bool, needs: str = "--yes") -> None:
        """Ask before something that cannot be undone.

        Raises:
            Invalid: no terminal to ask on, or the answer was no.
        """
        if yes:
            return
        if not self.asks:
            raise Invalid(f"{question} Without a terminal nobody can be asked.", advice=f"Add {needs} to say yes.")
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise Invalid("Nothing was done.")


@contextmanager
def running(ctx: typer.Context) -> Iterator[Run]:
    """The run of this command line; providers are closed at its end."""
    wishes = ctx.ensure_object(Wishes)
    context = Context.build(
        dict(os.environ),
        profile=wishes.profile,
        owner=wishes.owner,
        fleet=wishes.fleet,
        progress=progress_for(quiet=wishes.quiet),
    )
    form = "json" if wishes.fields else wishes.output or context.config.text("output")
    if form not in FORMATS:
        origin = context.config.value("output").origin
        raise Invalid(f"The output {form!a} is not one of {', '.join(FORMATS)}.", details=f"It comes from: {origin}.")
    if form == "json":
        wishes.output = "json"  # errors follow the setting too
    try:
        yield Run(wishes, context, Output(wishes, form))
    finally:
        if isinstance(context.progress, Live):
            context.progress.clear()
        context.close()
