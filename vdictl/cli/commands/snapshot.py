"""`vdictl snapshot`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from vdictl.cli import orders, records, sizes
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago, seconds
from vdictl.cli.interrupting import interruptible
from vdictl.cli.listing import Listing
from vdictl.cli.making import Order, make
from vdictl.cli.output import Column, Record
from vdictl.cli.removing import Doomed, remove_all
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one, show_changed, until_usable
from vdictl.contract.errors import Invalid, NotFound
from vdictl.contract.mark import NAME, check_name
from vdictl.contract.model import DesktopSpec, Snapshot, State
from vdictl.core import inventory, pruning, snapshots
from vdictl.core.inputs import Inputs
from vdictl.core.operating import Operator
from vdictl.core.pruning import Rule
from vdictl.core.snapshots import Kept

app = verb_app(no_args_is_help=True)
_TIMEOUT = typer.Option(None, metavar="TIME", help="How long to wait, for example 10m; default: the setting.")


@app.command()
def create(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop; default: the only one."),
    snapshot: str = typer.Argument(None, help="What to call it; default: the time (UTC), 20300131-184500."),
    timeout: str = _TIMEOUT,
) -> None:
    """Take a snapshot of a desktop, and wait until it is complete.

    Example: vdictl snapshot create desktop before-upgrade

    It keeps the home and what the desktop was made of; it outlives the desktop.
    """
    _check(name, snapshot)
    with running(ctx) as run:
        found = one(run, name)
        called = snapshot or f"{run.context.clock.now().astimezone(UTC):%Y%m%d-%H%M%S}"
        operator = Operator(run.context, found.at, timeout=run.timeout(timeout))
        with _interruptible(f"the snapshot {called} of {found.desktop.name} was being taken", found.desktop.name):
            made = operator.snapshot_create(found.desktop, called)
        run.context.progress.finish(found.desktop.name, f"snapshot {called} is complete")
        run.output.one(_record(made), _lines(made))


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="Only those of this desktop, which may be gone."),
    everybody: bool = typer.Option(False, "--all-owners", "-A", help="Those of every owner of the fleet."),
) -> None:
    """List snapshots, oldest first, also of desktops that are gone.

    Example: vdictl snapshot list desktop -o json
    """
    _check(name, None)
    with running(ctx) as run:
        shelf = snapshots.shelf(run.context, run.provider, everybody=everybody)
        kept = [k for k in shelf.kept if name in (None, k.snapshot.desktop_name)]
        if name is not None and not kept:
            shelf.require_complete()
            inventory.find(run.context, name, only=run.provider)  # no snapshots is an answer, no desktop is an error
        empty = f"There are no snapshots. Take one: vdictl snapshot create {name or 'NAME'}"
        run.output.many([_record(k.snapshot) for k in kept], _columns(run.context.clock.now(), everybody), empty=empty)
        shelf.require_complete()


@app.command()
def delete(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The desktop they were taken of, which may be gone."),
    which: Annotated[
        list[str] | None, typer.Argument(metavar="SNAPSHOT...", help="Names, or ids of the provider.")
    ] = None,
    *,
    yes: bool = typer.Option(False, "--yes", "-y", help="Several at once: do not ask."),
    ignore_not_found: bool = typer.Option(False, "--ignore-not-found", help="What is not there is no error."),
    timeout: str = _TIMEOUT,
) -> None:
    """Delete snapshots of a desktop. One needs no question; several are listed and asked about.

    Example: vdictl snapshot delete desktop before-upgrade
    """
    _check(name, None)
    wanted = list(dict.fromkeys(which or ()))
    if not wanted:
        raise Invalid("Which snapshot?", advice=f"See which there are: vdictl snapshot list {name}")
    with running(ctx) as run:
        chosen = _chosen(run, name, wanted, ignore_not_found=ignore_not_found)
        names = ", ".join(k.snapshot.name for k in chosen)
        if len(chosen) > 1:
            run.confirm(f"Delete these {len(chosen)} snapshots of {name}: {names}?", yes=yes)
        _delete(run, chosen, run.timeout(timeout))


@app.command()
def prune(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="Only those of this desktop, which may be gone; default: all your own."),
    *,
    keep: int | None = typer.Option(None, min=0, metavar="N", help="Keep the newest N of each desktop."),
    older_than: str | None = typer.Option(None, metavar="TIME", help="Delete only those older than this: 30d, 12h."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only list what would be deleted."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask; without a terminal nobody can be asked."),
    timeout: str = _TIMEOUT,
) -> None:
    """Delete snapshots that are too many or too old: lists them first, then asks.

    Example: vdictl snapshot prune desktop --keep 5 --dry-run

    Example: vdictl snapshot prune --older-than 30d --keep 1 --yes

    With both options one goes only if it is not among the newest N and older than TIME. With --older-than alone the
    newest goes too, if it is that old. One that was left half made goes along, once nobody works on it.
    """
    _check(name, None)
    if keep is None and older_than is None:
        raise Invalid("Which ones are to go?", advice="Say --keep N, --older-than TIME, or both.")
    age = timedelta(seconds=seconds(older_than, option="--older-than")) if older_than else None
    with running(ctx) as run:
        now, limit = run.context.clock.now(), run.timeout(timeout)
        rule = Rule(keep=keep or 0, before=now - age if age else None)
        found, shelf = pruning.superfluous(run.context, rule, desktop=name or "", only=run.provider)
        if dry_run:
            run.output.many([_record(k.snapshot) for k in found], _columns(now, False), empty="None would be deleted.")
        elif found:
            _ask_to_prune(run, found, now, yes=yes)
            with interruptible("Interrupted while deleting snapshots.", advice="The same command again goes on."):
                _delete(run, found, limit)
        else:
            run.output.many([], [], empty="There is no snapshot to delete.")
        shelf.require_complete()


@app.command()
def restore(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The desktop."),
    snapshot: str = typer.Argument(..., help="Name of the snapshot, or its id at the provider."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask; without a terminal nobody can be asked."),
    timeout: str = _TIMEOUT,
) -> None:
    """Put a desktop back to a snapshot, in place: what is in its home now is lost. One that ran is usable at the end.

    Example: vdictl snapshot restore desktop before-upgrade --yes

    To keep both, clone instead: vdictl snapshot clone desktop before-upgrade second
    """
    _check(name, None)
    with running(ctx) as run:
        found, limit = one(run, name), run.timeout(timeout)
        shelf = snapshots.shelf(run.context, found.at.name)
        kept = snapshots.require_whole(shelf.choose(snapshot, desktop=name, key=found.desktop.key))
        taken = ago(kept.snapshot.created, now=run.context.clock.now())
        question = f"Put {name} back to {kept.snapshot.name}, taken {taken} ago? What is in its home now is lost."
        run.confirm(question, yes=yes)
        with _interruptible(f"{name} was being put back to {kept.snapshot.name}", name):
            desktop = Operator(run.context, found.at, timeout=limit).snapshot_restore(found.desktop, kept.snapshot)
            runs = desktop.state is State.RUNNING
            if runs:
                until_usable(run, replace(found, desktop=desktop), timeout=limit)
        run.context.progress.finish(name, f"is back at {kept.snapshot.name}")
        show_changed(run, desktop, usable=True if runs else None)


@app.command()
def clone(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The desktop it was taken of, which may be gone."),
    snapshot: str = typer.Argument(..., help="Name of the snapshot, or its id at the provider."),
    new: str = typer.Argument(..., metavar="NEWNAME", help="Name of the desktop to make."),
    timeout: str = _TIMEOUT,
) -> None:
    """Make a new desktop from a snapshot, like the one it was taken of; the old one stays as it is.

    Example: vdictl snapshot clone desktop before-upgrade second

    The same as create NEWNAME --from-snapshot NAME/SNAPSHOT, which takes more options.
    """
    _check(name, None)
    check_name("desktop", new)
    with running(ctx) as run:
        spec = DesktopSpec(name=new, owner=run.context.owner, fleet=run.context.fleet)
        which = f"{name}/{snapshot}" if NAME.fullmatch(snapshot) else snapshot
        make(run, Order(spec=spec, inputs=Inputs(), snapshot=which), timeout=run.timeout(timeout))


def _check(desktop: str | None, snapshot: str | None) -> None:
    """Bad names are refused before anybody is asked."""
    if desktop is not None:
        check_name("desktop", desktop)
    if snapshot is not None:
        check_name("snapshot", snapshot)


def _interruptible(what: str, desktop: str) -> AbstractContextManager[None]:
    return interruptible(
        f"Interrupted while {what}.",
        details="What has begun there goes on; steps that remain wait for the next run.",
        advice=f"Finish it: vdictl wait {desktop} --for running\nSee what came of it: vdictl snapshot list {desktop}",
    )


def _chosen(run: Run, desktop: str, wanted: list[str], *, ignore_not_found: bool) -> list[Kept]:
    """Those that are meant; what is not there is told before any question."""
    shelf = snapshots.shelf(run.context, run.provider)
    chosen: dict[str, Kept] = {}
    for text in wanted:
        try:
            kept = shelf.choose(text, desktop=desktop)
        except NotFound:
            if not ignore_not_found:
                raise
        else:
            chosen[f"{kept.at.name}/{kept.snapshot.id}"] = kept
    return list(chosen.values())


def _delete(run: Run, chosen: list[Kept], timeout: float) -> None:
    remove_all(run, [_doomed(run, kept, timeout) for kept in chosen], kind="snapshots")


def _doomed(run: Run, kept: Kept, timeout: float) -> Doomed:
    snapshot = kept.snapshot
    return Doomed(
        shown=f"{snapshot.desktop_name}/{snapshot.name}",
        record={"name": snapshot.name, "key": snapshot.id, "provider": kept.at.name},
        remove=lambda: Operator(run.context, kept.at, timeout=timeout).snapshot_delete(snapshot),
    )


def _ask_to_prune(run: Run, found: list[Kept], now: datetime, *, yes: bool) -> None:
    if not (yes and run.wishes.quiet):
        for one in (kept.snapshot for kept in found):
            facts = (ago(one.created, now=now), sizes.of_bytes(one.size_bytes), records.money(one.price))
            half = "" if one.complete else "half made"
            run.tell("  ".join(("", f"{one.desktop_name}/{one.name}", *filter(None, (*facts, half)))))
    run.confirm(f"Delete {'this snapshot' if len(found) == 1 else f'these {len(found)} snapshots'}?", yes=yes)


def _record(snapshot: Snapshot) -> Record:
    return records.of(snapshot)


def _lines(snapshot: Snapshot) -> list[tuple[str, str]]:
    lines = [
        ("snapshot", snapshot.name),
        ("desktop", snapshot.desktop_name),
        ("provider", snapshot.provider),
        ("size", sizes.of_bytes(snapshot.size_bytes)),
        ("price", records.money(snapshot.price)),
    ]
    return [(label, text) for label, text in lines if text]


def _columns(now: datetime, with_owner: bool) -> list[Column]:
    owner = [Column("OWNER", lambda r: str(r["owner"]))] if with_owner else []
    return [
        Column("DESKTOP", lambda r: str(r["desktop_name"])),
        Column("SNAPSHOT", lambda r: str(r["name"])),
        *owner,
        Column("PROVIDER", lambda r: str(r["provider"])),
        Column("COMPLETE", lambda r: "yes" if r["complete"] else "no"),
        Column("SIZE", lambda r: sizes.of_bytes(r["size_bytes"]), right=True, order=orders.field("size_bytes")),
        Column("AGE", lambda r: ago(datetime.fromisoformat(r["created"]), now=now), right=True, order=orders.age),
    ]
