"""`vdictl destroy`."""

from __future__ import annotations

from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.leaving import tell_what_stays
from vdictl.cli.run import Run, running
from vdictl.cli.targets import OUTCOME, ask_about, outcome, raise_outcome, selection
from vdictl.contract.errors import NotFound
from vdictl.core import bulk
from vdictl.core.bulk import Chosen, Selection

app = verb_app()


@app.command()
def destroy(
    ctx: typer.Context,
    *,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Names or patterns ('ci-*'); default: the only one.")
    ] = None,
    selector: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Those with this label. Repeatable: all must fit.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of your own.")] = False,
    with_volumes: Annotated[bool, typer.Option("--with-volumes", help="Their homes too.")] = False,
    with_snapshots: Annotated[bool, typer.Option("--with-snapshots", help="Their snapshots too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    ignore_not_found: Annotated[bool, typer.Option("--ignore-not-found", help="What is not there is as good.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until they are gone.")] = True,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
) -> None:
    """Take desktops away; homes and snapshots stay unless told.

    Example: vdictl destroy 'ci-*' --with-volumes --yes

    One that is named is not asked about. Several are listed first and asked about; without a terminal that needs
    --yes. After a failure the others go on (exit 7).
    """
    with running(ctx) as run:
        wanted, limit = selection(names or (), selector or (), everything=everything), run.timeout(timeout)
        chosen = _choose(run, wanted, ignore_missing=ignore_not_found)
        also = frozenset(["homes"] * with_volumes + ["snapshots"] * with_snapshots)
        if chosen.found:
            too = f" and their {' and '.join(sorted(also))}" if also else ""
            ask_about(run, wanted, chosen, question="Destroy", yes=yes, too=too)
        with interruptible(
            "Interrupted while destroying.",
            details="What has begun goes on where it is; steps that remain wait for the next run.",
            advice="Finish it: the same destroy again\nSee what is left: vdictl list",
        ):
            outcomes = bulk.destroy(run.context, chosen.found, also=also, wait=wait, timeout=limit)
        done = "destroyed" if wait else "destroying"
        for item in chosen.found:
            run.context.progress.finish(item.desktop.name, "" if outcomes[item.desktop.key] else done)
        for item in chosen.found:
            if outcomes[item.desktop.key] is None:
                run.context.lexicon.drop("desktop", item.at.name, item.desktop.owner, item.desktop.name)
        gone = [item for item in chosen.found if outcomes[item.desktop.key] is None]
        tell_what_stays(run, gone, also)
        run.output.many([outcome(item, done, outcomes[item.desktop.key]) for item in chosen.found], OUTCOME)
        raise_outcome(chosen.found, outcomes)
        chosen.require_complete()


def _choose(run: Run, wanted: Selection, *, ignore_missing: bool) -> Chosen:
    """What is meant; what is not there is told before any question."""
    try:
        chosen = bulk.select(run.context, wanted, only=run.provider)
    except NotFound:
        if ignore_missing:
            return Chosen(found=(), missing={}, failures={})
        raise
    if not ignore_missing:
        chosen.require_found()
    return chosen
