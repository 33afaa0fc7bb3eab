"""The ways into a desktop, and how each is reached from here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vdictl.contract.capabilities import SupportsExec, SupportsTunnel
from vdictl.contract.errors import NotReady, Unavailable, Unsupported
from vdictl.contract.model import Command, Desktop, Endpoint, State
from vdictl.core import running
from vdictl.core.registry import Opened

HOST_KEY_SECONDS = 60.0  #: the first time it is made
_HOST_KEY = re.compile(r"[a-z0-9-]{1,40} [A-Za-z0-9+/]{20,2000}={0,2}")


@dataclass(frozen=True)
class Door:
    """An endpoint, and the command that leads there where it is not direct."""

    endpoint: Endpoint
    tunnel: Command | None


def tunnel_to(at: Opened, desktop: Desktop, endpoint: Endpoint) -> Command | None:
    """The command whose streams lead to the endpoint; `None`: it is direct, or this provider makes no tunnels."""
    if endpoint.direct or not at.can(SupportsTunnel):
        return None
    return at.need(SupportsTunnel, to="make tunnels").tunnel(desktop, endpoint)


def endpoints(at: Opened, desktop: Desktop) -> Sequence[Endpoint]:
    """The ways in, the primary one first.

    Raises:
        NotReady: it does not run, with what to do about that.
    """
    try:
        return sorted(at.provider.endpoints(desktop), key=lambda endpoint: not endpoint.primary)
    except NotReady as error:
        raise _with_cure(error, desktop) from error


def inside(at: Opened, desktop: Desktop, argv: Sequence[str], *, tty: bool = False, to: str) -> Command:
    """The command that runs `argv` inside; `to` says what for ("copy files").

    Raises:
        Unsupported: the provider runs nothing inside. NotReady: the desktop does not run, with what to do about that.
    """
    able = at.need(SupportsExec, to=to)
    if desktop.state not in {State.RUNNING, State.UNKNOWN}:
        state = desktop.reason or desktop.state.value
        raise _with_cure(NotReady(f"{desktop.name} does not run: {state}.", provider=at.name), desktop)
    try:
        return able.exec(desktop, argv, tty=tty)
    except NotReady as error:
        raise _with_cure(error, desktop) from error


def port(at: Opened, desktop: Desktop, number: int) -> Command:
    """The command whose streams are one connection to a port of the desktop's own loopback.

    Raises:
        As `inside`.
    """
    return inside(at, desktop, ("vdictl-guest", "tcp", str(number)), to="forward ports")


def ssh(at: Opened, desktop: Desktop, public_key: str) -> Command:
    """The command whose streams are one SSH connection, for the holder of this key (its type and text).

    Raises:
        As `inside`.
    """
    return inside(at, desktop, ("vdictl-guest", "sshd", public_key), to="be reached by SSH")


def ssh_host_key(at: Opened, desktop: Desktop) -> str:
    """The public host key of the sshd inside, as the desktop itself tells it: type and text.

    Raises:
        As `inside`, and `running.output`.
    """
    command = inside(at, desktop, ("vdictl-guest", "ssh-host-key"), to="be reached by SSH")
    key = running.output(command, timeout=HOST_KEY_SECONDS).decode(errors="replace").strip()
    if not _HOST_KEY.fullmatch(key):
        raise Unavailable("The desktop told something that is no host key.", details=ascii(key[:100]), provider=at.name)
    return key


def _with_cure(error: NotReady, desktop: Desktop) -> NotReady:
    if desktop.state in {State.STOPPED, State.PARKED}:
        error.advice = f"Start it: vdictl start {desktop.name}"
    error.advice = error.advice or f"Wait for it: vdictl wait {desktop.name} --for usable"
    return error


def door(at: Opened, desktop: Desktop, *kinds: str) -> Door:
    """The way in of the first of these kinds (vnc, http, ssh) that it has.

    Raises:
        Unsupported: it has none, or there is no way to it; those that it has are named. NotReady: it does not run.
    """
    found = endpoints(at, desktop)
    for endpoint in (each for kind in kinds for each in found if each.kind == kind):
        tunnel = tunnel_to(at, desktop, endpoint)
        if tunnel is None and not endpoint.direct:
            raise Unsupported(f"The {endpoint.kind} endpoint of {desktop.name} cannot be reached.", provider=at.name)
        return Door(endpoint, tunnel)
    there = ", ".join(endpoint.kind for endpoint in found) or "none"
    raise Unsupported(
        f"{desktop.name} has no {' or '.join(kinds)} endpoint.", details=f"It has: {there}.", provider=at.name
    )
