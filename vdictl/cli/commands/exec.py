"""`vdictl exec`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.cli.through import run_through
from vdictl.contract.errors import Invalid
from vdictl.core import doors

app = verb_app()


@app.command(context_settings={"allow_interspersed_args": False})
def exec_(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The desktop; it cannot be left out here."),
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND...", help="The command and its own options.")
    ] = None,
    tty: bool | None = typer.Option(
        None, "--tty/--no-tty", "-t/-T", help="With a terminal inside; default: if stdin and stdout are one here."
    ),
) -> None:
    """Run a command inside a desktop, as its user, in its home.

    Example: vdictl exec desktop ls -l

    All that stands after NAME belongs to the command; options of vdictl stand before NAME. No shell reads it: for
    pipes and variables write sh -c '...'. Standard input, the terminal, signals and the exit code go through.

    The exit code is the command's own (128 + N where signal N ended it). When vdictl itself fails, it says so on
    stderr in a line that begins with "vdictl:" (with -o json: one JSON object), and ends with its own code, as ssh
    and docker do; where the difference matters, ask first: vdictl wait NAME --for running
    """
    argv = words[1:] if words and words[0] == "--" else list(words or ())
    if not argv:
        raise Invalid("Which command?", advice=f"For a shell: vdictl connect --shell {ascii(name)[1:-1]}")
    with running(ctx) as run:
        found = one(run, name)
        with_tty = sys.stdin.isatty() and sys.stdout.isatty() if tty is None else tty
        command = doors.inside(found.at, found.desktop, argv, tty=with_tty, to="run commands inside desktops")
        code = run_through(command, tty=with_tty)
    raise typer.Exit(code)
