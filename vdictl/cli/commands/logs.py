"""`vdictl logs`."""

from __future__ import annotations

import signal

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.cli.through import run_through
from vdictl.contract.capabilities import SupportsExec, SupportsLogs
from vdictl.contract.model import Command
from vdictl.core.inventory import Found

app = verb_app()

FIRST_BOOT_LOG = "/var/lib/vdictl/first-boot.log"

#: `| head` has seen enough: no trouble.
_PIPE_CLOSED = 128 + getattr(signal, "SIGPIPE", 13)


@app.command()
def logs(
    ctx: typer.Context,
    name: str = typer.Argument(None, help="The desktop; default: the only one."),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on until Ctrl-C, or until the desktop stops."),
    setup: bool = typer.Option(False, "--setup", help="Of the first boot: --git, --dotfiles and --setup."),
    tail: int = typer.Option(None, "--tail", "-n", min=0, metavar="N", help="The last N lines only."),
) -> None:
    """Print what a desktop said while it started and ran, oldest line first.

    Example: vdictl logs desktop --tail 50 -f
    """
    with running(ctx) as run:
        found = one(run, name)
        command = _of_first_boot if setup else _of_desktop
        code = run_through(command(found, follow=follow, tail=tail), merged=True)  # both streams are the log
    raise typer.Exit(0 if code == _PIPE_CLOSED else code)


def _of_desktop(found: Found, *, follow: bool, tail: int | None) -> Command:
    return found.at.need(SupportsLogs, to="show logs").logs(found.desktop, follow=follow, tail=tail)


def _of_first_boot(found: Found, *, follow: bool, tail: int | None) -> Command:
    """The guest keeps this log itself, at the same place in every desktop."""
    lines = "+1" if tail is None else str(tail)
    argv = ["tail", "-n", lines, *(["-f"] if follow else []), "--", FIRST_BOOT_LOG]
    return found.at.need(SupportsExec, to="show the log of the first boot").exec(found.desktop, argv)
