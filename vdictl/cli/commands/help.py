"""`vdictl help`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vdictl.cli.app import verb_app

app = verb_app()


@app.command()
def help(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="VERB...", help="Such as: snapshot list")] = None,
) -> None:
    """Show the help of a verb: the same as VERB --help.

    Example: vdictl help snapshot list
    """
    here: Any = ctx.find_root()
    for word in words or ():
        if not hasattr(here.command, "resolve_command"):
            here.fail(f"{here.command_path} has no commands of its own.")
        name, command, _ = here.command.resolve_command(here, [word])
        here = typer.Context(command, info_name=name, parent=here)
    typer.echo(here.get_help())
