"""`vdictl logs`."""

from __future__ import annotations

import signal

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.cli.through import run_through
from vdictl.contract.capabilities import SupportsLogs

app = verb_app()

#: `| head` has seen enough: no trouble.
_PIPE_CLOSED = 128 + getattr(signal, "SIGPIPE", 13)


@app.command()
def logs(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop; default: the only one."),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on until Ctrl-C, or until the desktop stops."),
    tail: int = typer.Option(None, "--tail", "-n", min=0, metavar="N", help="The last N lines only."),
) -> None:
    """Print what a desktop said while it started and ran, oldest line first.

    Example: vdictl logs desktop --tail 50 -f
    """
    with running(ctx) as run:
        found = one(run, name)
        able = found.at.need(SupportsLogs, to="show logs")
        code = run_through(able.logs(found.desktop, follow=follow, tail=tail))
    raise typer.Exit(0 if code == _PIPE_CLOSED else code)
