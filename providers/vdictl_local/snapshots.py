"""Snapshots: the home copied into a volume; where `--sudo` made the system writable, the system as an image too."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, NotFound, Unsupported, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, Operation
from vdictl.engine.errors import CommandFailed
from vdictl.engine.nouns import Volume
from vdictl_local import convert, copying, images, making, names
from vdictl_local.creating import show_building
from vdictl_local.errors import PROVIDER, changing, is_final
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World


def arguments(world: World, holding: Holding, name: str) -> dict[str, str]:
    """What a new snapshot is to remember. Raises what speaks against it."""
    marks.check_name("snapshot", name)
    own = {one.labels.get(names.SNAPSHOT) for one in world.kind("snapshot") if one.labels[names.KEY] == holding.key}
    if name in own or world.snapshot(holding.who.snapshot(name)) is not None:
        raise Conflict(
            f"{holding.who.name} has a snapshot called {name} already.",
            advice=f"Choose another name, or: vdictl snapshot delete {holding.who.name} {name}",
            provider=PROVIDER,
        )
    if holding.container is None:
        raise Conflict(f"{holding.who.name} has no container to take a snapshot of.", provider=PROVIDER)
    paused = {"paused": "1"} if holding.container.state == "paused" else {}  # by an outsider: so it stays
    return {"snapshot": name, **paused}


def taken(world: World, holding: Holding, name: str, token: str) -> bool:
    """Whether the snapshot of this token is there: then it must not be taken again."""
    there = world.snapshot(holding.who.snapshot(name))
    return there is not None and there.labels.get(names.COPY) == token


def take(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """The next step of a snapshot."""
    name = operation.arguments["snapshot"]
    target = holding.who.snapshot(name)
    there = world.snapshot(target)
    if there is not None and there.labels.get(names.COPY) != operation.token:
        tools.ledger.close(_resumed(tools, holding, operation))
        raise Conflict(f"{holding.who.name} has another snapshot called {name} meanwhile.", provider=PROVIDER)
    if holding.container is None and operation.token not in world.done:
        tools.ledger.close(holding)
        raise Conflict(f"The container of {holding.who.name} is gone: there is nothing to copy.", provider=PROVIDER)
    if operation.token in world.done:
        tools.remove_containers(*(one.id for one in [holding.helper(operation.token)] if one))
    elif not _copied(tools, world, holding, operation, target):
        return convert.desktop(require(tools.read(), holding.key))
    return convert.desktop(require(tools.ledger.close(_resumed(tools, holding, operation)), holding.key))


def restore(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """The next step of a restore in place: copy into a new generation of the home, switch, drop the old ones."""
    token, source = operation.token, operation.arguments["snapshot"]
    image = operation.arguments.get("image", "")
    home = holding.home
    if home is not None and not _restored(tools, world, holding, operation):
        return convert.desktop(require(tools.read(), holding.key))
    if home is None and world.snapshot(source) is None:
        tools.ledger.close(holding)
        raise NotFound(f"The snapshot {source} is gone.", provider=PROVIDER)
    container = holding.container
    if container is None or container.labels.get(names.TOKEN) != token:
        wait = images.kept_or_built(tools, world, holding, image)
        if isinstance(wait, images.Building):
            return show_building(holding, wait)
        world = _switch(tools, holding, operation, image=wait)
    _drop_old(tools, world, holding)
    return convert.desktop(require(making.close(tools, holding), holding.key))


def remove(tools: Tools, world: World, snapshot: str) -> None:
    """Remove a snapshot with its image and done-marker; already gone is success."""
    volume = world.snapshot(snapshot)
    if volume is None:
        return
    remove_volumes(tools, world, [volume])
    images.remove_snapshots(tools, images_of([volume]))


def remove_volumes(tools: Tools, world: World, volumes: Sequence[Volume], *, more: Sequence[str] = ()) -> None:
    """Remove volumes: themselves first, then the done-markers of those that a copy filled, then `more`."""
    markers = [world.done[token] for one in volumes if (token := one.labels.get(names.COPY, "")) in world.done]
    tools.ledger.remove_volumes([*(one.name for one in (*volumes, *markers)), *more])


def images_of(snapshots: list[Volume]) -> list[str]:
    """The images that snapshots hold."""
    kept = [one.labels.get(names.IMAGE, "") for one in snapshots]
    return [one for one in kept if one.startswith(images.SNAPSHOT_PREFIX)]


def require_fit(holding: Holding, taken: Volume, spec: DesktopSpec | None) -> None:
    """Raise Unsupported where a snapshot without a home would replace one, or the other way round."""
    had_home = spec is None or spec.home != "none"
    if had_home != (holding.home is not None):
        raise Unsupported(
            f"The snapshot {taken.name} {'has' if had_home else 'lacks'} a home, the desktop is the other way round.",
            advice="Make a new desktop from it: vdictl create NAME --from-snapshot ...",
            provider=PROVIDER,
        )


def _copied(tools: Tools, world: World, holding: Holding, operation: Operation, target: str) -> bool:
    container = holding.container
    assert container is not None  # the caller has looked
    spec = holding.mark.spec
    if world.snapshot(target) is None:
        tools.ledger.make_volumes({target: _labels(holding, operation)})
    if container.state == "running" and holding.helper(operation.token) is None:
        _pause(tools, container.id)
    if spec.sudo and holding.helper(operation.token) is None:
        _commit(tools, holding, operation)
    current = world.homes[holding.home].current if holding.home in world.homes and holding.home else None
    if current is None:
        copying.mark_done(tools, holding, operation.token)
        return True
    try:
        return copying.step(
            tools,
            world,
            holding,
            token=operation.token,
            source=current.volume.name,
            target=target,
            image=container.image_id or container.image,
        )
    except VdictlError as error:
        if is_final(error):
            # The half is gone, or will be shown as a stray: the desktop itself must go on.
            tools.ledger.close(_resumed(tools, holding, operation))
        raise


def _labels(holding: Holding, operation: Operation) -> dict[str, str]:
    spec, container = holding.mark.spec, holding.container
    assert container is not None
    flavor = container.labels.get("vdictl.image", "")
    return {
        **holding.who.labels("snapshot", holding.key),
        names.SNAPSHOT: operation.arguments["snapshot"],
        names.COPY: operation.token,
        names.FLAVOR: flavor,
        names.IMAGE: _image(operation) if spec.sudo else container.image,
        names.DIGEST: container.image_id,
        names.MARK: names.pack(marks.encode(holding.mark)),
    }


def _image(operation: Operation) -> str:
    return f"{images.SNAPSHOT_PREFIX}{names.short(operation.token)}"


def _pause(tools: Tools, container: str) -> None:
    """So that no file changes while it is copied. Where the host can't (rootless with cgroup v1) it is left running."""
    try:
        tools.engine.run("pause", container)
    except CommandFailed:
        return


