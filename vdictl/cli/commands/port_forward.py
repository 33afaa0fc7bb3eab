"""`vdictl port-forward`."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Annotated

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.output import Record
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one
from vdictl.contract.errors import Invalid
from vdictl.core import doors
from vdictl.core.inventory import Found
from vdictl.core.running import ANEW, TOO_OLD, is_usage

app = verb_app()
_FORWARD = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})", re.ASCII)
_LOOPBACK = "127.0.0.1"


@app.command()
def port_forward(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="The desktop; it cannot be left out here."),
    ports: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LOCAL:]REMOTE...", help="Ports: 3000, 8080:3000, or 0:3000 for any free one here."),
    ] = None,
    *,
    address: Annotated[
        str, typer.Option("--address", metavar="IP", help="Listen at this address of this machine; 0.0.0.0: at all.")
    ] = _LOOPBACK,
) -> None:
    """Reach ports inside a desktop from this machine, until Ctrl-C.

    Example: vdictl port-forward desktop 3000 8080:80 0:5432

    What listens on the desktop's own loopback is reached too. Where each one is reached is printed on stdout. Only
    this machine gets in; with --address also others, whom nothing of vdictl's asks for a login.
    """
    wanted = [_forward(text) for text in ports or ()]
    if not wanted:
        raise Invalid("Which ports?", advice=f"For example: vdictl port-forward {ascii(name)[1:-1]} 3000")
    host = _address(address)
    with running(ctx) as run:
        _hold(run, one(run, name), wanted, host)


def _hold(run: Run, found: Found, wanted: Sequence[tuple[int, int]], host: str) -> None:
    from vdictl.cli.opening import until_ctrl_c  # connect's parts, once it is known that there is a desktop
    from vdictl.connect.tunnel import Tunnel

    name = found.desktop.name
    commands = [doors.port(found.at, found.desktop, remote) for _, remote in wanted]
    with ExitStack() as stack:
        rows: list[Record] = []
        for (local, remote), command in zip(wanted, commands, strict=True):
            tunnel = Tunnel(command, host=host, port=local, most=256, trouble=_once(run, name, remote))
            stack.enter_context(tunnel)
            rows.append({"name": name, "address": host, "local_port": tunnel.port, "remote_port": remote})
        if not ipaddress.ip_address(host).is_loopback:
            ports = ", ".join(str(row["remote_port"]) for row in rows)
            who = f"Everybody who reaches {host} of this machine reaches what listens inside at {ports}"
            run.context.progress.warn(f"{who}: vdictl asks for no login.")
        with until_ctrl_c(run):
            _print(run, rows)
            run.say("Open until Ctrl-C.")


def _print(run: Run, rows: Sequence[Record]) -> None:
    if run.output.is_data:
        run.output.many(rows, [])
    else:
        for row in rows:
            shown = f"[{row['address']}]" if ":" in row["address"] else row["address"]
            sys.stdout.write(f"{shown}:{row['local_port']} -> {row['name']}:{row['remote_port']}\n")
    sys.stdout.flush()


def _once(run: Run, name: str, remote: int) -> Callable[[str], None]:
    """Say each trouble of a port once: a browser tries again and again."""
    said: set[str] = set()

    def trouble(line: str) -> None:
        text = f"{name}:{remote}: {_told(line)}"
        if text not in said:
            said.add(text)
            run.context.progress.warn(text)

    return trouble


def _told(line: str) -> str:
    if is_usage(line.encode()):
        return f"{TOO_OLD} {ANEW}"
    return line.partition("vdictl-guest: ")[2] or line


def _forward(text: str) -> tuple[int, int]:
    """`3000`, `8080:3000` or `0:3000` as (here, inside).

    Raises:
        Invalid: it is none of these.
    """
    match = _FORWARD.fullmatch(text)
    local, remote = (int(match[1] or match[2]), int(match[2])) if match else (0, 0)
    if not (0 < remote < 65536 and local < 65536):
        raise Invalid(f"{text[:40]!a} names no port.", advice="Write 3000, 8080:3000, or 0:3000 (any free port).")
    return local, remote


def _address(text: str) -> str:
    if text == "localhost":
        return _LOOPBACK
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise Invalid(f"--address: {text[:40]!a} is no IP address.") from error
