"""`vdictl list`."""

from __future__ import annotations

from datetime import datetime

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago
from vdictl.cli.output import Column, Record
from vdictl.cli.run import running
from vdictl.core import inventory

app = verb_app()


@app.command("list")
def list_(
    ctx: typer.Context,
    everybody: bool = typer.Option(False, "--all-owners", "-A", help="Those of every owner of the fleet."),
) -> None:
    """List desktops on all configured providers.

    Example: vdictl list -o json
    """
    with running(ctx) as run:
        listing = inventory.list_desktops(run.context, run.provider)
        mine = run.context.owner
        shown = [found.desktop for found in listing.found if everybody or found.desktop.owner == mine]
        columns = desktop_columns(run.context.clock.now(), with_owner=everybody)
        empty = f"{mine} has no desktop in the fleet {run.context.fleet}. Make one: vdictl create"
        run.output.many([records.of_desktop(desktop) for desktop in shown], columns, empty=empty)
        listing.require_complete()


def desktop_columns(now: datetime, *, with_owner: bool) -> list[Column]:
    """The columns of a list of desktops."""
    owner = [Column("OWNER", lambda r: str(r["owner"]))] if with_owner else []
    return [
        Column("NAME", lambda r: str(r["name"])),
        *owner,
        Column("PROVIDER", lambda r: str(r["provider"])),
        Column("STATE", _state),
        Column("PLAN", lambda r: str(r["plan"])),
        Column("IMAGE", lambda r: str(r["image"])),
        Column("AGE", lambda r: ago(datetime.fromisoformat(r["created"]), now=now), right=True),
        Column("EXPIRES", lambda r: _expires(r["expires"], now)),
    ]


def _state(record: Record) -> str:
    text = str(record["state"])
    return f"{text} ({record['doing']})" if record["doing"] else text


def _expires(text: str | None, now: datetime) -> str:
    if not text:
        return "never"
    time = datetime.fromisoformat(text)
    return f"in {ago(time, now=now)}" if time > now else "now"
