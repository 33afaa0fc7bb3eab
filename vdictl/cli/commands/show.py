"""`vdictl show`."""

from __future__ import annotations

from typing import Any

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import length
from vdictl.cli.output import Record
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one
from vdictl.contract.capabilities import SupportsActivity, SupportsSnapshots
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import State
from vdictl.core import doors
from vdictl.core.inventory import Found

app = verb_app()


@app.command()
def show(ctx: typer.Context, name: str = typer.Argument(None, help="The desktop; default: the only one.")) -> None:
    """Show everything known about a desktop; secrets as ***.

    Example: vdictl show desktop -o json
    """
    with running(ctx) as run:
        found = one(run, name)
        record = records.of_desktop(found.desktop) | _more(run, found)
        run.output.one(record, _lines(record))


def _more(run: Run, found: Found) -> dict[str, Any]:
    """What a list does not tell: the ways in, how long nobody has worked, snapshots."""
    at, desktop = found.at, found.desktop
    more: dict[str, Any] = {"endpoints": [], "idle_seconds": None, "snapshots": []}
    try:
        if desktop.state is State.RUNNING and desktop.operation is None:
            more["endpoints"] = [records.of(endpoint) for endpoint in doors.endpoints(at, desktop)]
            if at.can(SupportsActivity):
                more["idle_seconds"] = at.need(SupportsActivity, to="tell who works").idle_seconds(desktop)
        if at.can(SupportsSnapshots):
            taken = at.need(SupportsSnapshots, to="list snapshots").snapshots()
            more["snapshots"] = sorted(s.name for s in taken if s.desktop_key == desktop.key)
    except VdictlError as error:
        run.context.progress.warn(f"Not everything can be told: {error.brief}")
    return more


def _lines(record: Record) -> list[tuple[str, str]]:
    """What is known, a line each; what is empty is left out."""
    lines = [(label, records.text(record[label])) for label in record if label not in _APART]
    lines += [(f"endpoint {e['kind']}", _way(e)) for e in record["endpoints"]]
    if record["idle_seconds"] is not None:
        lines.append(("idle", length(record["idle_seconds"])))
    return [(label, text) for label, text in lines if text]


_APART = {"endpoints", "idle_seconds", "progress"}


def _way(endpoint: Record) -> str:
    where = f"{endpoint['host']}:{endpoint['port']}" if endpoint["direct"] else "through the provider"
    login = "token" if endpoint["token"] else "password" if endpoint["password"] else "no login"
    return f"{where}, {login}{', primary' if endpoint['primary'] else ''}"
