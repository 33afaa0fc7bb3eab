"""`vdictl extend`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.durations import moment, seconds
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import Run, running
from vdictl.cli.targets import chosen, selection, tell_outcomes
from vdictl.contract.errors import Invalid
from vdictl.contract.model import NEVER
from vdictl.core import changing
from vdictl.core.changing import End

app = verb_app()


@app.command()
def extend(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME... [TIME]", help="Names or patterns, and how long from now: 2h, 90m."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="The end itself: 2030-01-31T18:00.")] = None,
    never: Annotated[bool, typer.Option("--never", help="No end any more.")] = False,
    selector: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Those with this label. Repeatable: all must fit.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of your own.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
) -> None:
    """Move the end of desktops: that of their mark, and their own timer.

    Example: vdictl extend desktop 2h

    A length of time counts from now and never takes time away: who has more, or no end at all, keeps it. So it may
    be run again and again, by a job that needs the desktop a little longer. --until may bring the end nearer.
    Several are listed first and asked about; without a terminal that needs --yes.
    """
    with running(ctx) as run:
        names, end = _wish(run, list(words or ()), until, never=never)
        wanted, limit = selection(names, selector or (), everything=everything), run.timeout(timeout)
        met = chosen(run, wanted, question="Move the end of", yes=yes)
        with interruptible(
            "Interrupted while extending.",
            details="Steps that remain are done by the next run.",
            advice="Finish it: the same command again\nSee what is done: vdictl list",
        ):
            tell_outcomes(run, met, changing.extend(run.context, met.found, end, timeout=limit), "extended")


def _wish(run: Run, words: list[str], until: str | None, *, never: bool) -> tuple[list[str], End]:
    """Names, and the end that is wanted.

    Raises:
        Invalid: none, or more than one; or it is no time.
    """
    if until is not None and never:
        raise Invalid("--until and --never contradict each other.")
    if never:
        return words, End(at=NEVER)
    if until is not None:
        now = run.context.clock.now()
        return words, End(at=moment(until, option="--until", now=now).replace(microsecond=0))
    if not words:
        raise Invalid("For how long?", advice="Say it as the last word: vdictl extend NAME 2h; or --until, --never.")
    return words[:-1], End(least=timedelta(seconds=seconds(words[-1], option="the time")))
