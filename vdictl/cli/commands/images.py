"""`vdictl images`."""

from __future__ import annotations

from datetime import datetime

import typer

from vdictl.cli import orders, records, sizes
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago
from vdictl.cli.interrupting import interruptible
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Record
from vdictl.cli.run import running
from vdictl.contract.capabilities import SupportsImages
from vdictl.core.building import build_image
from vdictl.core.everywhere import ask

app = verb_app(no_args_is_help=True)


@app.command("list", cls=Listing)
def list_(ctx: typer.Context) -> None:
    """List what desktops can be made from: what is there, and what is built on first use.

    Example: vdictl images list -p local
    """
    with running(ctx) as run:
        told = ask(run.context, run.provider, SupportsImages, lambda able: able.images(), to="list images")
        run.context.lexicon.keep("image", {at: [("", i.name) for i in found] for at, found in told.given.items()})
        rows = [{"provider": name} | records.of(image) for name, images in told.given.items() for image in images]
        run.output.many(rows, _columns(run.context.clock.now()), empty="There is no image.")
        told.require_complete()


@app.command()
def build(
    ctx: typer.Context,
    flavor: str = typer.Argument(..., help="Which image: see vdictl images list."),
    packages: str = typer.Option("", metavar="A,B", help="Debian packages to add: makes a derived image."),
    retry: bool = typer.Option(False, "--retry", help="Begin a failed build again."),
    timeout: str = typer.Option(None, help="How long to wait, for example 20m; default: the setting."),
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
        Column("NOTE", lambda r: str(r["note"]), wraps=True, optional=True),
    ]
