"""Makes a desktop's container, once, from its mark."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from vdictl.contract.errors import Conflict, NotFound
from vdictl.contract.model import Mark, Wish
from vdictl.engine.errors import ImageMissing, NameTaken, NoSuchObject
from vdictl.engine.objects import inspect_container
from vdictl_local import flags, gpu, images, names, plans
from vdictl_local.errors import PROVIDER, changing
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools
from vdictl_local.world import Holding, World


def make(
    tools: Tools,
    world: World,
    holding: Holding,
    *,
    image: str,
    home: str,
    token: str,
    start: bool = True,
    fresh: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> None:
    """Make (and start) the container, before it its state volume and the `fresh` volumes (name -> labels).

    `finish` is to follow: it sees whether the desktop was destroyed meanwhile.

    Raises:
        Conflict: a foreign container has the name.
    """
    spec = holding.mark.spec
    how = images.check(tools, images.recipe(world, spec))  # of an image by hand its label tells the flavor
    size = plans.size(spec, tools.machine, least_mib=how.flavor.min_memory_mib if how.flavor else 0)
    plan = flags.Plan(
        mark=holding.mark,
        image=image,
        size=size,
        flavor=how.flavor,
        home=home,
        token=token,
        state=holding.state,
        gpu=gpu.flags(spec.gpu, gpu.devices_of(tools.engine.traits)) if spec.gpu else (),
    )
    wanted = dict(fresh)
    if not holding.states:
        wanted[holding.state] = holding.who.labels("state", holding.key)
    tools.ledger.make_volumes(wanted)
    argv = flags.make(tools.engine, plan, start=start)
    with changing():
        try:
            _run(tools, argv, holding.who.container)
        except NameTaken:
            _require_ours(tools, holding)
        except ImageMissing as error:
            raise NotFound(f"The image {image} is gone.", details=error.stderr, provider=PROVIDER) from error


def _run(tools: Tools, argv: list[str], name: str) -> None:
    try:
        tools.engine.run(*argv, timeout=LONG)
    except NameTaken:
        if not tools.clear_leftover(name):
            raise
        tools.engine.run(*argv, timeout=LONG)


def finish(tools: Tools, holding: Holding, mark: Mark) -> World:
    """Write the `mark` that says it is done. Who finds it changed by somebody else looks for a wish of `absent`.

    Raises:
        Conflict: the desktop was destroyed meanwhile; what was made just now is gone again.
    """
    try:
        return tools.ledger.rewrite(holding, mark)
    except Conflict:
        return _unless_absent(tools, holding)


def close(tools: Tools, holding: Holding) -> World:
    """As `finish`: no operation is open any more."""
    return finish(tools, holding, replace(holding.mark, operation=None))


def home(world: World, holding: Holding) -> tuple[str, dict[str, dict[str, str]]]:
    """The engine's volume for the home (empty: none), and the volume to make for it where there is none yet."""
    name = holding.home
    if name is None:
        return "", {}
    kept = world.homes.get(name)
    if kept and kept.current:
        return kept.current.volume.name, {}
    number = kept.next_number if kept else 1
    volume = name.volume(number)
    return volume, {volume: name.labels(holding.key, number)}


def require_free(tools: Tools, container: str, key: str) -> None:
    """Raise Conflict if a container of this name is there that is not this desktop's. One call."""
    with changing():
        try:
            there = inspect_container(tools.engine, container)
        except NoSuchObject:
            return
    if there.labels.get(names.SIGN) != "1" or there.labels.get(names.KEY) != key:
        raise _foreign(tools, container)


def _require_ours(tools: Tools, holding: Holding) -> None:
    there = inspect_container(tools.engine, holding.who.container)
    if there.labels.get(names.SIGN) != "1" or there.labels.get(names.KEY) != holding.key:
        raise _foreign(tools, holding.who.container)


def _foreign(tools: Tools, container: str) -> Conflict:
    return Conflict(
        f"There is a container called {container} already, and vdictl did not make it.",
        advice=f"Choose another name, or look whose it is: {tools.engine.kind} inspect {container}",
        provider=PROVIDER,
    )


def _unless_absent(tools: Tools, before: Holding) -> World:
    """Who destroyed the desktop while its container was made has removed what there was to remove: so do we."""
    world = tools.read()
    now = world.holdings.get(before.key)
    operation = now.mark.operation if now else None
    gone = now is None or (before.claim is not None and now.claim is None)
    if not gone and not (operation and operation.wish is Wish.ABSENT):
        return world
    if now and now.container:
        tools.remove_containers(now.container.id)
        with changing(), suppress(NoSuchObject):
            tools.engine.run("volume", "rm", before.state, timeout=LONG)
    raise Conflict(f"The desktop {before.who.name} was destroyed by somebody else meanwhile.", provider=PROVIDER)
