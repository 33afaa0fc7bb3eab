"""`vdictl rename`."""

from __future__ import annotations

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import running
from vdictl.cli.targets import one, show_changed
from vdictl.contract.mark import check_name
from vdictl.core import changing

app = verb_app()


@app.command()
def rename(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The desktop."),
    new: str = typer.Argument(..., metavar="NEW", help="What to call it."),
    timeout: str = typer.Option(None, metavar="TIME", help="How long to wait: 15m."),
) -> None:
    """Give a desktop another name. What runs in it goes on; its home is called as before.

    Example: vdictl rename desktop shop

    A create of the new name takes it up from then on; one of the old name makes another desktop, with a home of
    another name (--home).
    """
    check_name("desktop", new)
    with running(ctx) as run:
        found, limit = one(run, name), run.timeout(timeout)
        called = found.desktop.name
        with interruptible(
            f"Interrupted while {called} was being renamed.",
            details="It is called by one of the two names; steps that remain are done by the next run.",
            advice=f"See which: vdictl list\nFinish it: the same rename again, or: vdictl wait {new} --for running",
        ):
            desktop = changing.rename(run.context, found, new, timeout=limit)
        run.context.progress.finish(called, f"is called {desktop.name}")
        show_changed(run, desktop)
