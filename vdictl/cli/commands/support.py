"""`vdictl support`."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from vdictl.cli import diagnosis, sizes
from vdictl.cli.app import verb_app
from vdictl.cli.output import Column, Output
from vdictl.cli.probes import LateProbes
from vdictl.cli.run import running
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import Invalid, VdictlError
from vdictl.core import diagnosing, paths, supporting
from vdictl.core.context import Context
from vdictl.core.private import Draft
from vdictl.core.supporting import Part, Source

app = verb_app()


@app.command()
def support(
    ctx: typer.Context,
    file: str = typer.Argument("", help="Where to write it; - is stdout; default: a new file here."),
    only_list: bool = typer.Option(False, "--list", help="Only list what would go in."),
    redact_names: bool = typer.Option(False, "--redact-names", help="Names of desktops, people and fleets as hashes."),
    force: bool = typer.Option(False, "--force", help="Write over the file, if it is there."),
) -> None:
    """Pack what belongs into a bug report, without secrets; what goes in is listed first.

    Example: vdictl support --redact-names --list

    Versions, what doctor says, where settings come from (of secrets only the reference), the fleet's desktops, the
    end of the journal, and tracebacks of bugs. Read it before you send it.
    """
    now = datetime.now(UTC)
    place = Path(file or f"{supporting.FOLDER}-{now:%Y%m%dT%H%M%SZ}.tar.gz").absolute()
    with nullcontext() if only_list or file == "-" else Draft(place, replace=force) as draft:
        output, made = _collect(ctx, redact_names=redact_names, to_stdout=file == "-" and not only_list)
        packed = supporting.pack(made, now=now)
        if file == "-" and not only_list:
            _list_to_stderr(made)
            sys.stdout.buffer.write(packed)
            sys.stdout.flush()
            return
        if not output.is_data:
            output.many([_row(part) for part in made], COLUMNS)
        if draft is not None:
            draft.finish(packed)
    _tell(output, made, None if draft is None else place, size=len(packed))


def _collect(ctx: typer.Context, *, redact_names: bool, to_stdout: bool) -> tuple[Output, list[Part]]:
    """Look at everything; a config that cannot be read is one of the things that are told."""
    wishes = ctx.ensure_object(Wishes)
    output: Output | None = None
    try:
        with running(ctx) as run:
            output = run.output
            _check(output, to_stdout=to_stdout)
            run.say("Looking at everything, as doctor does.")
            here = diagnosis.viewers(run.context.environment, run.context.state_dir)
            findings = list(diagnosing.walk(run.context, LateProbes(), run.provider, viewers=here))
            return output, supporting.parts(_source(run.context, findings, redact_names=redact_names))
    except VdictlError as error:
        if output is not None:
            raise  # about what was asked, not about the machine
        output = Output(wishes, "json" if wishes.fields else wishes.output or "table")
        _check(output, to_stdout=to_stdout)
        findings = list(diagnosis.without_config(error, dict(os.environ), paths.state_dir(os.environ)))
        return output, supporting.parts(_source(None, findings, redact_names=redact_names))


def _check(output: Output, *, to_stdout: bool) -> None:
    if to_stdout and output.is_data:
        raise Invalid("Both the bundle and the data would go to stdout.", advice="Name a file.")
    if to_stdout and sys.stdout.isatty():
        raise Invalid("A terminal is no place for an archive.", advice="Name a file, or: vdictl support - > FILE")


def _source(context: Context | None, findings: list[diagnosing.Finding], *, redact_names: bool) -> Source:
    return Source(
        context=context,
        environment=dict(os.environ),
        state_dir=context.state_dir if context else paths.state_dir(os.environ),
        findings=[diagnosis.record(finding) for finding in findings],
        redact_names=redact_names,
    )


def _list_to_stderr(made: list[Part]) -> None:
    sys.stderr.write("".join(f"{part.name}  {sizes.of_bytes(len(part.data))}  {part.about}\n" for part in made))


def _tell(output: Output, made: list[Part], place: Path | None, *, size: int) -> None:
    if output.is_data:
        name = str(place) if place else None
        output.one({"name": name, "size_bytes": size, "parts": [_row(part) for part in made]}, [])
    elif place:
        sys.stderr.write(f"Written to {place} ({sizes.of_bytes(size)}). Read it before you send it.\n")


def _row(part: Part) -> dict[str, Any]:
    return {"name": part.name, "size_bytes": len(part.data), "about": part.about}


COLUMNS = (
    Column("PART", lambda r: str(r["name"])),
    Column("SIZE", lambda r: sizes.of_bytes(r["size_bytes"]), right=True),
    Column("ABOUT", lambda r: str(r["about"]), wraps=True),
)
