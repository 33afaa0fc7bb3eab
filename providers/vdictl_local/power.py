"""Switch on and off. TERM is sent and looked after; nobody waits here for a guest that does not want to go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vdictl.contract.errors import Busy, VdictlError
from vdictl.contract.model import Desktop, Operation, Wish
from vdictl.engine.errors import NotRunning
from vdictl.engine.nouns import Container
from vdictl_local import convert, images, making, timers
from vdictl_local.creating import show_building
from vdictl_local.errors import PROVIDER, changing, is_final
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World

RESTART_GRACE: Final = 10.0  #: seconds, as both engines have it
_UP: Final = frozenset({"running", "paused", "restarting", "stopping"})


def operation(verb: str, holding: Holding, *, token: str, wish: Wish, grace: float = RESTART_GRACE) -> Operation:
    """The operation to write: with what is there now, so that its being done can be seen."""
    container = holding.container
    arguments = {"container": container.id if container else "", "started": convert.started(container)}
    if verb != "start":
        arguments["grace"] = f"{grace:g}"
    return Operation(verb=verb, token=token, wish=wish, arguments=arguments, since=datetime.now(UTC))


def require_idle(holding: Holding) -> None:
    """Raise Busy while another verb's operation is open that must come to its end first."""
    current = convert.open_operation(holding)
    if current is not None and current.verb not in {"start", "stop", "restart"}:
        raise _busy(holding, current)


def require_no_other(holding: Holding) -> None:
    """Raise Busy while any operation is open: what is to follow would make it forgotten."""
    current = convert.open_operation(holding)
    if current is not None:
        raise _busy(holding, current)


def _busy(holding: Holding, current: Operation) -> Busy:
    return Busy(
        f"{holding.who.name} is busy: {current.verb} is not finished.",
        advice=f"Wait for it: vdictl wait {holding.who.name}",
        provider=PROVIDER,
    )


def start(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """Start its container; make it anew where somebody took it."""
    container = holding.container
    if container is None:
        return _remake(tools, world, holding, operation)
    _start(tools, holding, container, operation)
    return _sized(tools, holding, operation) if holding.is_resized else _shown(tools, holding)


def stop(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """TERM, and KILL once the grace is over."""
    del world
    if holding.container is not None:
        _end(tools, holding.container, operation)
    return _shown(tools, holding)


def restart(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """Stop, and start when it has stopped."""
    container = holding.container
    if container is None:
        return _remake(tools, world, holding, operation)
    if container.state in _UP:
        _end(tools, container, operation)
        holding = require(tools.read(), holding.key)
        container = holding.container
        if container is None or container.state in _UP:
            return convert.desktop(holding)
    _start(tools, holding, container, operation)
    return _sized(tools, holding, operation)


STEPS: Final[dict[str, Callable[[Tools, World, Holding, Operation], Desktop]]] = {
    "start": start,
    "stop": stop,
    "restart": restart,
}


def _shown(tools: Tools, holding: Holding) -> Desktop:
    return convert.desktop(require(tools.read(), holding.key))


def _end(tools: Tools, container: Container, operation: Operation) -> None:
    since = operation.since or datetime.now(UTC)
    grace = float(operation.arguments.get("grace", RESTART_GRACE))
    hard = (datetime.now(UTC) - since).total_seconds() > grace
    if container.state == "paused":
        _try(tools, "unpause", container.id)  # a paused process hears no signal
    _try(tools, "kill", "--signal", "KILL" if hard or grace <= 0 else "TERM", container.id)


def _try(tools: Tools, *argv: str) -> None:
    with changing():
        try:
            tools.engine.run(*argv, timeout=LONG)
        except NotRunning:
            return  # it has ended meanwhile: that is what we want


def _remake(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    wanted = images.recipe(world, holding.mark.spec)
    wait = images.ready(tools, wanted)
    if wait is not None:
        return show_building(holding, wait)
    home, fresh = making.home(world, holding)
    making.make(
        tools, world, holding, image=wanted.reference, home=home, token=operation.token, start=False, fresh=fresh
    )
    holding = require(tools.read(), holding.key)
    if holding.container is not None:
        _start(tools, holding, holding.container, operation)
    return done(tools, holding, operation)


def _start(tools: Tools, holding: Holding, container: Container, operation: Operation) -> None:
    """Start it. One that never ran may have a guest's state that is older than it, and knows another end."""
    since = operation.since
    if container.state == "created" and since and any(one.created < since for one in holding.states):
        timers.tell(tools, holding)
    tools.start_container(container.id)


def _sized(tools: Tools, holding: Holding, operation: Operation) -> Desktop:
    """Just started; with the limits that it was given since it was made."""
    if holding.is_resized:
        from vdictl_local import resizing  # which ends its own steps as we do

        try:
            resizing.apply(tools, require(tools.read(), holding.key))
        except VdictlError as error:
            if is_final(error):
                done(tools, holding, operation)  # it runs, with the limits that it was made with
            raise
    return done(tools, holding, operation)


def done(tools: Tools, holding: Holding, operation: Operation) -> Desktop:
    """Write that it is done, and keep its token: sent again it must not be done again.

    It cannot always be seen: Podman tells whole seconds, and a restart in the second of the start before it looks as
    if it had not been.
    """
    done = replace(operation, arguments={**operation.arguments, convert.DONE: "1"})
    world = making.finish(tools, holding, replace(holding.mark, operation=done))
    return convert.desktop(require(world, holding.key))
