"""What stays behind after a destroy, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vdictl.cli import records
from vdictl.cli.asking import HOMES
from vdictl.cli.run import Run
from vdictl.contract.capabilities import SupportsSnapshots, SupportsVolumes
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Desktop, Price
from vdictl.core.inventory import Found
from vdictl.core.registry import Opened


def tell_what_stays(run: Run, gone: Iterable[Found], also: frozenset[str]) -> None:
    """Say which homes and snapshots stay, and what they cost; quiet runs ask nobody for it."""
    if run.wishes.quiet:
        return
    groups: dict[str, tuple[Opened, list[Desktop]]] = {}
    for item in gone:
        groups.setdefault(item.at.name, (item.at, []))[1].append(item.desktop)
    for at, desktops in groups.values():
        try:
            if "homes" not in also:
                _homes(run, at, desktops)
            if "snapshots" not in also:
                _snapshots(run, at, desktops)
        except VdictlError as error:  # they are gone: that this can't be told is no failure
            run.context.progress.warn(f"What stays at {at.name} cannot be told: {error.brief}")


def _homes(run: Run, at: Opened, desktops: Sequence[Desktop]) -> None:
    names = {(d.owner, d.home) for d in desktops if d.home and d.home not in HOMES}
    if not names or not at.can(SupportsVolumes):
        return
    for volume in at.need(SupportsVolumes, to="list homes").volumes():
        if (volume.owner, volume.name) in names:
            run.say(f"The home {volume.name} stays{_cost(at, volume.price)}; a create that uses it takes it up again.")


def _snapshots(run: Run, at: Opened, desktops: Sequence[Desktop]) -> None:
    if not at.can(SupportsSnapshots):
        return
    keys = {d.key: d.name for d in desktops}
    for snapshot in at.need(SupportsSnapshots, to="list snapshots").snapshots():
        if snapshot.desktop_key in keys:
            name = f"{keys[snapshot.desktop_key]}/{snapshot.name}"
            run.say(f"The snapshot {name} stays{_cost(at, snapshot.price)}.")


def _cost(at: Opened, price: Price | None) -> str:
    if price is not None:
        return f" and costs {records.money(price)}"
    return " and may cost money" if at.manifest.kept_costs else " at no cost"
