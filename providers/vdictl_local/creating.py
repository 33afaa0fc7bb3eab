"""Create: claim the name, image, home (copied from a snapshot, if asked), container. Each step sees what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from vdictl.contract import mark as marks
from vdictl.contract.errors import Busy, Conflict, Invalid, NotFound
from vdictl.contract.model import Desktop, DesktopSpec, Mark, Operation, State, Wish
from vdictl_local import convert, copying, flags, gpu, images, making, names, plans
from vdictl_local.errors import PROVIDER
from vdictl_local.ledger import name_taken
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World, home_of


def begin(tools: Tools, spec: DesktopSpec, token: str) -> World:
    """Check everything, then claim the name. The same token finds what it made before."""
    world = tools.read()
    if token in world.holdings:
        return world
    mark = Mark(
        key=token,
        fleet=spec.fleet,
        owner=spec.owner,
        name=spec.name,
        spec=spec,
        operation=Operation(verb="create", token=token, wish=Wish.PRESENT, since=datetime.now(UTC)),
        labels=spec.labels,
        expires=spec.expires,
    )
    who = names.Who(spec.fleet, spec.owner, spec.name)
    if (there := world.named(who)) is not None:
        raise name_taken(there)
    _check(tools, world, spec, token)
    making.require_free(tools, who.container, token)
    home = home_of(spec, token)
    if home is None:
        return tools.ledger.claim(mark)
    with tools.alone(home.lock) as alone:
        if not alone:
            raise Busy(f"Another create takes up the home {home.name} in this moment.", provider=PROVIDER)
        world = tools.ledger.claim(mark)
        _require_sole(tools, world, require(world, token))
    return world


def step(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop:
    """Do all that can be done now."""
    container = holding.container
    if container is None:
        waits = _make(tools, world, holding, operation)
        if waits is not None:
            return waits
    elif container.state == "created":
        tools.start_container(container.id)
    return convert.desktop(require(making.close(tools, holding), holding.key))


def check_names(spec: DesktopSpec) -> None:
    """Raise Invalid for a name that cannot be part of an object's name."""
    marks.check_name("desktop", spec.name)
    marks.check_name("owner", spec.owner, marks.OWNER)
    marks.check_name("fleet", spec.fleet, marks.OWNER)
    if spec.home not in {None, "", "none", "ephemeral"}:
        marks.check_name("home", spec.home or "")


def _check(tools: Tools, world: World, spec: DesktopSpec, token: str) -> None:
    """What can be known to be wrong before anything is made."""
    if spec.home == "none" and not spec.sudo:
        raise Invalid(
            "Without a home nothing could be written here: the system is read-only.",
            advice="Add --sudo for a writable system, or --home ephemeral for a home that goes with the desktop.",
            provider=PROVIDER,
        )
    unknown = set(spec.options) - {"geometry"}
    if unknown:
        raise Invalid(f"No such option here: {', '.join(sorted(unknown))}.", advice="There is: geometry.")
    if geometry := spec.options.get("geometry"):
        flags.check_geometry(geometry)
    if spec.region:
        raise Invalid("This machine is the only region here.", advice="Leave --region away.", provider=PROVIDER)
    wanted = images.check(tools, images.recipe(world, spec))
    plans.size(spec, tools.machine, least_mib=wanted.flavor.min_memory_mib if wanted.flavor else 0)
    if spec.gpu:
        gpu.flags(spec.gpu, gpu.devices_of(tools.engine.traits))
    if spec.from_snapshot:
        _check_snapshot(world, spec)
    home = home_of(spec, token)
    if home and (users := world.users(home)):
        raise home_in_use(home.name, users[0])


def home_in_use(home: str, user: Holding) -> Conflict:
    """The error for a home that another desktop has."""
    return Conflict(
        f"The home {home} is in use by the desktop {user.who.name}.",
        advice="Name another home (--home), or destroy that desktop first: its home stays.",
        provider=PROVIDER,
    )


def _check_snapshot(world: World, spec: DesktopSpec) -> None:
    taken = world.snapshot(spec.from_snapshot or "")
    if taken is None:
        raise NotFound(f"There is no snapshot {spec.from_snapshot!a}.", provider=PROVIDER)
    if not world.complete(taken):
        raise Conflict(f"The snapshot {spec.from_snapshot} is not complete.", provider=PROVIDER)
    home = home_of(spec, "")
    if home and (kept := world.homes.get(home)) and kept.current:
        raise Conflict(
            f"There is a home called {home.name} already; a clone would have to overwrite it.",
            advice="Give the clone a home of its own (--home NEW), or delete that one first.",
            provider=PROVIDER,
        )


def _require_sole(tools: Tools, world: World, holding: Holding) -> None:
    """Two creates may claim two names with one home at once: who sees an elder steps back."""
    others = [one for one in world.users(holding.home) if one.key != holding.key] if holding.home else []
    if others:
        tools.ledger.forget(holding)
        raise home_in_use(holding.home.name if holding.home else "", others[0])


def _make(tools: Tools, world: World, holding: Holding, operation: Operation) -> Desktop | None:
    """The desktop as it is while something else must be done first; `None`: its container is made."""
    wanted = images.recipe(world, holding.mark.spec)
    wait = images.ready(tools, wanted)
    if wait is not None:
        return show_building(holding, wait)
    token, image = operation.token, wanted.reference
    if holding.mark.spec.from_snapshot and holding.home:
        home = _cloned_home(tools, world, holding, token=token, image=image)
        if home is None:
            return convert.desktop(require(tools.read(), holding.key), doing="copying the snapshot into its home")
        fresh: Mapping[str, Mapping[str, str]] = {}
    else:
        home, fresh = making.home(world, holding)
    making.make(tools, world, holding, image=image, home=home, token=token, fresh=fresh)
    return None


def show_building(holding: Holding, wait: images.Building, *, again: bool = False) -> Desktop:
    """A desktop whose image is not there. `again`: a failed build is tried anew by the next step."""
    shown = convert.desktop(holding, doing=wait.doing, progress=wait.progress)
    if not wait.failed:
        return replace(shown, due=shown.due and not wait.runs)
    return replace(shown, state=State.FAILED, reason=wait.failed, doing="", due=again)


def _cloned_home(tools: Tools, world: World, holding: Holding, *, token: str, image: str) -> str | None:
    """The engine's volume that the snapshot was copied into; `None`: it is being copied."""
    name, source = holding.home, holding.mark.spec.from_snapshot or ""
    assert name is not None  # the caller has looked
    kept = world.homes.get(name)
    half = next((one for one in kept.generations if one.copy == token), None) if kept else None
    number = half.number if half else kept.next_number if kept else 1
    volume = name.volume(number)
    if world.snapshot(source) is None and token not in world.done:
        raise NotFound(f"The snapshot {source} is gone.", advice="Destroy the desktop and make it anew.")
    if half is None:
        tools.ledger.make_volumes({volume: name.labels(holding.key, number) | {names.COPY: token}})
    whole = copying.step(tools, world, holding, token=token, source=source, target=volume, image=image)
    return volume if whole else None
