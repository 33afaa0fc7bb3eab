"""`vdictl wait`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.output import Record
from vdictl.cli.probes import LateProbes
from vdictl.cli.run import running
from vdictl.cli.targets import OUTCOME, outcome, raise_outcome, selection
from vdictl.core import bulk
from vdictl.core.aims import Aim, wait_for

app = verb_app()


@app.command()
def wait(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Default: the only one.")] = None,
    aim: Annotated[Aim, typer.Option("--for", help="What is waited for.")] = Aim.USABLE,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
) -> None:
    """Wait until desktops are running, usable, stopped, parked or deleted; finish on the way what is half made.

    Example: vdictl wait web db --for usable --timeout 5m

    Exit 8 when the time is over. With --for deleted, one that is not there is as good.
    """
    with running(ctx) as run:
        limit = run.timeout(timeout)
        chosen = bulk.select(run.context, selection(names or ()), only=run.provider)
        if aim is not Aim.DELETED:
            chosen.require_found()
        with interruptible("Interrupted while waiting.", advice="What has begun goes on; see: vdictl list"):
            outcomes = wait_for(run.context, chosen.found, aim, probes=LateProbes(), timeout=limit)
        results = [outcome(item, aim.value, outcomes[item.desktop.key]) for item in chosen.found]
        for item in chosen.found:
            run.context.progress.finish(item.desktop.name, "")
        run.output.many([*results, *_gone(chosen.missing)], OUTCOME)
        raise_outcome(chosen.found, outcomes)


def _gone(names: Iterable[str]) -> list[Record]:
    """Those that were not there to begin with."""
    nothing = {"key": None, "provider": "", "error": None, "reason": None}
    return [{"name": name, "result": Aim.DELETED.value} | nothing for name in names]
