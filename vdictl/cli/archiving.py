"""`vdictl volume export` and `import`: homes as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from vdictl.cli import records, sizes
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import Run, running
from vdictl.contract.capabilities import SupportsTransfer
from vdictl.contract.errors import Conflict, Invalid, NotFound
from vdictl.contract.mark import check_name
from vdictl.contract.model import Command
from vdictl.core import inventory, moving, volumes
from vdictl.core.registry import Opened
from vdictl.core.volumes import Stored

if TYPE_CHECKING:
    from vdictl.connect.archives import Contents

STREAM = "-"


def opened(file: str) -> BinaryIO:
    """The file that is to be read; `-` is standard input.

    Raises:
        NotFound, Invalid: it is not there, a folder, or cannot be read.
    """
    if file == STREAM:
        return sys.stdin.buffer
    path = Path(file)
    if not path.exists():
        raise NotFound(f"There is no file {file[:200]!a}.")
    if path.is_dir():
        raise Invalid(
            f"{file[:200]!a} is a folder.", advice="Pack it, and hand the archive in: tar -c -C FOLDER . | vdictl ... -"
        )
    try:
        return path.open("rb")
    except OSError as error:
        raise Invalid(f"{file[:200]!a} cannot be read.", details=str(error)) from error


def export(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The volume."),
    file: str = typer.Argument(..., metavar="FILE", help="Where to: a tar, which only you may read; - for stdout."),
) -> None:
    """Write a volume to a tar archive, with owners, modes and links.

    Example: vdictl volume export work work.tar

    With - it goes on: vdictl volume export work - | gzip > work.tar.gz

    A file that is there is replaced once the new one is whole. While a desktop works in it, what changes meanwhile may
    be half old and half new: stop it first where that matters. Extended attributes are not kept.
    """
    volumes.check_volume(name)
    if file == STREAM and sys.stdout.isatty():
        raise Invalid("An archive is not for a terminal.", advice="Name a file, or hand it on: ... - | gzip > FILE")
    with running(ctx) as run:
        stored = volumes.store(run.context, run.provider).choose(name)
        able = stored.at.need(SupportsTransfer, to="export volumes")
        _warn_if_used(run, stored)
        command = able.volume_export(stored.volume)
        with interruptible("Interrupted while exporting.", advice="No half archive is left. Begin again."):
            size = _save(run, command, name, file)
        run.context.progress.finish(name, f"exported, {sizes.of_bytes(size)}")
        if run.output.is_data and file != STREAM:
            record = {"name": stored.volume.name, "provider": stored.at.name, "file": file, "size_bytes": size}
            run.output.one(record, [])


def import_(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The volume to make."),
    file: str = typer.Argument(..., metavar="FILE", help="A tar, compressed or not; - for stdin."),
    replace: bool = typer.Option(False, "--replace", help="In the place of the one that is there, which is lost."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask; without a terminal nobody can be asked."),
) -> None:
    """Make a volume from a tar archive, with owners, modes and links. It counts once it is whole.

    Example: vdictl volume import work work.tar

    Example: zcat work.tar.gz | vdictl volume import work - --replace --yes

    Paths that lead out of it, devices, and what lies behind a symlink are refused, and so is an archive that breaks
    off. Then, or when it is killed, all is as it was before.
    """
    check_name("volume", name)
    if file == STREAM and sys.stdin.isatty():
        raise Invalid("An archive cannot be typed.", advice="Name a file, or hand it in: zcat FILE | ... -")
    with running(ctx) as run:
        at = run.context.open(run.provider or run.context.config.text("default_provider"))
        at.need(SupportsTransfer, to="import volumes")
        with opened(file) as reader:
            _may_replace(run, at, name, replace=replace, yes=yes)

            def fill(command: Command) -> Contents:
                return _load(run, command, name, reader)

            with interruptible("Interrupted while importing.", details="Nothing of it counts.", advice="Begin again."):
                made, told = moving.import_volume(run.context, at, name, fill, replace=replace)
        run.context.progress.finish(name, f"imported, {told.files} files, {sizes.of_bytes(told.bytes)}")
        record = records.of(made) | {"desktop": None, "files": told.files, "bytes": told.bytes}
        run.output.one(record, [("volume", name), ("provider", at.name)])


def _save(run: Run, command: Command, name: str, file: str) -> int:
    from vdictl.connect import archives  # tarfile and more: only when something really goes over

    def tell(_: int) -> None:
        run.context.progress.step(name, "exporting")

    if file == STREAM:
        return archives.save_stream(command, sys.stdout.buffer, progress=tell)
    return archives.save(command, file, progress=tell)


def _load(run: Run, command: Command, name: str, reader: BinaryIO) -> Contents:
    from vdictl.connect import archives  # as above

    def tell(_: int) -> None:
        run.context.progress.step(name, "importing")

    return archives.load(command, reader, progress=tell)


def _may_replace(run: Run, at: Opened, name: str, *, replace: bool, yes: bool) -> None:
    """What is there is replaced only when told, and never while a desktop uses it: found out before anything moves."""
    there = [s for s in volumes.store(run.context, at.name).found if s.volume.name == name]
    if not there:
        return
    if there[0].volume.attached_to:
        advice = "Destroy the desktop, or stop it and take its home away: vdictl volume detach NAME"
        raise Conflict(f"A desktop uses the volume {name}.", advice=advice, provider=at.name)
    if not replace:
        advice = "Choose another name, or add --replace, with which its content is lost."
        raise Conflict(f"There is a volume called {name} already.", advice=advice, provider=at.name)
    run.confirm(f"Replace the volume {name}? What is in it is lost.", yes=yes)


def _warn_if_used(run: Run, stored: Stored) -> None:
    key = stored.volume.attached_to
    if not key:
        return
    found = [f.desktop for f in inventory.list_desktops(run.context, stored.at.name).found if f.desktop.key == key]
    if found and found[0].state.value == "running":
        run.context.progress.warn(f"{found[0].name} runs: what changes meanwhile may be half old and half new.")
