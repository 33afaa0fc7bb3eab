"""`vdictl resize`."""

from __future__ import annotations

from typing import Annotated

import typer

from vdictl.cli import asking
from vdictl.cli.app import verb_app
from vdictl.cli.durations import mebibytes
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import Run, running
from vdictl.cli.sizing import Cpus, Disk, Memory, Plan
from vdictl.cli.targets import one, show_changed
from vdictl.contract.capabilities import SupportsResize
from vdictl.contract.errors import Invalid
from vdictl.contract.model import State
from vdictl.core import changing
from vdictl.core.changing import Size
from vdictl.core.inventory import Found
from vdictl.core.operating import Operator

app = verb_app()


@app.command()
def resize(
    ctx: typer.Context,
    *,
    name: Annotated[str | None, typer.Argument(help="The desktop; default: the only one.")] = None,
    plan: Plan = None,
    cpus: Cpus = None,
    memory: Memory = None,
    disk: Disk = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
) -> None:
    """Give a desktop another size; its home and its name stay.

    Example: vdictl resize desktop --memory 2g --yes

    A plan replaces the size that was asked for; of single amounts those that are not named stay. Where the provider
    has to restart the desktop for it, that is asked about; without a terminal it needs --yes.
    """
    size = Size(
        plan=asking.whole(plan, option="--plan"),
        cpus=asking.processors(cpus),
        memory_mib=mebibytes(memory, option="--memory") if memory is not None else None,
        disk_gib=asking.gibibytes(disk, option="--disk") if disk is not None else None,
    )
    if size == Size():
        raise Invalid("No size is named.", advice="Say --plan, or some of --cpus, --memory and --disk.")
    with running(ctx) as run:
        found, limit = one(run, name), run.timeout(timeout)
        found.at.need(SupportsResize, to="resize desktops")
        called, spec = found.desktop.name, changing.sized(run.context, found.at, found.desktop, size)
        _ask(run, found, yes=yes)
        with interruptible(
            f"Interrupted while {called} was being resized.",
            details="What has begun there goes on; steps that remain are done by the next run.",
            advice=f"Finish it: the same resize again\nSee it: vdictl show {called}",
        ):
            desktop = Operator(run.context, found.at, timeout=limit).resize(found.desktop, spec)
        run.context.progress.finish(called, desktop.plan)
        show_changed(run, desktop)


def _ask(run: Run, found: Found, *, yes: bool) -> None:
    if found.at.manifest.resize_restarts and found.desktop.state is State.RUNNING:
        run.confirm(f"{found.desktop.name} is restarted for it, and what runs in it ends. Resize it?", yes=yes)
