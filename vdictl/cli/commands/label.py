"""`vdictl label`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from vdictl.cli import asking
from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import running
from vdictl.cli.targets import chosen, selection, tell_outcomes
from vdictl.contract.errors import Invalid
from vdictl.core import changing

app = verb_app()


@app.command()
def label(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str],
        typer.Argument(metavar="NAME... K=V... K-...", help="Names or patterns, then labels; K- takes one away."),
    ],
    selector: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Those with this label. Repeatable: all must fit.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of your own.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
) -> None:
    """Set labels of desktops, and take labels away; those that are not named stay.

    Example: vdictl label desktop team=blue old-

    One that is named, or the only one, is not asked about. Several are listed first and asked about; without a
    terminal that needs --yes. After a failure the others go on (exit 7).
    """
    names, labels = split(words)
    with running(ctx) as run:
        wanted, limit = selection(names, selector or (), everything=everything), run.timeout(timeout)
        met = chosen(run, wanted, question="Label", yes=yes)
        with interruptible(
            "Interrupted while labelling.",
            details="Each desktop has all of the change, or nothing of it.",
            advice="Finish it: the same command again\nSee what is done: vdictl list -o json",
        ):
            tell_outcomes(run, met, changing.label(run.context, met.found, labels, timeout=limit), "labelled")


def split(words: Iterable[str]) -> tuple[list[str], dict[str, str | None]]:
    """Names, and labels to set or (`None`) to take away.

    Raises:
        Invalid: there is no label, one cannot be one, or one is both set and taken away.
    """
    names = [word for word in words if not _is_change(word)]
    given = [word for word in words if _is_change(word)]
    wanted = asking.labels(word for word in given if "=" in word)
    gone = asking.labels(f"{word[:-1]}=" for word in given if "=" not in word)
    if not given:
        raise Invalid("No label is named.", advice="Say KEY=VALUE to set one, KEY- to take one away.")
    if both := sorted(wanted.keys() & gone.keys()):
        raise Invalid(f"The label {both[0]} is to be set and taken away at once.")
    return names, {**wanted, **dict.fromkeys(gone)}


def _is_change(word: str) -> bool:
    return "=" in word or (word.endswith("-") and len(word) > 1)
