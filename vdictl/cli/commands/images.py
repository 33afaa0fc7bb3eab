"""`vdictl images`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer

from vdictl.cli import orders, records, shipping, sizes
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago
from vdictl.cli.interrupting import interruptible
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Record
from vdictl.cli.removing import Doomed, remove_all
from vdictl.cli.run import Run, running
from vdictl.core import images
from vdictl.core.building import build_image
from vdictl.core.images import Stocked

app = verb_app(no_args_is_help=True)


@app.command("list", cls=Listing)
def list_(ctx: typer.Context) -> None:
    """List what desktops can be made from: what is there, and what is built on first use.

    Example: vdictl images list -p local
    """
    with running(ctx) as run:
        stock = images.stock(run.context, run.provider)
        run.output.many(_rows(stock.found), _columns(run.context.clock.now()), empty="There is no image.")
        stock.require_complete()


@app.command()
def build(
    ctx: typer.Context,
    flavor: str = typer.Argument(..., help="Which image: see vdictl images list."),
    packages: str = typer.Option("", metavar="A,B", help="Debian packages to add: makes a derived image."),
    retry: bool = typer.Option(False, "--retry", help="Begin a failed build again."),
    timeout: str = typer.Option(None, metavar="TIME", help="How long to wait, for example 20m; default: the setting."),
) -> None:
    """Build an image before the first desktop needs it. Built already is success.

    Example: vdictl images build xfce --packages gimp,inkscape

    One build an image runs at a time: who comes second waits for the same one. Ctrl-C stops the waiting, not the
    build.
    """
    with running(ctx) as run:
        at = run.context.open(run.provider or run.context.config.text("default_provider"))
        names = tuple(sorted({name.strip() for name in packages.split(",") if name.strip()}))
        again = f"vdictl images build {flavor}" + (f" --packages {','.join(names)}" if names else "")
        with interruptible("Interrupted.", details="The build goes on.", advice=f"Wait for it: {again}"):
            work = build_image(run.context, at, flavor, packages=names, retry=retry, timeout=run.timeout(timeout))
        run.context.progress.finish(flavor, "built")
        record = {"name": flavor, "provider": at.name, "packages": list(names)} | records.of(work)
        run.output.one(record, [("image", work.id or flavor), ("provider", at.name)])


@app.command()
def prune(
    ctx: typer.Context,
    *,
    everything: bool = typer.Option(False, "--all", help="Also those of this version, which the next create builds."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only list what would be removed."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask; without a terminal nobody can be asked."),
) -> None:
    """Remove images that nothing needs: of earlier versions, and those with packages. Lists them first, then asks.

    Example: vdictl images prune --dry-run

    What a desktop runs from, or a snapshot was taken of, stays. Images that share layers free less than their sizes.
    """
    with running(ctx) as run:
        stock = images.stock(run.context, run.provider)
        found = stock.superfluous(everything=everything)
        if dry_run:
            run.output.many(_rows(found), _columns(run.context.clock.now()), empty="None would be removed.")
        elif found:
            _ask_to_prune(run, found, yes=yes)
            with interruptible("Interrupted while removing images.", advice="The same command again goes on."):
                remove_all(run, [_doomed(run, one) for one in found], kind="images")
        else:
            run.output.many([], [], empty="There is no image to remove.")
        stock.require_complete()


app.command("save")(shipping.save)
app.command("load")(shipping.load)
app.command("push")(shipping.push)


def _ask_to_prune(run: Run, found: Sequence[Stocked], *, yes: bool) -> None:
    if not (yes and run.wishes.quiet):
        for one in found:
            run.tell("  ".join(("", one.image.name, one.at.name, sizes.of_bytes(one.image.size_bytes))).rstrip())
    which = "this image" if len(found) == 1 else f"these {len(found)} images"
    run.confirm(f"Remove {which}, {sizes.of_bytes(images.total(found))}?", yes=yes)


def _doomed(run: Run, one: Stocked) -> Doomed:
    record = {"name": one.image.name, "key": one.image.id, "provider": one.at.name}
    return Doomed(shown=one.image.name, record=record, remove=lambda: images.delete(run.context, one))


def _rows(found: Sequence[Stocked]) -> list[dict[str, Any]]:
    return [{"provider": one.at.name} | records.of(one.image) for one in found]


def _columns(now: datetime) -> list[Column]:
    def age(record: Record) -> str:
        return ago(datetime.fromisoformat(record["created"]), now=now) if record["created"] else ""

    return [
        Column("IMAGE", lambda r: str(r["name"])),
        Column("PROVIDER", lambda r: str(r["provider"])),
        Column("KIND", lambda r: str(r["kind"])),
        Column("READY", lambda r: "yes" if r["ready"] else "no"),
        Column("SIZE", lambda r: sizes.of_bytes(r["size_bytes"]), right=True, order=orders.field("size_bytes")),
        Column("AGE", age, right=True, optional=True, order=orders.age),
        Column("USED", lambda r: {True: "yes", False: "no", None: ""}[r["used"]], optional=True),
        Column("NOTE", lambda r: str(r["note"]), wraps=True, optional=True),
    ]
