"""Delete: the wish first, then containers, volumes, images, and what bears the mark last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Invalid
from vdictl.contract.model import Operation, Wish
from vdictl.engine.nouns import Volume
from vdictl_local import images, names, snapshots
from vdictl_local.tools import Tools
from vdictl_local.world import Holding, World

HOMES: Final = "homes"
SNAPSHOTS: Final = "snapshots"


def begin(tools: Tools, holding: Holding, also: frozenset[str]) -> World | None:
    """Write the wish and read again. `None`: it was written before."""
    unknown = also - {HOMES, SNAPSHOTS}
    if unknown:
        raise Invalid(f"A delete takes homes and snapshots with it, not {', '.join(sorted(unknown))}.")
    operation = holding.mark.operation
    before = asked(operation) if operation and operation.wish is Wish.ABSENT else None
    if before is not None and also <= before:
        return None
    wanted = Operation(
        verb="delete",
        token=operation.token if operation and before is not None else f"{holding.key}-delete",
        wish=Wish.ABSENT,
        arguments={"also": ",".join(sorted(also | (before or frozenset())))},
        since=datetime.now(UTC),
    )
    # A mark that cannot be read is written anew: a delete is the way out.
    mark = replace(holding.mark, operation=wanted, version=holding.mark.version or marks.VERSION)
    return tools.ledger.rewrite(holding, mark)


def asked(operation: Operation) -> frozenset[str]:
    """What is to go with the desktop."""
    return frozenset(operation.arguments.get("also", "").split(",")) - {""}


def step(tools: Tools, world: World, holding: Holding, operation: Operation) -> None:
    """Remove all that is left; when this returns it is gone."""
    also = asked(operation)
    ran_from = holding.container.image if holding.container else ""
    own = [one.id for one in (holding.container, *holding.helpers) if one]
    tools.remove_containers(*own)
    doomed = _doomed(world, holding, also)
    if holding.container is None:
        tools.clear_leftover(holding.who.container)
    for one in doomed:
        if not world.complete(one) and holding.helper(one.labels[names.COPY]) is None:
            tools.clear_leftover(holding.who.copy(one.labels[names.COPY]))
    snapshots.remove_volumes(tools, world, [*holding.states, *doomed], more=_markers(world, holding, doomed))
    gone = [one for one in doomed if one.labels[names.KIND] == "snapshot"]
    images.remove_snapshots(tools, _orphaned_images(world, gone, ran_from))
    tools.ledger.forget(holding)


def _doomed(world: World, holding: Holding, also: frozenset[str]) -> list[Volume]:
    """Data volumes to remove: what was asked for, what goes with the desktop anyway, and what is half or outdated."""
    found: list[Volume] = []
    kept = world.homes.get(holding.home) if holding.home else None
    if kept and [one.key for one in world.users(kept.name)] == [holding.key]:
        whole = HOMES in also or kept.name.scratch
        current = None if whole else kept.current
        found += [one.volume for one in kept.generations if one is not current]
    own = [one for one in world.kind("snapshot") if one.labels[names.KEY] == holding.key]
    found += [one for one in own if SNAPSHOTS in also or not world.complete(one)]
    return found


def _markers(world: World, holding: Holding, doomed: list[Volume]) -> list[str]:
    """Done-markers whose volume is gone (a kill in between left them)."""
    filled = {
        one.labels.get(names.COPY)
        for one in world.volumes
        if one.labels[names.KIND] in {"home", "scratch", "snapshot"} and one not in doomed
    }
    gone = {one.labels.get(names.COPY) for one in doomed}  # removed together with their volumes
    return [
        one.name
        for token, one in world.done.items()
        if one.labels[names.KEY] == holding.key and token not in filled and token not in gone
    ]


def _orphaned_images(world: World, gone: list[Volume], ran_from: str) -> list[str]:
    """Snapshots' images that nothing needs any more: of those removed now, and the one this desktop ran from."""
    found = set(snapshots.images_of(gone))
    still = set(snapshots.images_of([one for one in world.kind("snapshot") if one not in gone]))
    if ran_from.startswith(images.SNAPSHOT_PREFIX) and ran_from not in still:
        found.add(ran_from)
    return sorted(found - still)
