"""Another size: the limits of what runs are changed in place, so that no program ends and no system is lost.

Not every engine keeps such a change over a stop (Podman does from 5.2 on): each start applies it again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, Unsupported, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, Operation, Wish
from vdictl.engine.errors import CommandFailed
from vdictl.guest import DEFAULT_FLAVOR, FLAVORS
from vdictl_local import flags, names, plans, power
from vdictl_local.errors import PROVIDER, changing, is_final
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World

_BEFORE: Final = "before"
_UP: Final = frozenset({"running", "paused"})


def begin(tools: Tools, holding: Holding, spec: DesktopSpec, *, token: str) -> World:
    """Write what is wanted.

    Raises:
        Invalid, QuotaExceeded, Unsupported: such a size cannot be had here.
    """
    old = holding.mark.spec
    wanted = marks.resized(old, spec)
    if (wanted.gpu or 0) != (old.gpu or 0):
        raise Unsupported("A desktop gets its GPUs when it is made here.", provider=PROVIDER)
    size = _size(tools, holding, wanted)
    before = json.dumps([{name: getattr(old, name) for name in marks.SIZE}, dict(holding.sized)])
    running = holding.container is not None and holding.container.state in _UP
    operation = Operation(
        verb="resize",
        token=token,
        wish=Wish.PRESENT if running else Wish.STOPPED,
        arguments={_BEFORE: before},
        since=datetime.now(UTC),
    )
    mark = replace(holding.mark, spec=wanted, operation=operation)
    return tools.ledger.rewrite(holding, mark, sized={names.PLAN: size.plan, names.SIZE: flags.size_text(size)})


def step(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """Change the limits of what runs. What does not run gets them when it is started."""
    del world
    try:
        apply(tools, holding)
    except VdictlError as error:
        if is_final(error):
            _put_back(tools, holding, operation)
        raise
    return power.done(tools, holding, operation)


def apply(tools: Tools, holding: Holding) -> None:
    """Give a running container the limits of its mark.

    Raises:
        Conflict: the engine or the kernel refuses: more memory is in use than it is to have.
    """
    container = holding.container
    if container is None or container.state not in _UP or not tools.engine.traits.limits:
        return
    size = _size(tools, holding, holding.mark.spec)
    with changing():
        try:
            tools.engine.run(*flags.update(tools.engine, container.id, size), timeout=LONG)
        except CommandFailed as error:
            if type(error) is not CommandFailed:
                raise  # something that is known, and has a sentence of its own
            now = require(tools.read(), holding.key).container
            if now is None or now.state not in _UP:
                return  # it has ended meanwhile, and gets them when it is started
            raise Conflict(
                f"{holding.who.name} cannot have {size.memory_mib} MiB of memory and {size.cpus:g} cores now.",
                details=error.stderr.strip()[-1000:],
                advice="If it uses more memory than that: end some programs in it, or stop it, resize it, start it.",
                provider=PROVIDER,
            ) from error


def _put_back(tools: Tools, holding: Holding, operation: Operation) -> None:
    """What was asked before is what it has."""
    size, sized = json.loads(operation.arguments[_BEFORE])
    spec = replace(holding.mark.spec, **size)
    tools.ledger.rewrite(holding, replace(holding.mark, spec=spec, operation=None), sized=sized)


def _size(tools: Tools, holding: Holding, spec: DesktopSpec) -> plans.Size:
    known = holding.container.labels.get("vdictl.image", "") if holding.container else spec.flavor or DEFAULT_FLAVOR
    flavor = FLAVORS.get(known)
    return plans.size(spec, tools.machine, least_mib=flavor.min_memory_mib if flavor else 0)
