"""`vdictl cp`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.interrupting import interruptible
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one
from vdictl.contract.errors import Invalid, Partial
from vdictl.contract.mark import NAME
from vdictl.contract.model import Command
from vdictl.core import doors

if TYPE_CHECKING:
    from vdictl.connect.copying import Copied, Exec

app = verb_app()
STREAM = "-"


@dataclass(frozen=True)
class Side:
    """One side of a copy: a path here (`desktop` is None), or in a desktop (empty: the only one)."""

    desktop: str | None
    path: str

    @classmethod
    def read(cls, text: str) -> Side:
        """`NAME:PATH` or a path. What has a slash before the colon is a path here.

        Raises:
            Invalid: what stands before the colon cannot be a name.
        """
        before, colon, after = text.partition(":")
        if not colon or "/" in before:
            return cls(None, text)
        if before and not NAME.fullmatch(before):
            shown = ascii(text[:60])
            advice = (
                f"For a file of this machine with a colon in its name write ./ before it: {ascii('./' + text)[:60]}"
            )
            raise Invalid(f"{shown}: what stands before the colon is no name of a desktop.", advice=advice)
        return cls(before, after or ".")


@app.command()
def cp(
    ctx: typer.Context,
    source: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="NAME:PATH, a path here, or - for stdin.")],
    target: Annotated[str, typer.Argument(help="NAME:PATH, a path here, or - for stdout.")],
) -> None:
    """Copy files and folders into a desktop or out of it, as cp -r does.

    Example: vdictl cp report.pdf desktop:Documents/

    Example: vdictl cp desktop:Downloads/. downloads

    Example: tar c src | vdictl cp - desktop:src.tar

    A path inside that is relative begins at the home. Into a folder that exists a copy goes; else it gets the new
    name. FOLDER/. means what is in it. Modes and times are kept, owners are not. An interrupted copy leaves nothing
    half at the target. With :PATH the only desktop is meant.
    """
    sources, to = [Side.read(text) for text in source], Side.read(target)
    name = _desktop(sources, to)
    with running(ctx) as run:
        found = one(run, name or None)

        def inside(argv: Sequence[str]) -> Command:
            return doors.inside(found.at, found.desktop, argv, to="copy files")

        with interruptible("Interrupted while copying.", details="Nothing is left half at the target.", advice=""):
            outcomes = [_copy(run, inside, found.desktop.name, side, to, into=len(sources) > 1) for side in sources]
        _report(run, found.desktop.name, list(zip(source, outcomes, strict=True)), target)


def _desktop(sources: Sequence[Side], to: Side) -> str:
    """The one desktop that is meant.

    Raises:
        Invalid: not exactly one side is in a desktop, or several desktops are meant.
    """
    names = {side.desktop for side in sources}
    if (to.desktop is None) == (None in names) or len(names) > 1:
        advice = "Write NAME:PATH for what is in a desktop. Between two desktops copy to this machine first."
        raise Invalid("Exactly one side of a copy is in a desktop, and it is one desktop.", advice=advice)
    if len(sources) > 1 and STREAM in {to.path, *(side.path for side in sources)}:
        raise Invalid("A stream is one file: it cannot be copied together with others.")
    return to.desktop if to.desktop is not None else sources[0].desktop or ""


def _copy(run: Run, inside: Exec, name: str, side: Side, to: Side, *, into: bool) -> Copied:
    from vdictl.connect import copying  # tarfile and more: only when a copy really begins

    def tell(done: int, total: int | None) -> None:
        what = "standard input" if side.path == STREAM else side.path
        run.context.progress.step(name, f"copying {what}", done=done / total if total else None)

    if to.desktop is None:
        if to.path == STREAM:
            copied = copying.get_stream(inside, side.path, sys.stdout.buffer, progress=tell)
            sys.stdout.buffer.flush()
            return copied
        return copying.get(inside, side.path, to.path, into=into, progress=tell)
    if side.path == STREAM:
        return copying.put_stream(inside, sys.stdin.buffer, to.path, progress=tell)
    return copying.put(inside, side.path, to.path, into=into, progress=tell)


def _report(run: Run, name: str, outcomes: list[tuple[str, Copied]], target: str) -> None:
    files, size = (sum(getattr(copied, field) for _, copied in outcomes) for field in ("files", "bytes"))
    run.context.progress.finish(name, f"copied {files} file{'s' * (files != 1)}")
    if run.output.is_data and target != STREAM:
        rows = [{"name": name, "source": source, "target": target} | records.of(copied) for source, copied in outcomes]
        run.output.many(rows, [])
    skipped = [f"{source}: {what}" for source, copied in outcomes for what in copied.skipped]
    if skipped:
        raise Partial(f"{len(skipped)} of what was to be copied was left out.", details="\n".join(skipped[:50]))
    if not size and not files:
        run.context.progress.warn("There was nothing in it.")
