"""Another name, other labels, another end. A name is claimed before it is taken, and the old one is let go last.

The mark is rewritten once, in the middle: killed before it nothing is changed, killed after it the rest is done by
whoever comes next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, VdictlError
from vdictl.contract.model import NEVER, Desktop, Mark, Operation, Wish
from vdictl.engine.errors import NameTaken, NoSuchObject
from vdictl_local import convert, making, power, timers
from vdictl_local.errors import PROVIDER, changing, is_final
from vdictl_local.ledger import LONG, name_taken
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World

_NAME: Final = "name"
_TIMER: Final = "timer"


def begin(
    tools: Tools,
    world: World,
    holding: Holding,
    *,
    token: str,
    name: str | None,
    labels: Mapping[str, str | None] | None,
    expires: datetime | None,
) -> World:
    """Write what is wanted; labels need no more than that.

    Raises:
        Invalid: the name cannot be one. Conflict: it is taken. Busy: the mark was changed meanwhile.
    """
    arguments = _arguments(labels, expires)
    changed = marks.remarked(holding.mark, name=name, labels=labels, expires=expires)
    if changed.name != holding.mark.name:
        arguments[_NAME] = changed.name
        _require_free(tools, world, holding, changed.name)
        changed = holding.mark  # all of it changes at once: with the name
    if _NAME not in arguments and _TIMER not in arguments:
        arguments = {convert.DONE: "1"}
    running = holding.container is not None and holding.container.state in {"running", "paused"}
    wish = Wish.PRESENT if running else Wish.STOPPED
    operation = Operation(verb="remark", token=token, wish=wish, arguments=arguments, since=datetime.now(UTC))
    return tools.ledger.rewrite(holding, replace(changed, operation=operation))


def step(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """All that remains: the name, the guest's timer, the old name's claim."""
    del world
    name = operation.arguments.get(_NAME)
    if name and name != holding.who.name:
        holding = _rename(tools, holding, operation, name)
    tools.ledger.remove_volumes([one.name for one in holding.others])
    failed = _move_timer(tools, holding) if _TIMER in operation.arguments else None
    done = power.done(tools, holding, operation)
    if failed:
        raise failed
    return done


def _require_free(tools: Tools, world: World, holding: Holding, name: str) -> None:
    who = replace(holding.who, name=name)
    if (there := world.named(who)) is not None:
        raise name_taken(there)
    making.require_free(tools, who.container, holding.key)


def _rename(tools: Tools, holding: Holding, operation: Operation, name: str) -> Holding:
    """Claim the name, give it to the container, write it into the mark."""
    who = replace(holding.who, name=name)
    if not tools.ledger.reserve(holding, who):
        tools.ledger.close(holding)
        raise Conflict(f"The name {name} was taken by somebody else meanwhile.", provider=PROVIDER)
    container = holding.container
    if container is not None and container.name != who.container:
        try:
            with changing():
                _rename_container(tools, container.id, who.container)
                making.require_free(tools, who.container, holding.key)
        except Conflict:
            tools.ledger.close(holding)
            tools.ledger.remove_volumes([who.claim])
            raise
    changed = _asked(holding.mark, operation)
    return require(tools.ledger.rewrite(holding, replace(changed, operation=operation)), holding.key)


def _rename_container(tools: Tools, container: str, name: str) -> None:
    try:
        tools.engine.run("rename", container, name, timeout=LONG)
    except NameTaken:
        return  # by us in this moment, or by a stranger: the caller looks
    except NoSuchObject:
        return  # somebody removed it: the next start makes it anew, under the new name


def _move_timer(tools: Tools, holding: Holding) -> VdictlError | None:
    """Why it cannot be; the desktop must not be busy for ever because of that."""
    try:
        timers.tell(tools, holding)
    except VdictlError as error:
        if not is_final(error):
            raise
        return VdictlError(
            f"The end of {holding.who.name} has moved, but its own timer could not be told.",
            details=f"{error.brief}\n{error.details}".strip(),
            advice=f"Try again: vdictl extend {holding.who.name} ...",
            provider=PROVIDER,
        )
    return None


def _arguments(labels: Mapping[str, str | None] | None, expires: datetime | None) -> dict[str, str]:
    found = {"labels": json.dumps(dict(labels), sort_keys=True)} if labels else {}
    if expires is not None:
        found[_TIMER] = "never" if expires == NEVER else expires.isoformat()
    return found


def _asked(mark: Mark, operation: Operation) -> Mark:
    """The mark with all that the operation wants."""
    arguments = operation.arguments
    given: dict[str, Any] = {"name": arguments[_NAME], "labels": json.loads(arguments.get("labels", "{}"))}
    if end := arguments.get(_TIMER):
        given["expires"] = NEVER if end == "never" else datetime.fromisoformat(end)
    return marks.remarked(mark, **given)
