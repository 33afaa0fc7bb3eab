"""`vdictl support`."""

from __future__ import annotations

import os
import sys
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
from vdictl.core.supporting import Part, Source

app = verb_app()


@app.command()
def support(
    ctx: typer.Context,
    file: str = typer.Argument("", help="Where to write it; - is stdout; default: a new file here."),
    only_list: bool = typer.Option(False, "--list", help="Only list what would go in."),
    redact_names: bool = typer.Option(False, "--redact-names", help="Names of desktops, people and fleets as hashes."),
) -> None:
    """Pack what belongs into a bug report, without secrets; what goes in is listed first.

    Example: vdictl support --redact-names --list

    Versions, what doctor says, where settings come from (of secrets only the reference), the fleet's desktops, the
    end of the journal, and tracebacks of bugs. Read it before you send it.
    """
    wishes = ctx.ensure_object(Wishes)
    output: Output | None = None
    try:
        with running(ctx) as run:
            output = run.output
            _check(file, output, only_list=only_list)
            run.say("Looking at everything, as doctor does.")
            here = diagnosis.viewers(run.context.environment, run.context.state_dir)
            findings = list(diagnosing.walk(run.context, LateProbes(), run.provider, viewers=here))
            made = supporting.parts(_source(run.context, findings, redact_names=redact_names))
    except VdictlError as error:
        if output is not None:
            raise  # about what was asked, not about the machine
        output = Output(wishes, "json" if wishes.fields else wishes.output or "table")
        _check(file, output, only_list=only_list)
        findings = list(diagnosis.without_config(error, dict(os.environ), paths.state_dir(os.environ)))
        made = supporting.parts(_source(None, findings, redact_names=redact_names))
    _deliver(output, made, file, only_list=only_list)


def _check(file: str, output: Output, *, only_list: bool) -> None:
    """Before anything is looked at, which takes a while."""
    if only_list:
        return
    if file == "-" and output.is_data:
        raise Invalid("Both the bundle and the data would go to stdout.", advice="Name a file.")
    if file == "-" and sys.stdout.isatty():
        raise Invalid("A terminal is no place for an archive.", advice="Name a file, or: vdictl support - > FILE")
    if file not in ("", "-"):
        supporting.require_new(Path(file).absolute())


def _source(context: Context | None, findings: list[diagnosing.Finding], *, redact_names: bool) -> Source:
    return Source(
        context=context,
        environment=dict(os.environ),
        state_dir=context.state_dir if context else paths.state_dir(os.environ),
        findings=[diagnosis.record(finding) for finding in findings],
        redact_names=redact_names,
    )


def _deliver(output: Output, made: list[Part], file: str, *, only_list: bool) -> None:
    """List it, then write it."""
    now = datetime.now(UTC)
    place = Path(file or f"{supporting.FOLDER}-{now:%Y%m%dT%H%M%SZ}.tar.gz").absolute()
    if file == "-" and not only_list:
        sys.stderr.write("".join(f"{part.name}  {sizes.of_bytes(len(part.data))}  {part.about}\n" for part in made))
    elif not output.is_data:
        output.many([_row(part) for part in made], COLUMNS)
    packed = supporting.pack(made, now=now)
    if file == "-" and not only_list:
        sys.stdout.buffer.write(packed)
        sys.stdout.flush()
        return
    if not only_list:
        supporting.write(place, packed)
    if output.is_data:
        written = None if only_list else str(place)
        output.one({"name": written, "size_bytes": len(packed), "parts": [_row(part) for part in made]}, [])
    elif not only_list:
        sys.stderr.write(f"Written to {place} ({sizes.of_bytes(len(packed))}). Read it before you send it.\n")


def _row(part: Part) -> dict[str, Any]:
    return {"name": part.name, "size_bytes": len(part.data), "about": part.about}


COLUMNS = (
    Column("PART", lambda r: str(r["name"])),
    Column("SIZE", lambda r: sizes.of_bytes(r["size_bytes"]), right=True),
    Column("ABOUT", lambda r: str(r["about"]), wraps=True),
)
