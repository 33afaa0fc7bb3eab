"""`vdictl connect`."""

from __future__ import annotations

from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.contract.errors import Invalid

app = verb_app()


@app.command()
def connect(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The desktop; default: the only one.")] = None,
    *,
    only_print: Annotated[
        bool, typer.Option("--print", "--no-browser", help="Print the full link, which holds the token.")
    ] = False,
    vnc: Annotated[bool, typer.Option("--vnc", help="In a native VNC viewer instead of a browser.")] = False,
    shell: Annotated[bool, typer.Option("--shell", help="A shell inside instead of the screen.")] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="The near end of a tunnel, where one is needed.")
    ] = 0,
) -> None:
    """Open a desktop: in a browser, a VNC viewer or a shell.

    Example: vdictl connect desktop

    Without a browser or a screen the link is printed, and why. Where a tunnel is needed it stays open until Ctrl-C.
    """
    if shell and (vnc or only_print):
        raise Invalid("--shell opens no screen: leave --vnc and --print away.")
    with running(ctx) as run:
        found = one(run, name)
        from vdictl.cli import opening  # connect's parts, once it is known that there is a desktop

        if shell:
            raise typer.Exit(opening.shell(found))
        (opening.vnc if vnc else opening.screen)(run, found, only_print=only_print, port=port)
