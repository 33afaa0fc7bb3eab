"""Homes: made empty, measured, and put into desktops. A container is bound to its home, so another takes a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Busy, Conflict, Invalid, NotFound, Unsupported, VdictlError
from vdictl.contract.model import Desktop, Mark, Operation, Volume, Wish
from vdictl.engine.errors import ImageMissing
from vdictl.engine.nouns import Container
from vdictl_local import convert, flags, images, making, names, snapshots
from vdictl_local.creating import home_in_use, show_building
from vdictl_local.errors import PROVIDER, reading
from vdictl_local.ledger import LONG
from vdictl_local.names import HomeName
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, Home, World, home_of

#: States of a container whose desktop is off: it can be replaced.
_OFF: Final = frozenset({"created", "exited"})


def check(home: HomeName) -> None:
    """Raise Invalid for a name that cannot be part of a volume's name."""
    marks.check_name("home", home.name)
    marks.check_name("owner", home.owner, marks.OWNER)
    marks.check_name("fleet", home.fleet, marks.OWNER)


def create(tools: Tools, home: HomeName, *, token: str) -> Volume:
    """Make an empty one; the same token finds it again.

    Raises:
        Conflict: there is one of this name, or a desktop is about to make it. Busy: somebody takes it up just now.
    """
    check(home)
    with tools.alone(home.lock) as alone:
        if not alone:
            raise Busy(f"Somebody else takes up the home {home.name} in this moment.", provider=PROVIDER)
        world = tools.read()
        if _made_by(world, home, token) is None:
            require_free(world, home)
            kept = world.homes.get(home)
            number = kept.next_number if kept else 1
            tools.ledger.make_volumes({home.volume(number): home.labels(token, number) | {names.TOKEN: token}})
            world = tools.read()
    made = _made_by(world, home, token)
    if made is None:
        raise _taken(home)
    return made


def require_free(world: World, home: HomeName) -> None:
    """Raise Conflict where the name has a home, or a desktop that will make it."""
    if users := world.users(home):
        raise home_in_use(home.name, users[0])
    if (kept := world.homes.get(home)) and kept.current:
        raise _taken(home)


def measure(tools: Tools, homes: Iterable[Home]) -> Mapping[HomeName, int]:
    """What each takes on the disk, by one helper; where no image is there that could look, of the fresh ones only.

    A fresh one is not touched: Podman gives a volume the owner of the folder at which it is mounted first.
    """
    current = {home.name: home.current.volume for home in homes if home.current}
    sizes = {name: 0 for name, volume in current.items() if volume.fresh}
    used = [name for name in current if name not in sizes]
    image = images.any_of_ours(tools) if used else None
    if image is None:
        return sizes
    argv = flags.measure(tools.engine, [current[name].name for name in used], image=image)
    with reading():
        try:
            rows = [line.split(None, 1) for line in tools.engine.run(*argv, timeout=LONG).splitlines()]
        except ImageMissing:  # removed in this moment
            return sizes
    return sizes | {used[int(path.rpartition("/")[2])]: int(size) for size, path in rows}


# -- another home for a desktop -------------------------------------------------------------------------------------


def attach(tools: Tools, world: World, holding: Holding, volume: Volume, *, token: str) -> World | None:
    """Write that this home is wanted; `None`: it is so already.

    Raises:
        Invalid, NotFound, Conflict, Unsupported: it cannot be.
    """
    home = next((name for name in world.homes if name.id == volume.id), None)
    if home is None or world.homes[home].current is None:
        raise NotFound(f"The home {volume.name} is not there (any more).", provider=PROVIDER)
    if (home.fleet, home.owner) != (holding.who.fleet, holding.who.owner):
        raise Invalid(f"The home {home.name} is {home.owner}'s, and the desktop is not.", provider=PROVIDER)
    if holding.home == home:
        return None
    with tools.alone(home.lock) as alone:
        if not alone:
            raise Busy(f"Somebody else takes up the home {home.name} in this moment.", provider=PROVIDER)
        if users := tools.read().users(home):
            raise home_in_use(home.name, users[0])
        return _open(tools, holding, "attach", home.name, token)