def _resumed(tools: Tools, holding: Holding, operation: Operation) -> Holding:
    """Let it go on, if we paused it."""
    container, by_outsider = holding.container, operation.arguments.get("paused")
    if container is not None and container.state in {"paused", "running"} and not by_outsider:
        with changing(), suppress(CommandFailed):  # it was not paused, or has gone: the next look tells
            tools.engine.run("unpause", container.id, timeout=LONG)
    return holding


def _commit(tools: Tools, holding: Holding, operation: Operation) -> None:
    assert holding.container is not None
    labels = {
        **holding.who.labels("snapshot", holding.key),
        names.TOKEN: operation.token,
        names.VOLUME: holding.who.snapshot(operation.arguments["snapshot"]),
    }
    changes = [word for name, value in labels.items() for word in ("--change", f"LABEL {name}={value}")]
    with changing():
        tools.engine.run("commit", "--pause=false", *changes, holding.container.id, _image(operation), timeout=LONG)


def _restored(tools: Tools, world: World, holding: Holding, operation: Operation) -> bool:
    """Whether the new generation of the home is whole; does what can be done for it."""
    token, source, home = operation.token, operation.arguments["snapshot"], holding.home
    assert home is not None
    kept = world.homes.get(home)
    mine = next((one for one in kept.generations if one.copy == token), None) if kept else None
    if world.snapshot(source) is None and token not in world.done:
        if mine:
            tools.ledger.remove_volumes([mine.volume.name])
        tools.ledger.close(holding)
        raise NotFound(f"The snapshot {source} is gone.", provider=PROVIDER)
    number = mine.number if mine else kept.next_number if kept else 1
    if mine is None:
        labels = home.labels(holding.key, number) | {names.COPY: token}
        tools.ledger.make_volumes({home.volume(number): labels})
    image = operation.arguments.get("image") or (holding.container.image_id if holding.container else "")
    try:
        return copying.step(tools, world, holding, token=token, source=source, target=home.volume(number), image=image)
    except VdictlError as error:
        if is_final(error):
            tools.ledger.close(holding)
        raise


def _switch(tools: Tools, holding: Holding, operation: Operation, *, image: str) -> World:
    if holding.container:
        tools.remove_containers(holding.container.id)
    world = tools.read()
    holding = require(world, holding.key)
    home, _ = making.home(world, holding)
    start = operation.arguments.get("power") != "stopped"
    making.make(tools, world, holding, image=image, home=home, token=operation.token, start=start)
    return world


def _drop_old(tools: Tools, world: World, holding: Holding) -> None:
    kept = world.homes.get(holding.home) if holding.home else None
    if kept and kept.current:
        old = [one.volume for one in kept.generations if one.number < kept.current.number]
        remove_volumes(tools, world, old)


def restored(world: World, holding: Holding, token: str) -> bool:
    """Whether the restore of this token is done: then it must not be done again."""
    operation = holding.mark.operation
    if operation is not None and operation.token == token:
        return False
    kept = world.homes.get(holding.home) if holding.home else None
    by_home = kept is not None and any(one.copy == token for one in kept.generations)
    by_container = holding.container is not None and holding.container.labels.get(names.TOKEN) == token
    return by_home or by_container


def restore_arguments(world: World, holding: Holding, snapshot: str) -> dict[str, str]:
    """What a restore is to remember. Raises NotFound, Conflict or Unsupported where it cannot be done."""
    there = world.snapshot(snapshot)
    if there is None:
        raise NotFound(f"There is no snapshot {snapshot!a}.", provider=PROVIDER)
    if not world.complete(there):
        raise Conflict(f"The snapshot {snapshot} is not complete.", provider=PROVIDER)
    require_fit(holding, there, convert.snapshot(world, there).spec)
    container = holding.container
    kept = there.labels.get(names.IMAGE, "")
    system = kept if holding.mark.spec.sudo and kept.startswith(images.SNAPSHOT_PREFIX) else ""
    running = container is not None and container.state in {"running", "paused", "restarting"}
    return {
        "snapshot": snapshot,
        "image": system or (container.image if container else ""),
        "power": "running" if running else "stopped",
    }
