"""Homes as tar archives. An import fills a new generation, which counts once its done-marker is there, as any copy."""

from __future__ import annotations

import secrets
from typing import Final

from vdictl.contract.errors import Busy, Conflict, NotFound
from vdictl.contract.model import Command, Volume
from vdictl.engine.nouns import Container
from vdictl_local import convert, flags, homes, images, names, snapshots
from vdictl_local.creating import home_in_use
from vdictl_local.errors import PROVIDER
from vdictl_local.inside import command
from vdictl_local.names import HomeName, Who
from vdictl_local.tools import Tools
from vdictl_local.world import Generation, World, open_tokens

#: A helper in one of these still reads or writes; it ends with the command whose streams it has.
_AT_WORK: Final = frozenset({"running", "paused", "stopping"})


def running_lock(home: HomeName) -> Who:
    """What an import of this home holds from its begin to its end: so that the living are told from the dead."""
    return Who(home.fleet, home.owner, f"{home.name}.import")


def export(tools: Tools, volume: Volume) -> Command:
    """The command that writes it to stdout.

    Raises:
        NotFound: it is not there, or no image whose tools could do it.
    """
    world = tools.read()
    kept = next((one for one in world.homes.values() if one.name.id == volume.id), None)
    if kept is None or kept.current is None:
        raise NotFound(f"The home {volume.name} is not there (any more).", provider=PROVIDER)
    image = _image(tools)
    argv = flags.export(
        tools.engine, _who(kept.name), token=secrets.token_hex(8), source=kept.current.volume.name, image=image
    )
    return command(tools.engine, *argv)


def begin(tools: Tools, home: HomeName, *, token: str, replace: bool) -> Command:
    """Make room, after that of imports that died; the command fills it. The caller holds `running_lock`."""
    homes.check(home)
    world = tools.read()
    if users := world.users(home):
        raise home_in_use(home.name, users[0])
    if not replace:
        homes.require_free(world, home)
    image = _image(tools)
    _clear(tools, world, home, token)
    kept = world.homes.get(home)
    mine = _of(world, home, token)
    number = mine.number if mine else kept.next_number if kept else 1
    tools.ledger.make_volumes({home.volume(number): home.labels(token, number) | {names.COPY: token}})
    argv = flags.unpack(tools.engine, _who(home), token=token, target=home.volume(number), image=image)
    return command(tools.engine, *argv)


def finish(tools: Tools, home: HomeName, *, token: str) -> Volume:
    """Write the done-marker, unless a desktop has taken the name up; drop what was there before."""
    with tools.alone(home.lock) as alone:
        if not alone:
            raise Busy(f"Somebody else takes up the home {home.name} in this moment.", provider=PROVIDER)
        world = tools.read()
        mine = _of(world, home, token)
        if mine is None:
            raise Conflict(f"What was imported into {home.name} was removed meanwhile.", provider=PROVIDER)
        if not mine.complete:
            _require_last(world, home, mine)
            labels = {**_who(home).labels("done", token), names.TOKEN: token}
            tools.ledger.make_volumes({_who(home).done(token): labels})
            world = tools.read()
        kept = world.homes[home]
        old = [one.volume for one in kept.generations if one.number < mine.number and not world.users(home)]
        snapshots.remove_volumes(tools, world, old)
    made = convert.home(world, kept)
    assert made is not None  # it has just become whole
    return made


def drop(tools: Tools, home: HomeName, *, token: str) -> None:
    """Remove the room, if it does not count."""
    world = tools.read()
    _remove_helpers(tools, world, token)
    mine = _of(world, home, token)
    if mine is not None and not mine.complete:
        tools.ledger.remove_volumes([mine.volume.name])


def at_work(container: Container) -> bool:
    """Whether this is the helper of an export or import that goes on."""
    return names.VOLUME in container.labels and container.state in _AT_WORK


def _clear(tools: Tools, world: World, home: HomeName, token: str) -> None:
    """Remove the rooms of imports that were killed: nothing open waits for them."""
    spared = open_tokens(world) | {token}
    kept = world.homes.get(home)
    dead = [one for one in kept.generations if not one.complete and one.copy not in spared] if kept else []
    for one in dead:
        _remove_helpers(tools, world, one.copy)
    tools.ledger.remove_volumes([one.volume.name for one in dead])


def _remove_helpers(tools: Tools, world: World, token: str) -> None:
    mine = [one.id for one in world.containers if one.labels.get(names.TOKEN) == token and names.VOLUME in one.labels]
    tools.remove_containers(*mine)


def _require_last(world: World, home: HomeName, mine: Generation) -> None:
    if users := world.users(home):
        raise home_in_use(home.name, users[0])
    if any(one.complete and one.number > mine.number for one in world.homes[home].generations):
        raise Conflict(f"Somebody has made a home called {home.name} meanwhile.", provider=PROVIDER)


def _of(world: World, home: HomeName, token: str) -> Generation | None:
    kept = world.homes.get(home)
    return next((one for one in kept.generations if one.copy == token), None) if kept else None


def _who(home: HomeName) -> Who:
    return Who(home.fleet, home.owner, home.name)


def _image(tools: Tools) -> str:
    image = images.any_of_ours(tools)
    if image is None:
        raise NotFound(
            "No image of vdictl's is here yet, whose tools read and write homes.",
            advice="Build the smallest: vdictl images build minimal",
            provider=PROVIDER,
        )
    return image
