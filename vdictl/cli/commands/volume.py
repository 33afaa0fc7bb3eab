"""`vdictl volume`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, Any

import typer

from vdictl.cli import archiving, orders, records, sizes
from vdictl.cli.app import verb_app
from vdictl.cli.asking import HOMES
from vdictl.cli.durations import ago, mebibytes
from vdictl.cli.interrupting import interruptible
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column
from vdictl.cli.removing import Doomed, remove_all
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one, show_changed
from vdictl.contract.errors import Conflict, Invalid, NotFound
from vdictl.contract.mark import check_name
from vdictl.core import inventory, volumes
from vdictl.core.operating import Operator
from vdictl.core.volumes import Stored

app = verb_app(no_args_is_help=True)
_TIMEOUT = typer.Option(None, metavar="TIME", help="How long to wait, for example 10m; default: the setting.")


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    everybody: bool = typer.Option(False, "--all-owners", "-A", help="Those of every owner of the fleet."),
) -> None:
    """List volumes: the homes of desktops, which outlive them.

    Example: vdictl volume list -o json

    The size is what it takes where it is; on this machine finding out reads all names in it.
    """
    with running(ctx) as run:
        store = volumes.store(run.context, run.provider, everybody=everybody, measure=True)
        desktops = _desktops(run, store.found)
        rows = [_record(stored, desktops) for stored in store.found]
        empty = "There are no volumes. A create makes one, or: vdictl volume create NAME"
        run.output.many(rows, _columns(run.context.clock.now(), everybody), empty=empty)
        store.require_complete()


@app.command()
def create(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="What to call it: vdictl create --home NAME takes it up."),
    size: str = typer.Option(None, metavar="SIZE", help="How large, 50g, where the provider has sizes."),
    region: str = typer.Option("", metavar="REGION", help="Where, where the provider has regions."),
    timeout: str = _TIMEOUT,
) -> None:
    """Make an empty volume. One of yours that is there already is as good, if size and region fit.

    Example: vdictl volume create work
    """
    check_name("volume", name)
    gib = _gib(size) if size else None
    with running(ctx) as run:
        at, limit = run.context.open(run.provider or run.context.config.text("default_provider")), run.timeout(timeout)
        with interruptible("Interrupted while making a volume.", advice="See whether it is there: vdictl volume list"):
            made, new = volumes.create(run.context, at, name, size_gib=gib, region=region, timeout=limit)
        run.context.progress.finish(name, "made" if new else "is there already")
        record = _record(Stored(at, made), {}) | {"how": "created" if new else "existing"}
        lines = [("volume", name), ("provider", at.name), ("price", records.money(made.price))]
        run.output.one(record, [line for line in lines if line[1]])


@app.command()
def delete(
    ctx: typer.Context,
    which: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names, or ids of the provider.")],
    *,
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask; without a terminal nobody can be asked."),
    ignore_not_found: bool = typer.Option(False, "--ignore-not-found", help="What is not there is no error."),
    timeout: str = _TIMEOUT,
) -> None:
    """Delete volumes with all that is in them. What a desktop has is refused (9).

    Example: vdictl volume delete work

    One that is named is not asked about, unless at a terminal; several are listed and asked about.
    """
    for text in which:
        volumes.check_volume(text)
    with running(ctx) as run:
        chosen, limit = _chosen(run, which, ignore_not_found=ignore_not_found), run.timeout(timeout)
        _refuse_used(run, chosen)
        _ask_to_delete(run, chosen, yes=yes)
        with interruptible("Interrupted while deleting volumes.", advice="The same command again goes on."):
            remove_all(run, [_doomed(run, stored, limit) for stored in chosen], kind="volumes")


@app.command()
def attach(
    ctx: typer.Context,
    volume: str = typer.Argument(..., help="The volume."),
    name: str = typer.Argument(None, help="The desktop, which is stopped; default: the only one."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask where an ephemeral home would be lost."),
    timeout: str = _TIMEOUT,
) -> None:
    """Make a volume the home of a stopped desktop. The home that it has stays, as a volume of its own.

    Example: vdictl volume attach work desktop

    Its container or machine may be made anew for that, with the same image and size.
    """
    volumes.check_volume(volume)
    with running(ctx) as run:
        found, limit = one(run, name), run.timeout(timeout)
        stored = volumes.store(run.context, found.at.name).choose(volume)
        desktop = found.desktop
        if desktop.home in HOMES and desktop.home != "none":
            run.confirm(f"What is in the {desktop.home} home of {desktop.name} is lost. Go on?", yes=yes)
        with _interruptible(f"{stored.volume.name} was being attached to {desktop.name}", desktop.name):
            changed = Operator(run.context, found.at, timeout=limit).volume_attach(desktop, stored.volume)
        run.context.progress.finish(desktop.name, f"has the home {stored.volume.name}")
        show_changed(run, changed)


@app.command()
def detach(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop, which is stopped; default: the only one."),
    timeout: str = _TIMEOUT,
) -> None:
    """Take the home of a stopped desktop away. It stays, and another desktop can use it.

    Example: vdictl volume detach desktop

    What the desktop has in its place (on this machine: an empty home) goes with the desktop.
    """
    with running(ctx) as run:
        found, limit = one(run, name), run.timeout(timeout)
        desktop = found.desktop
        with _interruptible(f"the home of {desktop.name} was being taken away", desktop.name):
            changed = Operator(run.context, found.at, timeout=limit).volume_detach(desktop)
        run.context.progress.finish(desktop.name, f"has the home {changed.home}")
        show_changed(run, changed)


app.command("export")(archiving.export)
app.command("import")(archiving.import_)


def _gib(text: str) -> int:
    size = mebibytes(text, option="--size")
    if size % 1024:
        raise Invalid(f"--size: {text[:40]!a} is not a whole number of GiB.", advice="Write it as 50g.")
    return size // 1024


def _interruptible(what: str, desktop: str) -> AbstractContextManager[None]:
    return interruptible(
        f"Interrupted while {what}.",
        details="What has begun goes on; steps that remain wait for the next run.",
        advice=f"Finish it: vdictl wait {desktop} --for stopped",
    )


def _chosen(run: Run, which: list[str], *, ignore_not_found: bool) -> list[Stored]:
    """Those that are meant; what is not there is told before any question."""
    store = volumes.store(run.context, run.provider)
    chosen: dict[str, Stored] = {}
    for text in which:
        try:
            stored = store.choose(text)
        except NotFound:
            if not ignore_not_found:
                raise
        else:
            chosen[f"{stored.at.name}/{stored.volume.id}"] = stored
    return list(chosen.values())


def _refuse_used(run: Run, chosen: list[Stored]) -> None:
    used = [stored for stored in chosen if stored.volume.attached_to]
    if used:
        desktops = _desktops(run, used)
        lines = [f"{s.volume.name}: {desktops.get(s.volume.attached_to, s.volume.attached_to)}" for s in used]
        advice = "Destroy the desktop, or stop it and take its home away: vdictl volume detach NAME"
        raise Conflict("A desktop uses what is to be deleted.", details="\n".join(lines), advice=advice)


def _ask_to_delete(run: Run, chosen: list[Stored], *, yes: bool) -> None:
    if yes or not chosen or (len(chosen) == 1 and not run.asks):
        return
    now = run.context.clock.now()
    for stored in chosen:
        facts = (stored.at.name, ago(stored.volume.created, now=now), records.money(stored.volume.price))
        run.tell("  ".join(("", stored.volume.name, *filter(None, facts))))
    run.confirm(f"Delete {'this volume' if len(chosen) == 1 else f'these {len(chosen)} volumes'}?", yes=yes)


def _doomed(run: Run, stored: Stored, timeout: float) -> Doomed:
    volume = stored.volume
    return Doomed(
        shown=volume.name,
        record={"name": volume.name, "key": volume.id, "provider": stored.at.name},
        remove=lambda: volumes.delete(run.context, stored, timeout=timeout),
    )


def _desktops(run: Run, found: Sequence[Stored]) -> Mapping[str, str]:
    """Names of the desktops that use these, by key."""
    if not any(stored.volume.attached_to for stored in found):
        return {}
    return {f.desktop.key: f.desktop.name for f in inventory.list_desktops(run.context, run.provider).found}


def _record(stored: Stored, desktops: Mapping[str, str]) -> dict[str, Any]:
    volume = stored.volume
    return records.of(volume) | {"desktop": desktops.get(volume.attached_to) or None}


def _columns(now: datetime, with_owner: bool) -> list[Column]:
    owner = [Column("OWNER", lambda r: str(r["owner"]))] if with_owner else []
    return [
        Column("VOLUME", lambda r: str(r["name"])),
        *owner,
        Column("PROVIDER", lambda r: str(r["provider"])),
        Column("SIZE", lambda r: sizes.of_bytes(r["size_bytes"]), right=True, order=orders.field("size_bytes")),
        Column("DESKTOP", lambda r: str(r["desktop"] or r["attached_to"] or "")),
        Column("AGE", lambda r: ago(datetime.fromisoformat(r["created"]), now=now), right=True, order=orders.age),
        Column("REGION", lambda r: str(r["region"]), optional=True),
        Column("PRICE", lambda r: _price(r["price"]), right=True, optional=True, order=orders.price),
    ]


def _price(price: Mapping[str, str] | None) -> str:
    return f"{price['amount']} {price['currency']}/{price['per']}" if price else ""
