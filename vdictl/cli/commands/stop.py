"""`vdictl stop`."""

from __future__ import annotations

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.durations import seconds
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import running
from vdictl.cli.targets import one, show_changed
from vdictl.core.operating import Operator

app = verb_app()


@app.command()
def stop(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop; default: the only one."),
    grace: str = typer.Option("10s", metavar="TIME", help="How long its programs have to end by themselves."),
    timeout: str = typer.Option(None, metavar="TIME", help="How long to wait: 15m."),
) -> None:
    """Stop a desktop: programs in it end, its home and its place stay. One that is stopped already is as good.

    Example: vdictl stop desktop
    """
    with running(ctx) as run:
        patience = seconds(grace, option="--grace")
        found, limit = one(run, name), run.timeout(timeout)
        called = found.desktop.name
        with interruptible(
            f"Interrupted while {called} was stopping.",
            details="What has begun there goes on.",
            advice=f"Wait for it: vdictl wait {called} --for stopped\nUndo it: vdictl start {called}",
        ):
            desktop = Operator(run.context, found.at, timeout=limit).stop(found.desktop, grace=patience)
        run.context.progress.finish(called, desktop.state.value)
        show_changed(run, desktop)
