"""The verbs of the local provider: each reads what is there, does what can be done at once, and reads again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from vdictl.contract.errors import Conflict, Invalid, NotFound
from vdictl.contract.model import (
    Account,
    Command,
    Desktop,
    DesktopSpec,
    Endpoint,
    Hop,
    Image,
    Operation,
    Plan,
    Region,
    Snapshot,
    State,
    Stray,
    Volume,
    Wish,
    Work,
)
from vdictl.contract.provider import Settings
from vdictl.engine.discovery import open_engine
from vdictl_local import convert, creating, deleting, images, inside, plans, power, snapshots, strays
from vdictl_local.errors import PROVIDER, opening
from vdictl_local.ledger import Ledger
from vdictl_local.names import Who
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World

_Step = Callable[[Tools, World, Holding, Operation], Desktop]
_STEPS: dict[str, _Step] = {
    "create": creating.step,
    "snapshot": snapshots.take,
    "restore": snapshots.restore,
    **power.STEPS,
}


class LocalProvider:
    """Desktops in containers on this machine."""

    def __init__(self, settings: Settings, *, timeout: float) -> None:
        """As `open`."""
        self._settings = settings
        self._timeout = timeout
        self._since = datetime.now(UTC)

    @classmethod
    def open(cls, settings: Settings, *, timeout: float) -> Self:
        """See the contract. The engine is looked for by the first verb that needs it."""
        return cls(settings, timeout=timeout)

    def close(self) -> None:
        """Nothing is held open."""

    def check(self) -> Account:
        """An engine that answers is all it needs."""
        engine = self._tools.engine
        traits = engine.traits
        mode = "rootless" if traits.rootless else "with root"
        return Account(
            id=engine.kind, name=f"{engine.kind} {traits.version}".strip(), detail=f"{engine.binary}, {mode}"
        )

    # -- what is there --------------------------------------------------------------------------------------------

    def desktops(self) -> Iterable[Desktop]:
        """All of the fleet; two calls of the engine, and one more for an image that is being built."""
        world = self._tools.read()
        return [self._show(world, holding) for holding in world.holdings.values()]

    def desktop(self, key: str) -> Desktop:
        """One by its key."""
        world = self._tools.read()
        return self._show(world, require(world, key))

    def endpoints(self, desktop: Desktop) -> Sequence[Endpoint]:
        """The page and VNC."""
        return inside.endpoints(self._tools.engine, require(self._tools.read(), desktop.key))

    # -- the life of a desktop ------------------------------------------------------------------------------------

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        """Claim the name; where the image is there, all the rest too."""
        self._require_fleet(spec.fleet)
        world = creating.begin(self._tools, spec, token)
        return self._step(require(world, token).who, token)

    def advance(self, desktop: Desktop) -> Desktop:
        """The next step of what is open."""
        return self._step(Who(desktop.fleet, desktop.owner, desktop.name), desktop.key)

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        """Write the wish and take it away."""
        world = self._tools.read()
        holding = world.holdings.get(desktop.key)
        if holding is None:
            return None
        deleting.begin(self._tools, holding, also)
        try:
            return self._step(holding.who, desktop.key)
        except NotFound:
            return None

    # -- power ----------------------------------------------------------------------------------------------------

    def start(self, desktop: Desktop, *, token: str) -> Desktop:
        """Start it; make its container anew where somebody removed it."""
        return self._power("start", desktop, token=token, wish=Wish.PRESENT, already=frozenset({State.RUNNING}))

    def stop(self, desktop: Desktop, *, token: str, grace: float) -> Desktop:
        """TERM now, KILL after `grace` seconds."""
        already = frozenset({State.STOPPED})
        return self._power("stop", desktop, token=token, wish=Wish.STOPPED, already=already, grace=grace)

    def restart(self, desktop: Desktop, *, token: str) -> Desktop:
        """Stop and start."""
        return self._power("restart", desktop, token=token, wish=Wish.PRESENT)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def snapshots(self) -> Iterable[Snapshot]:
        """All of the fleet."""
        world = self._tools.read()
        return [convert.snapshot(world, one) for one in world.kind("snapshot")]

    def snapshot_create(self, desktop: Desktop, name: str, *, token: str) -> Desktop:
        """Begin to copy the home; the desktop is paused meanwhile."""
        world, holding = self._find(desktop)
        made = world.snapshot(holding.who.snapshot(name))
        if made is not None and made.labels.get("vdictl.copy") == token:
            return self._show(world, holding)  # sent twice
        if not self._is_open(holding, token):
            power.require_idle(holding)
            snapshots.check_new(world, holding, name)
            arguments = {"snapshot": name}
            if holding.container and holding.container.state == "paused":
                arguments["paused"] = "1"
            self._open(holding, "snapshot", token, self._kept_wish(holding), arguments)
        return self._step(holding.who, holding.key)

    def snapshot_delete(self, snapshot: Snapshot) -> None:
        """Remove its volume, image and done-marker."""
        snapshots.remove(self._tools, self._tools.read(), snapshot.id)

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot, *, token: str) -> Desktop:
        """Begin to copy it into a new generation of the home; the old one goes when the new one is whole."""
        world, holding = self._find(desktop)
        if snapshots.restored(world, holding, token):
            return self._show(world, holding)
        if not self._is_open(holding, token):
            power.require_idle(holding)
            arguments = snapshots.restore_arguments(world, holding, snapshot.id)
            self._open(holding, "restore", token, self._kept_wish(holding), arguments)
        return self._step(holding.who, holding.key)

    # -- homes, sizes, images -------------------------------------------------------------------------------------

    def volumes(self) -> Iterable[Volume]:
        """Homes."""
        world = self._tools.read()
        found = (convert.home(world, one) for one in world.homes.values())
        return [one for one in found if one is not None]

    def volume_delete(self, volume: Volume) -> None:
        """Remove a home with all its generations."""
        world = self._tools.read()
        kept = next((one for one in world.homes.values() if one.name.id == volume.id), None)
        if kept is None:
            return
        if users := world.users(kept.name):
            raise creating.home_in_use(kept.name.name, users[0])
        snapshots.remove_volumes(self._tools, world, [one.volume for one in kept.generations])

    def plans(self) -> Iterable[Plan]:
        """Sizes that fit this machine."""
        return plans.plans(plans.Machine.here())

    def regions(self) -> Iterable[Region]:
        """This machine is the only one."""
        return []

    def images(self) -> Iterable[Image]:
        """Flavors and what was made from them."""
        return images.listed(self._tools)

    def image_build(self, name: str, *, packages: Sequence[str] = (), retry: bool = False) -> Work:
        """Begin a build, or look at it."""
        return images.build(self._tools, name, packages=packages, retry=retry)

    def image_delete(self, image: Image) -> None:
        """Remove an image that nothing is made from."""
        images.remove(self._tools, image)

    # -- inside ---------------------------------------------------------------------------------------------------

    def exec(self, desktop: Desktop, argv: Sequence[str], *, tty: bool = False) -> Command:
        """Run a program as the desktop's user."""
        return inside.run(self._tools.engine, desktop, argv, tty=tty)

    def tunnel(self, desktop: Desktop, endpoint: Endpoint) -> Command:
        """One connection to an endpoint, through the engine."""
        return inside.tunnel(self._tools.engine, desktop, endpoint)

    def logs(self, desktop: Desktop, *, follow: bool = False, tail: int | None = None) -> Command:
        """What its process 1 wrote."""
        return inside.logs(self._tools.engine, desktop, follow=follow, tail=tail)

    def idle_seconds(self, desktop: Desktop) -> float | None:
        """Seconds since the last key or pointer event."""
        return inside.idle_seconds(self._tools.engine, require(self._tools.read(), desktop.key))

    # -- strays ---------------------------------------------------------------------------------------------------

    def strays(self) -> Iterable[Stray]:
        """What has lost its desktop."""
        return list(strays.find(self._tools, self._tools.read()))

    def stray_delete(self, stray: Stray) -> None:
        """Remove it."""
        strays.remove(self._tools, stray)

    # -- doctor ---------------------------------------------------------------------------------------------------

    def hops(self) -> Iterable[Hop]:
        """What stands between this machine and its desktops."""
        from vdictl_local import doctor  # looks at what no other verb needs

        return doctor.hops(self._settings, timeout=self._timeout)

    # -- how ------------------------------------------------------------------------------------------------------

    @cached_property
    def _tools(self) -> Tools:
        settings = self._settings
        with opening():
            engine = open_engine(
                settings.environment,
                state_dir=settings.state_dir,
                prefer=settings.values.get("engine") or None,
                timeout=self._timeout,
            )
        return Tools(
            engine=engine,
            ledger=Ledger(engine, settings.fleet),
            machine=plans.Machine.here(),
            state_dir=settings.state_dir,
            since=self._since,
        )

    def _step(self, who: Who, key: str) -> Desktop:
        """Do the next step, unless somebody else is at it or none is open."""
        with self._tools.alone(who) as alone:
            world = self._tools.read()  # only now: another may just have done a step
            holding = require(world, key)
            operation = convert.open_operation(holding)
            if not alone or operation is None or holding.mark.version not in {0, 1}:
                return self._show(world, holding)
            if operation.wish is Wish.ABSENT:
                deleting.step(self._tools, world, holding, operation)
                raise NotFound(f"The desktop {who.name} is gone.", provider=PROVIDER)
            step = _STEPS.get(operation.verb)
            if step is None:
                raise Conflict(f"This vdictl knows no {operation.verb!a} of a local desktop.", provider=PROVIDER)
            return step(self._tools, world, holding, operation)

    def _power(
        self,
        verb: str,
        desktop: Desktop,
        *,
        token: str,
        wish: Wish,
        already: frozenset[State] = frozenset(),
        grace: float = power.RESTART_GRACE,
    ) -> Desktop:
        _, holding = self._find(desktop)
        current = holding.mark.operation
        if not (current and current.token == token):
            power.require_idle(holding)
            shown = convert.desktop(holding)
            if shown.operation is None and shown.state in already:
                return shown
            operation = power.operation(verb, holding, token=token, wish=wish, grace=grace)
            self._tools.ledger.open(holding, operation)
        return self._step(holding.who, holding.key)

    def _find(self, desktop: Desktop) -> tuple[World, Holding]:
        world = self._tools.read()
        holding = require(world, desktop.key)
        operation = holding.mark.operation
        if operation and operation.wish is Wish.ABSENT:
            raise Conflict(f"The desktop {holding.who.name} is being destroyed.", provider=PROVIDER)
        return world, holding

    def _is_open(self, holding: Holding, token: str) -> bool:
        operation = holding.mark.operation
        return operation is not None and operation.token == token

    def _open(self, holding: Holding, verb: str, token: str, wish: Wish, arguments: dict[str, str]) -> None:
        operation = Operation(verb=verb, token=token, wish=wish, arguments=arguments, since=datetime.now(UTC))
        self._tools.ledger.open(holding, operation)

    def _kept_wish(self, holding: Holding) -> Wish:
        running = holding.container is not None and holding.container.state in {"running", "paused"}
        return Wish.PRESENT if running else Wish.STOPPED

    def _show(self, world: World, holding: Holding) -> Desktop:
        """A desktop from the lists; of one whose image is missing, how far the build is."""
        operation = convert.open_operation(holding)
        if operation is None or operation.verb != "create" or holding.container is not None:
            return convert.desktop(holding)
        try:
            wait = images.peek(self._tools, images.recipe(world, holding.mark.spec))
        except Invalid:
            wait = None  # made with a flavor that this version does not have: its own error comes with the next step
        return creating.show_building(holding, wait, again=True) if wait else convert.desktop(holding)

    def _require_fleet(self, fleet: str) -> None:
        if self._settings.fleet not in {None, fleet}:
            raise Invalid(f"This provider was opened for the fleet {self._settings.fleet}, not {fleet}.")
