"""`vdictl images save`, `load` and `push`: images to machines without a network, and into registries."""

from __future__ import annotations

import sys

import typer

from vdictl.cli import records, sizes
from vdictl.cli.archiving import STREAM, opened
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import Run, running
from vdictl.contract.capabilities import SupportsImageTransfer
from vdictl.contract.errors import Invalid
from vdictl.contract.model import Command
from vdictl.core import images
from vdictl.core.operating import new_token
from vdictl.core.registry import Opened


def save(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The image: see vdictl images list."),
    file: str = typer.Argument(..., metavar="FILE", help="Where to: a tar; - for stdout."),
) -> None:
    """Write an image to an archive, for a machine that has no network.

    Example: vdictl images save xfce xfce.tar

    There: vdictl images load xfce.tar
    """
    if file == STREAM and sys.stdout.isatty():
        raise Invalid("An archive is not for a terminal.", advice="Name a file, or hand it on: ... - | gzip > FILE")
    with running(ctx) as run:
        at = _at(run)
        able = at.need(SupportsImageTransfer, to="save images")
        image = images.find(run.context, at, name)
        command = able.image_save(image)
        with interruptible("Interrupted while saving.", advice="No half archive is left. Begin again."):
            size = _save(run, command, name, file)
        run.context.progress.finish(name, f"saved, {sizes.of_bytes(size)}")
        if run.output.is_data and file != STREAM:
            run.output.one({"name": image.name, "provider": at.name, "file": file, "size_bytes": size}, [])


def load(
    ctx: typer.Context,
    file: str = typer.Argument(..., metavar="FILE", help="What images save wrote, compressed or not; - for stdin."),
) -> None:
    """Load images from an archive. Whoever made it decides what runs in desktops: load only what you trust.

    Example: vdictl images load xfce.tar
    """
    if file == STREAM and sys.stdin.isatty():
        raise Invalid("An archive cannot be typed.", advice="Name a file, or hand it in: zcat FILE | ... -")
    with running(ctx) as run:
        at = _at(run)
        able = at.need(SupportsImageTransfer, to="load images")
        with opened(file) as reader:
            from vdictl.connect import handing  # only when something really goes over

            told = {"token": new_token(), "key": "", "name": file[:100], "provider": at.name}
            run.context.progress.step(file, "loading")
            with (
                interruptible("Interrupted while loading.", advice="Begin again: what was loaded stays."),
                run.context.journal.operation("image-load", **told),
            ):
                loaded = able.image_loaded(handing.hand_in(able.image_load(), reader))
        names = ", ".join(image.name for image in loaded)
        run.context.progress.finish(file, f"loaded {names}")
        rows = [{"provider": at.name} | records.of(image) for image in loaded]
        if run.output.is_data:
            run.output.many(rows, [])
        else:
            run.output.words({}, [image.name for image in loaded])


def push(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The image: see vdictl images list."),
    reference: str = typer.Argument(..., help="Where to: registry.example/team/xfce:1"),
) -> None:
    """Push an image to a registry, with the engine's own login (podman login, docker login).

    Example: vdictl images push xfce registry.example/team/xfce:1
    """
    with running(ctx) as run:
        at = _at(run)
        able = at.need(SupportsImageTransfer, to="push images")
        image = images.find(run.context, at, name)
        command = able.image_push(image, reference)
        from vdictl.connect import handing  # only when something really goes over

        told = {"token": new_token(), "key": "", "name": image.name, "provider": at.name}
        run.context.progress.step(image.name, f"pushing to {reference}")
        with (
            interruptible("Interrupted while pushing.", advice="Begin again: what is there already is not sent twice."),
            run.context.journal.operation("image-push", **told),
        ):
            handing.call(command, to=reference)
        run.context.progress.finish(image.name, f"is at {reference}")
        record = {"name": image.name, "provider": at.name, "reference": reference}
        run.output.one(record, [("image", image.name), ("pushed to", reference)])


def _at(run: Run) -> Opened:
    return run.context.open(run.provider or run.context.config.text("default_provider"))


def _save(run: Run, command: Command, name: str, file: str) -> int:
    from vdictl.connect import archives  # only when something really goes over

    def tell(_: int) -> None:
        run.context.progress.step(name, "saving")

    if file == STREAM:
        return archives.save_stream(command, sys.stdout.buffer, progress=tell)
    return archives.save(command, file, progress=tell)
