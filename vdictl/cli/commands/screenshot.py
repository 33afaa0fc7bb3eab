"""`vdictl screenshot`."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.durations import seconds
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.contract.errors import Invalid, VdictlError
from vdictl.contract.mark import check_name
from vdictl.core import doors

app = verb_app()


@app.command()
def screenshot(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="[NAME] FILE", help="Where to; - is standard output.")],
    timeout: Annotated[str, typer.Option(metavar="TIME", help="How long it may take.")] = "15s",
) -> None:
    """Save a picture of a desktop's screen as PNG; without NAME, of the only desktop.

    Example: vdictl screenshot desktop picture.png
    """
    if len(words) > 2:
        raise Invalid("One desktop and one file: these are too many words.")
    name, file = (words[0], words[1]) if len(words) == 2 else (None, words[0])
    if name is not None:
        check_name("desktop", name)
    _check(file)
    from vdictl.connect import frame, probes  # only for who takes a picture

    with running(ctx) as run:
        found = one(run, name)
        way = doors.door(found.at, found.desktop, "vnc")
        taken = probes.screenshot(way.endpoint, way.tunnel, timeout=seconds(timeout, option="--timeout"))
        picture = frame.png(taken)
        if file == "-":
            sys.stdout.buffer.write(picture)
            sys.stdout.buffer.flush()
            return
        _save(Path(file), picture)
        size = {"width": taken.width, "height": taken.height, "bytes": len(picture)}
        record = {"name": found.desktop.name, "file": str(Path(file).absolute())} | size
        run.output.words(record, [f"{file}  {taken.width}x{taken.height}  {len(picture)} bytes"])


def _check(file: str) -> None:
    """Before anything is asked of anybody: could it be written there?"""
    if file == "-":
        if sys.stdout.isatty():
            raise Invalid("A picture is nothing for a terminal.", advice="Redirect it: vdictl screenshot - > FILE.png")
        return
    path = Path(file)
    try:
        if not file or "\0" in file or path.is_dir():
            raise Invalid(f"{file[:100]!a} is no name for a file.", advice="Name a file in it: FILE.png")
        if path.exists() and not path.is_file():
            raise Invalid(f"{file[:100]!a} is no ordinary file.", advice="Use - for standard output.")
        folder_there = path.absolute().parent.is_dir()
    except OSError as error:  # a name that is too long
        raise Invalid(f"{file[:100]!a} is no name for a file.", details=error.strerror or "") from error
    if not folder_there:
        raise Invalid(f"The folder of {file[:100]!a} is not there.")


def _save(path: Path, picture: bytes) -> None:
    """Write it under another name and rename: a picture is there as a whole or not at all."""
    temporary = ""
    try:
        target = path.resolve()  # a link stays a link
        mode = 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".vdictl-", suffix=".png")
        with os.fdopen(handle, "wb") as opened:
            opened.write(picture)
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except OSError as error:
        with suppress(OSError):
            Path(temporary).unlink()
        raise VdictlError(f"{str(path)[:100]!a} cannot be written.", details=error.strerror or str(error)) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
