"""What has lost its desktop: left by a kill in a bad moment, or by an outsider's hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from vdictl.contract.model import Stray
from vdictl.engine.errors import NoSuchObject
from vdictl.engine.nouns import Volume
from vdictl.engine.objects import list_images
from vdictl_local import convert, images, names, transfer
from vdictl_local.errors import changing, whole
from vdictl_local.tools import Tools
from vdictl_local.world import Home, World

_WHY: Final = {
    "mark": "a marker without its desktop",
    "state": "the private state of a desktop that is gone",
    "done": "the end of a copy whose volume is gone",
    "home": "half a home: its copy was never finished",
    "scratch": "the ephemeral home of a desktop that is gone",
    "snapshot": "half a snapshot: its copy was never finished",
}


def find(tools: Tools, world: World) -> Iterator[Stray]:
    """All strays of the fleet."""
    for volume in world.volumes:
        if _lost(world, volume) and not _being_imported(tools, world, volume):
            yield Stray(
                id=f"volume:{volume.name}",
                kind="volume",
                name=volume.name,
                fleet=volume.labels[names.FLEET],
                owner=volume.labels[names.OWNER],
                created=volume.created,
                why=_WHY[volume.labels[names.KIND]],
            )
    for container in world.containers:
        if transfer.at_work(container):
            continue
        if container.labels[names.KIND] == "copy" and container.labels.get(names.TOKEN) not in _open(world):
            yield Stray(
                id=f"container:{container.name}",
                kind="machine",
                name=container.name,
                fleet=container.labels[names.FLEET],
                owner=container.labels[names.OWNER],
                created=container.created,
                why="the helper of a copy that nobody waits for",
            )
    yield from _images(tools, world)


def remove(tools: Tools, stray: Stray) -> None:
    """Remove one; already gone is success, and what is in use stays."""
    what, _, name = stray.id.partition(":")
    force = ("--force",) if what == "container" else ()
    with changing():
        try:
            tools.engine.run(what, "rm", *force, name)
        except NoSuchObject:
            return


def _open(world: World) -> set[str]:
    """Tokens of the operations that are open."""
    found = (convert.open_operation(holding) for holding in world.holdings.values())
    return {operation.token for operation in found if operation}


def _lost(world: World, volume: Volume) -> bool:
    labels = volume.labels
    key, kind, token = labels[names.KEY], labels[names.KIND], labels.get(names.COPY)
    holding = world.holdings.get(key)
    if kind == "mark":
        return holding is None or volume not in (holding.claim, *holding.others, *holding.records)
    if kind == "state":
        return holding is None
    if kind == "scratch":
        return not any(world.users(home.name) for home in world.homes.values() if _in(home, volume))
    if kind == "done":
        filled = {one.labels.get(names.COPY) for one in world.volumes}
        return labels.get(names.TOKEN) not in filled and labels.get(names.TOKEN) not in _open(world)
    return kind in _WHY and not world.complete(volume) and token not in _open(world)


def _being_imported(tools: Tools, world: World, volume: Volume) -> bool:
    """Whether it is the room of an import that lives."""
    home = next((home.name for home in world.homes.values() if _in(home, volume)), None)
    if home is None or volume.labels[names.KEY] != volume.labels.get(names.COPY):
        return False
    with tools.alone(transfer.running_lock(home)) as alone:
        return not alone


def _in(home: Home, volume: Volume) -> bool:
    return any(one.volume is volume for one in home.generations)


def _images(tools: Tools, world: World) -> Iterator[Stray]:
    there = whole(lambda: list_images(tools.engine, label=f"{names.KIND}=snapshot"))
    kept = {one.labels.get(names.IMAGE) for one in world.kind("snapshot")}
    used = {one.image for one in world.containers}
    for image in there:
        for tag in image.tags:
            fleet = image.labels.get(names.FLEET, "")
            if not tag.startswith(images.SNAPSHOT_PREFIX) or fleet != (tools.ledger.fleet or fleet):
                continue
            if tag not in kept and tag not in used:
                owner = image.labels.get(names.OWNER, "")
                why = "the system of a snapshot that is gone"
                yield Stray(
                    id=f"image:{tag}", kind="image", name=tag, fleet=fleet, owner=owner, created=image.created, why=why
                )
