"""`vdictl connect`."""

from __future__ import annotations

from pathlib import Path
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
    name: Annotated[
        str | None, typer.Argument(help="The desktop, or the file of a share; default: the only desktop.")
    ] = None,
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

    With the file that vdictl share wrote, its desktop opens without any keys or settings: vdictl connect FILE

    Without a browser or a screen the link is printed, and why. Where a tunnel is needed it stays open until Ctrl-C.
    """
    if shell and (vnc or only_print):
        raise Invalid("--shell opens no screen: leave --vnc and --print away.")
    if name is not None and is_file(name):
        if shell or vnc or port:
            raise Invalid("A share opens the page: leave --shell, --vnc and --port away.")
        with running(ctx) as run:
            from vdictl.cli.visiting import visit  # connect's parts, only for who has a share

            visit(run, Path(name), only_print=only_print)
        return
    with running(ctx) as run:
        found = one(run, name)
        from vdictl.cli import opening  # connect's parts, once it is known that there is a desktop

        if shell:
            raise typer.Exit(opening.shell(found))
        (opening.vnc if vnc else opening.screen)(run, found, only_print=only_print, port=port)


def is_file(word: str) -> bool:
    """Whether a file is meant: no desktop's name has a dot or a slash in it."""
    return any(sign in word for sign in "./\\")
