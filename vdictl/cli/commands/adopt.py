"""`vdictl adopt`."""

from __future__ import annotations

from typing import Annotated

import typer

from vdictl.cli import asking, records
from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column
from vdictl.cli.run import Run, running
from vdictl.cli.targets import show_changed
from vdictl.contract.errors import Invalid, NotFound
from vdictl.contract.mark import NAME, check_name
from vdictl.contract.model import DesktopSpec, Machine
from vdictl.core import adopting
from vdictl.core.registry import Opened

app = verb_app()
_COLUMNS = (
    Column("ID", lambda r: str(r["id"])),
    Column("NAME", lambda r: str(r["name"])),
    Column("STATE", lambda r: str(r["state"])),
    Column("PLAN", lambda r: str(r["plan"])),
    Column("CREATED", lambda r: str(r["created"])),
)


@app.command(cls=Listing)
def adopt(
    ctx: typer.Context,
    *,
    machine: Annotated[str | None, typer.Argument(metavar="ID", help="The machine, as its provider calls it.")] = None,
    name: Annotated[str | None, typer.Argument(help="What to call it; default: as the machine is called.")] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="K=V", help="A label to find it by. Repeatable.")] = None,
    listing: Annotated[
        bool, typer.Option("--list", help="Change nothing; list the machines that can be taken.")
    ] = False,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
) -> None:
    """Take a machine that was made without vdictl.

    Example: vdictl adopt --list

    The machine gets a mark, and nothing in it is touched. From then on it is a desktop like others: `vdictl destroy`
    takes it away. Which provider: -p, else the setting default_provider.
    """
    labels = asking.labels(label or ())
    if name is not None:
        check_name("desktop", name)
    wanted = asking.whole(machine, option="ID")
    if (wanted is None) != listing:
        raise Invalid("Say which machine by its ID, or --list to see them.")
    with running(ctx) as run:
        at, limit = run.context.open(run.provider or run.context.config.text("default_provider")), run.timeout(timeout)
        there = adopting.machines(run.context, at, timeout=limit)
        if wanted is None:
            run.output.many([records.of(each) for each in there], _COLUMNS, empty="There is nothing to adopt.")
            return
        spec = _spec(run, at, _chosen(at, there, wanted), name, labels)
        with interruptible(
            f"Interrupted while {wanted} was being adopted.",
            details="It has a mark, or it has none.",
            advice=f"See: vdictl list\nLet it go on: vdictl adopt {wanted} {spec.name}",
        ):
            desktop = adopting.adopt(run.context, at, wanted, spec, timeout=limit)
        run.context.progress.finish(desktop.name, "adopted")
        run.say(f"It is yours now. Take it away: vdictl destroy {desktop.name}")
        show_changed(run, desktop)


def _chosen(at: Opened, there: list[Machine], wanted: str) -> Machine:
    found = next((each for each in there if each.id == wanted), None)
    if found is None:
        raise NotFound(
            f"{at.name} has no machine {wanted!a} that could be adopted.",
            details=f"There are: {', '.join(each.id for each in there[:20])}." if there else "There are none.",
            advice=f"See them: vdictl adopt -p {at.name}; it may be a desktop already: vdictl list",
            provider=at.name,
        )
    return found


def _spec(run: Run, at: Opened, machine: Machine, name: str | None, labels: dict[str, str]) -> DesktopSpec:
    if name is None and not NAME.fullmatch(machine.name):
        raise Invalid(
            f"{machine.name[:60]!a} cannot be the name of a desktop.",
            advice=f"Say another: vdictl adopt {machine.id} NAME",
            provider=at.name,
        )
    called = name or machine.name
    return DesktopSpec(name=called, owner=run.context.owner, fleet=run.context.fleet, labels=labels)
