"""`vdictl ssh-proxy`: what ssh runs to reach a desktop that has no port for it. `ssh-config` writes the line."""

from __future__ import annotations

from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.cli.targets import one
from vdictl.cli.through import run_through
from vdictl.contract.errors import Invalid
from vdictl.core import doors

app = verb_app()


@app.command()
def ssh_proxy(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The desktop.")],
    *,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="How ssh calls it; default: NAME.vdictl.")] = "",
) -> None:
    """Be one SSH connection to a desktop, on standard input and output.

    Example: vdictl ssh-proxy desktop

    The host key is asked for inside, and written where ssh-config tells ssh to look, before the connection begins.
    """
    if host and not (host.isascii() and host.isprintable() and not set(host) & set(" ,*?!|@")):
        raise Invalid(f"--host: {host[:60]!a} is no host.")
    with running(ctx) as run:
        found = one(run, name)
        from vdictl.connect.ssh import DOMAIN, Keys  # once it is known that there is a desktop

        keys, desktop = Keys.of(run.context.state_dir), found.desktop
        public = keys.public()
        known = keys.known_hosts(found.at.name, desktop.fleet, desktop.owner, desktop.name)
        keys.trust(known, host or f"{desktop.name}.{DOMAIN}", doors.ssh_host_key(found.at, desktop))
        code = run_through(doors.ssh(found.at, desktop, public))
    raise typer.Exit(code)
