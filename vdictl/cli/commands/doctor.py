"""`vdictl doctor`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.output import Output, Record
from vdictl.cli.probes import LateProbes
from vdictl.cli.reporting import printable
from vdictl.cli.run import running
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import VdictlError
from vdictl.contract.mark import check_name
from vdictl.contract.model import Hop
from vdictl.core import diagnosing, paths
from vdictl.core.diagnosing import Finding

app = verb_app()


class _Doctor(TyperCommand):
    """`--json` may stand without fields here: then it means all of them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the library's, which wants a value for it."""
        following = [*args, "-"][1:]
        words = [
            ("-o", "json") if w == "--json" and n.startswith("-") else (w,)
            for w, n in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, [word for group in words for word in group])


@app.command(cls=_Doctor)
def doctor(
    ctx: typer.Context, name: str = typer.Argument(None, help="Of your desktops only this one; default: all.")
) -> None:
    """Look at each hop between this machine and its desktops: what holds, what does not, and how to cure it.

    Example: vdictl doctor -p local

    Example: vdictl doctor desktop --json level,name,cure

    A line each: ok, warn (it works, with less than there could be) or fail; the evidence; under it the cure. Nothing
    is changed. The exit code is that of the worst hop that fails, 0 if none does. A provider that is not configured,
    and that nobody asked for, is a warning.
    """
    if name is not None:
        check_name("desktop", name)
    findings: list[Finding] = []
    wishes = ctx.ensure_object(Wishes)
    output: Output | None = None
    try:
        with running(ctx) as run:
            output, here = run.output, _viewers(dict(os.environ), run.context.state_dir)
            for finding in diagnosing.walk(run.context, LateProbes(), run.provider, name=name or "", viewers=here):
                _tell(output, finding, findings)
    except VdictlError as error:
        if output is not None:
            raise  # about what was asked, not about the machine
        output = Output(wishes, "json" if wishes.fields else wishes.output or "table")
        environment, folder = dict(os.environ), paths.state_dir(os.environ)
        left = [*diagnosing.of_machine(folder, None), *_viewers(environment, folder)]
        for finding in (diagnosing.of_error("", "config", error), *left):
            _tell(output, finding, findings)
    if output.is_data:
        output.many([_record(f) for f in findings], [])
    raise typer.Exit(diagnosing.worst(findings))


def _tell(output: Output, finding: Finding, findings: list[Finding]) -> None:
    """Each line as soon as it is known: a hop that hangs is seen by the one before it."""
    findings.append(finding)
    if output.is_data:
        return
    hop = finding.hop
    sys.stdout.write(
        f"{finding.level:<5} {finding.provider or '-':<10} {hop.name:<16} {printable(hop.detail)}".rstrip()
    )
    sys.stdout.write("\n")
    if hop.ok is not True and hop.cure:
        sys.stdout.write(f"{'':<34}-> {printable(hop.cure)}\n")
    sys.stdout.flush()


def _record(finding: Finding) -> Record:
    return {
        "name": finding.hop.name,
        "provider": finding.provider or None,
        "level": finding.level,
        **records.of(finding.hop),
        "code": finding.code if finding.hop.ok is False else 0,
    }


def _viewers(environment: dict[str, str], folder: Path) -> Iterator[Finding]:
    """Whether something here can show a desktop."""
    from vdictl.connect import viewers  # only this verb and `connect` look for them

    seen = {
        "browser": viewers.find_browser(folder / "page.html", environment),
        "vnc viewer": viewers.find_vnc_viewer("127.0.0.1", 5900, None, environment),
    }
    for name, found in seen.items():
        if isinstance(found, viewers.Viewer):
            yield Finding(provider="", hop=Hop(name=name, ok=True, detail=found.name))
        else:
            cure = "The link opens in a browser anywhere: vdictl connect --print"
            yield Finding(provider="", hop=Hop(name=name, ok=None, detail=found.reason, cure=cure))