def detach(tools: Tools, holding: Holding, *, token: str) -> World | None:
    """Write that its home is to go; `None`: it has none that stays."""
    if holding.home is None or holding.home.scratch:
        return None
    return _open(tools, holding, "detach", "ephemeral", token)


def step(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """The next step of either: a container with the other home in the place of the one that is there."""
    container = holding.container
    if container is None or container.labels.get(names.TOKEN) != operation.token:
        if problem := _hindered(world, holding, operation):
            tools.ledger.rewrite(holding, _as_before(holding, operation))
            raise problem
        wait = images.kept_or_built(tools, world, holding, operation.arguments.get("image", ""))
        if isinstance(wait, images.Building):
            return show_building(holding, wait)
        if container:
            tools.remove_containers(container.id)
        home, fresh = making.home(world, holding)
        making.make(tools, world, holding, image=wait, home=home, token=operation.token, start=False, fresh=fresh)
    _drop_scratch(tools, tools.read(), holding)
    return convert.desktop(require(making.close(tools, holding), holding.key))


def _open(tools: Tools, holding: Holding, verb: str, home: str, token: str) -> World:
    container, spec = holding.container, holding.mark.spec
    if container is not None and container.state not in _OFF:
        raise _running(holding, container)
    if spec.sudo:
        raise Unsupported(
            f"The system of {holding.who.name} is writable and lives in its container, which would be lost.",
            advice=f"Make another desktop: vdictl snapshot create {holding.who.name}, then create --from-snapshot.",
            provider=PROVIDER,
        )
    arguments = {"home": home, "before": spec.home or "", "image": container.image if container else ""}
    operation = Operation(verb=verb, token=token, wish=Wish.STOPPED, arguments=arguments, since=datetime.now(UTC))
    mark = replace(holding.mark, operation=operation, spec=replace(spec, home=home))
    return tools.ledger.rewrite(holding, mark)


def _hindered(world: World, holding: Holding, operation: Operation) -> VdictlError | None:
    """What has come between the wish and this step."""
    container, home = holding.container, holding.home
    if container is not None and container.state not in _OFF:
        return _running(holding, container)
    if operation.verb == "detach" or home is None:
        return None
    others = [one for one in world.users(home) if one.key != holding.key]
    if others:
        return home_in_use(home.name, others[0])
    if (kept := world.homes.get(home)) is None or kept.current is None:
        return NotFound(f"The home {home.name} was removed meanwhile.", provider=PROVIDER)
    return None


def _as_before(holding: Holding, operation: Operation) -> Mark:
    spec = replace(holding.mark.spec, home=operation.arguments.get("before") or None)
    return replace(holding.mark, operation=None, spec=spec)


def _drop_scratch(tools: Tools, world: World, holding: Holding) -> None:
    """An ephemeral home that the desktop had before."""
    had = home_of(replace(holding.mark.spec, home="ephemeral"), holding.key)
    if had is not None and had in world.homes and not world.users(had):
        snapshots.remove_volumes(tools, world, [one.volume for one in world.homes[had].generations])


def _made_by(world: World, home: HomeName, token: str) -> Volume | None:
    kept = world.homes.get(home)
    if kept is None or kept.current is None or kept.current.volume.labels.get(names.TOKEN) != token:
        return None
    return convert.home(world, kept)


def _taken(home: HomeName) -> Conflict:
    return Conflict(f"There is a home called {home.name} already.", provider=PROVIDER)


def _running(holding: Holding, container: Container) -> Conflict:
    return Conflict(
        f"{holding.who.name} is not stopped.",
        details=f"Its container is {container.state}.",
        advice=f"Stop it first: vdictl stop {holding.who.name}",
        provider=PROVIDER,
    )
