"""`vdictl start`."""

from __future__ import annotations

from dataclasses import replace

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import running
from vdictl.cli.targets import one, show_changed, until_usable
from vdictl.core.operating import Operator

app = verb_app()


@app.command()
def start(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop; default: the only one."),
    wait: bool = typer.Option(True, "--wait/--no-wait", help="Until a person could work in it."),
    timeout: str = typer.Option(None, metavar="TIME", help="How long to wait: 15m."),
) -> None:
    """Start a stopped desktop. One that runs already is as good.

    Example: vdictl start desktop
    """
    with running(ctx) as run:
        found, limit = one(run, name), run.timeout(timeout)
        called = found.desktop.name
        with interruptible(
            f"Interrupted while {called} was starting.",
            details="What has begun there goes on.",
            advice=f"Wait for it: vdictl wait {called}\nUndo it: vdictl stop {called}",
        ):
            desktop = Operator(run.context, found.at, timeout=limit).start(found.desktop)
            if wait:
                until_usable(run, replace(found, desktop=desktop), timeout=limit)
        run.context.progress.finish(called, "")
        show_changed(run, desktop, usable=True if wait else None)
