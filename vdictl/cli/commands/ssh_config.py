"""`vdictl ssh-config`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.output import Record
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one
from vdictl.contract.capabilities import SupportsExec
from vdictl.contract.errors import Invalid, NotReady, Unsupported, VdictlError
from vdictl.contract.mark import check_name
from vdictl.contract.model import Endpoint, State
from vdictl.core import doors, inventory, paths
from vdictl.core.inventory import Found
from vdictl.core.private import Draft

if TYPE_CHECKING:
    from vdictl.connect.ssh import Block, Keys

app = verb_app()
#: What decides where settings and keys are; ssh may run where these are not set (an editor's, for example).
_VARIABLES = ("VDICTL_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME")


@app.command()
def ssh_config(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Default: all your own.")] = None,
    *,
    write: Annotated[bool, typer.Option("--write", help="Write ~/.ssh/config.d/vdictl instead of printing.")] = False,
    file: Annotated[
        Path | None, typer.Option("--output-file", metavar="FILE", help="Write this file instead of printing.")
    ] = None,
) -> None:
    """Print settings for ssh, so that ssh NAME.vdictl, scp, rsync and editors over SSH reach desktops.

    Example: vdictl ssh-config --write

    A desktop needs no open port: ssh runs vdictl, which makes the connection. Nobody is asked for a password; the key
    is one of vdictl's own. The file is written whole, with mode 0600, and holds the desktops that were named now.
    """
    if write and file:
        raise Invalid("--write and --output-file are two places: choose one.")
    for name in names or ():
        check_name("desktop", name)
    with running(ctx) as run:
        from vdictl.connect.ssh import Keys, text  # once it is known that there are desktops

        keys = Keys.of(run.context.state_dir)
        found = [one(run, name) for name in dict.fromkeys(names)] if names else _own(run)
        blocks = _blocks(run, found, keys, named=bool(names))
        target = file or (paths.ssh_dir(run.context.environment) / "config.d/vdictl" if write else None)
        if target is not None:
            _write(run, target, text(block for _, block in blocks))
        _show(run, blocks, target)


def _own(run: Run) -> list[Found]:
    listing = inventory.list_desktops(run.context, run.provider)
    listing.require_complete()  # a file without the rest would take them away
    return [found for found in listing.found if found.desktop.owner == run.context.owner]


def _blocks(run: Run, found: Sequence[Found], keys: Keys, *, named: bool) -> list[tuple[Found, Block]]:
    from vdictl.connect.ssh import DOMAIN

    twice = Counter(item.desktop.name for item in found)
    made = []
    for item in found:
        name = item.desktop.name
        host = f"{name}.{DOMAIN}" if twice[name] == 1 else f"{name}.{item.at.name}.{DOMAIN}"
        try:
            made.append((item, _block(run, item, host, keys)))
        except VdictlError as error:
            if named:
                raise
            run.context.progress.warn(f"{name} is left out: {error.brief}")
    return made


def _block(run: Run, found: Found, host: str, keys: Keys) -> Block:
    from vdictl.connect import ssh

    known = keys.known_hosts(found.at.name, found.desktop.fleet, found.desktop.owner, found.desktop.name)
    if (endpoint := _endpoint(found)) is not None:
        return ssh.direct(host, endpoint, keys, known)
    if not found.at.can(SupportsExec):
        brief = f"{found.desktop.name} has no SSH, and its provider {found.at.name} runs nothing inside."
        raise Unsupported(brief, provider=found.at.name)
    keys.public()  # made now: ssh looks for it before it runs us
    return ssh.proxied(host, keys, known, [*_program(run), *_words(run, found, host)])


def _endpoint(found: Found) -> Endpoint | None:
    """Its port for SSH, where it has one that is reached straight."""
    if found.desktop.state is not State.RUNNING:
        return None
    try:
        ways = doors.endpoints(found.at, found.desktop)
    except NotReady:
        return None
    return next((way for way in ways if way.kind == "ssh" and way.direct), None)


def _program(run: Run) -> list[str]:
    """How this very vdictl is run, whatever PATH and folder ssh has."""
    given = run.context.environment
    settings = [f"{name}={given[name]}" for name in _VARIABLES if given.get(name)]
    script = Path(sys.argv[0]).absolute()
    program = [str(script)] if script.name == "vdictl" and script.is_file() else [sys.executable, "-m", "vdictl"]
    return [*(["env", *settings] if settings else []), *program]


def _words(run: Run, found: Found, host: str) -> list[str]:
    profile = ["--profile", run.wishes.profile] if run.wishes.profile else []
    desktop = found.desktop
    where = ["-p", found.at.name, "--fleet", desktop.fleet, "--owner", desktop.owner, *profile]
    return ["ssh-proxy", *where, "--host", host, desktop.name]


def _write(run: Run, target: Path, content: str) -> None:
    ours = paths.ssh_dir(run.context.environment)
    try:
        for folder in (*([ours] if target.is_relative_to(ours) else []), target.parent):
            paths.make_private(folder)
    except OSError as error:
        raise VdictlError(f"{target.parent} cannot be made.", details=error.strerror or str(error)) from error
    with Draft(target, replace=True) as draft:
        draft.finish(content)
    run.say(f"Let ssh read it, once, by this line at the top of {ours / 'config'}: Include {_quoted(target)}")


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


def _show(run: Run, blocks: Sequence[tuple[Found, Block]], target: Path | None) -> None:
    from vdictl.connect.ssh import text

    if run.output.is_data:
        run.output.many([_record(found, block) for found, block in blocks], [])
    elif target is not None:
        sys.stdout.write(f"{target}\n")
    elif blocks:
        sys.stdout.write(text(block for _, block in blocks))
    if not blocks:
        run.say(f"{run.context.owner} has no desktop that ssh could reach. Make one: vdictl create")


def _record(found: Found, block: Block) -> Record:
    return {
        "name": found.desktop.name,
        "provider": found.at.name,
        "host": block.host,
        "options": dict(block.options),
    }
