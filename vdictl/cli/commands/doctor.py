"""`vdictl doctor`."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand

from vdictl.cli import diagnosis
from vdictl.cli.app import verb_app
from vdictl.cli.output import Output
from vdictl.cli.probes import LateProbes
from vdictl.cli.reporting import printable
from vdictl.cli.run import running
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import VdictlError
from vdictl.contract.mark import check_name
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
            output, here = run.output, diagnosis.viewers(run.context.environment, run.context.state_dir)
            for finding in diagnosing.walk(run.context, LateProbes(), run.provider, name=name or "", viewers=here):
                _tell(output, finding, findings)
    except VdictlError as error:
        if output is not None:
            raise  # about what was asked, not about the machine
        output = Output(wishes, "json" if wishes.fields else wishes.output or "table")
        for finding in diagnosis.without_config(error, dict(os.environ), paths.state_dir(os.environ)):
            _tell(output, finding, findings)
    if output.is_data:
        output.many([diagnosis.record(f) for f in findings], [])
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
