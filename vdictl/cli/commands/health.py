"""`vdictl health`."""

from __future__ import annotations

from typing import Any

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.output import Column, Record
from vdictl.cli.probes import LateProbes
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Health, State
from vdictl.core.health import Ladder
from vdictl.core.inventory import Found
from vdictl.core.usability import unseen

app = verb_app()


@app.command()
def health(ctx: typer.Context, name: str = typer.Argument(None, help="The desktop; default: the only one.")) -> None:
    """Check each step from "it exists" to "a person could work".

    Example: vdictl health desktop -o json

    Exit 0: usable; 1: not, and the step that fails is named; 7: it cannot be seen from here.
    """
    with running(ctx) as run:
        found = one(run, name)
        seen = Ladder(found.at, LateProbes(), run.context.clock).climb(found.desktop)
        _show(run, found, seen)
        _judge(run, found, seen)


def _show(run: Run, found: Found, seen: Health) -> None:
    rungs = [records.of(rung) for rung in seen.rungs]
    if run.output.is_data:
        desktop, failing = found.desktop, seen.failing
        record: dict[str, Any] = {"name": desktop.name, "key": desktop.key, "provider": found.at.name}
        record |= {"state": desktop.state.value, "usable": seen.usable}
        record |= {"failing": failing.name if failing else None, "fatal": bool(failing and failing.fatal)}
        run.output.one(record | {"rungs": rungs}, [])
    else:
        run.output.many(rungs, COLUMNS)


def _judge(run: Run, found: Found, seen: Health) -> None:
    """The exit code."""
    desktop, failing = found.desktop, seen.failing
    if failing is not None:
        start = desktop.state in {State.STOPPED, State.PARKED}
        cure = "start" if start else "logs" if failing.fatal or desktop.state is not State.RUNNING else "restart"
        raise VdictlError(
            f"{desktop.name} is not usable: {failing.name}: {failing.detail}",
            advice=f"{'See' if cure == 'logs' else 'Try'}: vdictl {cure} {desktop.name}",
            provider=found.at.name,
        )
    if seen.usable is None and any(rung.ok is None for rung in seen.rungs):
        raise unseen(desktop, found.at)
    if seen.usable is None:
        run.say(f"{desktop.name} runs and has no endpoint: nothing more can be known.")


def _took(record: Record) -> str:
    took = record["seconds"]
    return "" if took is None else f"{took * 1000:.0f} ms"


def _mark(record: Record) -> str:
    if record["ok"] is None:
        return "-"
    return "ok" if record["ok"] else "FATAL" if record["fatal"] else "no"


COLUMNS = (
    Column("STEP", lambda r: str(r["name"])),
    Column("OK", _mark),
    Column("TOOK", _took, right=True),
    Column("DETAIL", lambda r: str(r["detail"])),
)
