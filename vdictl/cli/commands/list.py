"""`vdictl list`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from vdictl.cli import orders, records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Record
from vdictl.cli.run import Run, running
from vdictl.contract.model import Desktop, State
from vdictl.core import inventory

app = verb_app()


@dataclass(frozen=True, kw_only=True)
class Sieve:
    """Which of the desktops are shown."""

    everybody: bool
    every_fleet: bool
    labels: Mapping[str, str]
    states: frozenset[State]

    @property
    def is_fine(self) -> bool:
        """Whether it leaves out some of the caller's own."""
        return bool(self.labels or self.states)

    def holds(self, desktop: Desktop, owner: str) -> bool:
        """Whether this one is shown."""
        mine = self.everybody or desktop.owner == owner
        fits = self.labels.items() <= desktop.labels.items()
        return mine and fits and (not self.states or desktop.state in self.states)


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    *,
    everybody: Annotated[bool, typer.Option("--all-owners", "-A", help="Those of every owner of the fleet.")] = False,
    every_fleet: Annotated[bool, typer.Option("--all-fleets", help="Those of every fleet of the account.")] = False,
    state: Annotated[list[State] | None, typer.Option(metavar="STATE", help="Those in this state. Repeatable.")] = None,
    selector: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Those with this label. Repeatable: all must fit.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl-C.")] = False,
    interval: Annotated[str, typer.Option(metavar="TIME", help="How often --watch looks.")] = "2s",
) -> None:
    """List desktops on all configured providers.

    Example: vdictl list --state running --sort -age

    Example: vdictl list --watch -o json

    A provider that does not answer is named, and the others are listed (exit 7). --watch draws the table anew on a
    terminal; through a pipe it writes a new table, or a line of JSON, whenever something has changed. Ctrl-C is its
    usual end (exit 0).
    """
    with running(ctx) as run:
        sieve = Sieve(
            everybody=everybody,
            every_fleet=every_fleet,
            labels=_labels(selector or ()),
            states=frozenset(state or ()),
        )
        run.context.every_fleet = every_fleet
        if watch:
            from vdictl.cli.watching import watch as go_on  # only for who stays

            go_on(run, lambda names: _look(run, sieve, names), every=interval)
            return
        look = _look(run, sieve, None)
        look.show()
        _warn_of_twins(run, look.desktops)
        look.listing.require_complete()


@dataclass(frozen=True)
class Look:
    """One look at the desktops."""

    listing: inventory.Listing
    desktops: list[Desktop]
    show: Callable[[], None]


def _look(run: Run, sieve: Sieve, names: list[str] | None) -> Look:
    listing = inventory.list_desktops(run.context, run.provider, names=names)
    shown = [found.desktop for found in listing.found if sieve.holds(found.desktop, run.context.owner)]

    def show() -> None:
        columns = desktop_columns(
            run.context.clock.now(), shown, with_owner=sieve.everybody, with_fleet=sieve.every_fleet
        )
        where = "any fleet" if sieve.every_fleet else f"the fleet {run.context.fleet}"
        empty = f"{run.context.owner} has no {'such ' if sieve.is_fine else ''}desktop in {where}."
        run.output.many([records.of_desktop(d) for d in shown], columns, empty=f"{empty} Make one: vdictl create")

    return Look(listing, shown, show)


def _labels(texts: Iterable[str]) -> dict[str, str]:
    if not texts:
        return {}
    from vdictl.cli import asking  # only where labels are given

    return asking.pairs(texts, option="--selector")


def _warn_of_twins(run: Run, desktops: Iterable[Desktop]) -> None:
    """Two finished ones of one name: nobody but a person can say which one is to stay."""
    finished = Counter((d.provider, d.fleet, d.owner, d.name) for d in desktops if d.operation is None)
    for (provider, _, _, name), number in finished.items():
        if number > 1:
            run.context.progress.warn(f"{provider} has {number} desktops called {name}; their ids: vdictl list -o json")


def desktop_columns(
    now: datetime, desktops: Iterable[Desktop], *, with_owner: bool, with_fleet: bool = False
) -> list[Column]:
    """The columns of a list of desktops; the price only where one is known."""
    desktops = list(desktops)
    fleet = [Column("FLEET", lambda r: str(r["fleet"]))] if with_fleet else []
    owner = [Column("OWNER", lambda r: str(r["owner"]))] if with_owner else []
    price = [Column("PRICE", _price, right=True, order=orders.price)] if any(d.price for d in desktops) else []
    return [
        Column("NAME", lambda r: str(r["name"])),
        *fleet,
        *owner,
        Column("PROVIDER", lambda r: str(r["provider"])),
        Column("STATE", _state),
        Column("PLAN", lambda r: str(r["plan"])),
        Column("IMAGE", lambda r: str(r["image"])),
        *price,
        Column("AGE", lambda r: ago(datetime.fromisoformat(r["created"]), now=now), right=True, order=orders.age),
        Column("EXPIRES", lambda r: _expires(r["expires"], now), order=orders.field("expires")),
    ]


def _state(record: Record) -> str:
    text = str(record["state"])
    if why := record["doing"] or (record["reason"] if text in {"failed", "unknown"} else ""):
        return f"{text} ({why})"
    return text


def _price(record: Record) -> str:
    return records.text(record["price"])


def _expires(text: str | None, now: datetime) -> str:
    if not text:
        return "never"
    time = datetime.fromisoformat(text)
    return f"in {ago(time, now=now)}" if time > now else "now"
