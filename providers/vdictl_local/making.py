"""Makes a desktop's container, once, from its mark."""

from __future__ import annotations

from contextlib import suppress

from vdictl.contract.errors import Conflict, NotFound
from vdictl.contract.model import Wish
from vdictl.engine.errors import ImageMissing, NameTaken, NoSuchObject
from vdictl.engine.objects import inspect_container
from vdictl_local import flags, gpu, images, names, plans
from vdictl_local.errors import PROVIDER, changing
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools
from vdictl_local.world import Holding, World


def make(tools: Tools, world: World, holding: Holding, *, image: str, home: str, token: str, start: bool) -> World:
    """Make (and start) the container, its state volume first; then read again, where a wish for `absent` wins.

    Raises:
        Conflict: a foreign container has the name, or the desktop was destroyed meanwhile.
    """
    spec = holding.mark.spec
    how = images.recipe(world, spec)
    size = plans.size(spec, tools.machine, least_mib=how.flavor.min_memory_mib if how.flavor else 0)
    plan = flags.Plan(
        mark=holding.mark,
        image=image,
        size=size,
        flavor=how.flavor,
        home=home,
        token=token,
        gpu=gpu.flags(spec.gpu, gpu.devices()) if spec.gpu else (),
    )
    state = holding.who.state(holding.key)
    if state not in {one.name for one in holding.states}:
        tools.ledger.make_volumes({state: holding.who.labels("state", holding.key)})
    with changing():
        try:
            tools.engine.run(*flags.make(tools.engine, plan, start=start), timeout=LONG)
        except NameTaken:
            _require_ours(tools, holding)
        except ImageMissing as error:
            raise NotFound(f"The image {image} is gone.", details=error.stderr, provider=PROVIDER) from error
    return _unless_absent(tools, holding)


def require_free(tools: Tools, holding_or_none: Holding | None, container: str, key: str) -> None:
    """Raise Conflict if a container of this name is there that is not this desktop's. One call."""
    if holding_or_none is not None and holding_or_none.container is not None:
        return
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
            tools.engine.run("volume", "rm", before.who.state(before.key), timeout=LONG)
    raise Conflict(f"The desktop {before.who.name} was destroyed by somebody else meanwhile.", provider=PROVIDER)
