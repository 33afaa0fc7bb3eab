"""`vdictl list`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago
from vdictl.cli.output import Column, Record
from vdictl.cli.run import Run, running
from vdictl.contract.model import Desktop
from vdictl.core import inventory

app = verb_app()


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    everybody: Annotated[bool, typer.Option("--all-owners", "-A", help="Those of every owner of the fleet.")] = False,
    selector: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Those with this label. Repeatable: all must fit.")
    ] = None,
) -> None:
    """List desktops on all configured providers.

    Example: vdictl list -o json

    A provider that does not answer is named, and the others are listed (exit 7).
    """
    with running(ctx) as run:
        wanted = _labels(selector or ())
        listing = inventory.list_desktops(run.context, run.provider)
        all_ = [found.desktop for found in listing.found]
        shown = [d for d in all_ if (everybody or d.owner == run.context.owner) and wanted <= d.labels.items()]
        columns = desktop_columns(run.context.clock.now(), shown, with_owner=everybody)
        empty = f"{run.context.owner} has no {'such ' if wanted else ''}desktop in the fleet {run.context.fleet}."
        run.output.many([records.of_desktop(d) for d in shown], columns, empty=f"{empty} Make one: vdictl create")
        _warn_of_twins(run, shown)
        listing.require_complete()


def _labels(texts: Iterable[str]) -> set[tuple[str, str]]:
    if not texts:
        return set()
    from vdictl.cli import asking  # only where labels are given

    return set(asking.pairs(texts, option="--selector").items())


def _warn_of_twins(run: Run, desktops: Iterable[Desktop]) -> None:
    """Two finished ones of one name: nobody but a person can say which one is to stay."""
    finished = Counter((d.provider, d.owner, d.name) for d in desktops if d.operation is None)
    for (provider, _, name), number in finished.items():
        if number > 1:
            run.context.progress.warn(f"{provider} has {number} desktops called {name}; their ids: vdictl list -o json")


def desktop_columns(now: datetime, desktops: Iterable[Desktop], *, with_owner: bool) -> list[Column]:
    """The columns of a list of desktops; the price only where one is known."""
    desktops = list(desktops)
    owner = [Column("OWNER", lambda r: str(r["owner"]))] if with_owner else []
    price = [Column("PRICE", _price, right=True)] if any(d.price for d in desktops) else []
    return [
        Column("NAME", lambda r: str(r["name"])),
        *owner,
        Column("PROVIDER", lambda r: str(r["provider"])),
        Column("STATE", _state),
        Column("PLAN", lambda r: str(r["plan"])),
        Column("IMAGE", lambda r: str(r["image"])),
        *price,
        Column("AGE", lambda r: ago(datetime.fromisoformat(r["created"]), now=now), right=True),
        Column("EXPIRES", lambda r: _expires(r["expires"], now)),
    ]


def _state(record: Record) -> str:
    text = str(record["state"])
    if why := record["doing"] or (record["reason"] if text in {"failed", "unknown"} else ""):
        return f"{text} ({why})"
    return text


def _price(record: Record) -> str:
    price = record["price"]
    return f"{price['amount']} {price['currency']}/{price['per']}" if price else ""


def _expires(text: str | None, now: datetime) -> str:
    if not text:
        return "never"
    time = datetime.fromisoformat(text)
    return f"in {ago(time, now=now)}" if time > now else "now"
