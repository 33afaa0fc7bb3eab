"""The verbs of the local provider: each reads what is there, does what can be done at once, and reads again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from vdictl.contract.errors import Conflict, Invalid, NotFound
from vdictl.contract.model import (
    Desktop,
    DesktopSpec,
    Endpoint,
    Operation,
    Snapshot,
    State,
    Volume,
    Wish,
)
from vdictl_local import convert, creating, deleting, homes, images, inside, power, remarking, resizing, snapshots
from vdictl_local.errors import PROVIDER
from vdictl_local.names import Who
from vdictl_local.offers import Offers
from vdictl_local.tools import Tools, require
from vdictl_local.world import Holding, World

_Begin = Callable[[World, Holding], World | None]
_Step = Callable[[Tools, World, Holding, Operation], Desktop]
_STEPS: dict[str, _Step] = {
    "create": creating.step,
    "snapshot": snapshots.take,
    "restore": snapshots.restore,
    "remark": remarking.step,
    "resize": resizing.step,
    "attach": homes.step,
    "detach": homes.step,
    **power.STEPS,
}


class LocalProvider(Offers):
    """Desktops in containers on this machine."""

    # -- what is there --------------------------------------------------------------------------------------------

    def desktops(self) -> Iterable[Desktop]:
        """All of the fleet; two calls of the engine, and one more for an image that is being built."""
        world = self._tools.read()
        builds: dict[str, images.Building | None] = {}
        return [self._show(world, holding, builds) for holding in world.holdings.values()]

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
        creating.check_names(spec)
        with self._tools.alone(Who(spec.fleet, spec.owner, spec.name)) as alone:
            world = creating.begin(self._tools, spec, token)
            return self._next(world, token) if alone else self._show(world, require(world, token))

    def advance(self, desktop: Desktop) -> Desktop:
        """The next step of what is open."""
        with self._tools.alone(Who(desktop.fleet, desktop.owner, desktop.name)) as alone:
            world = self._tools.read()
            return self._next(world, desktop.key) if alone else self._show(world, require(world, desktop.key))

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        """Write the wish and take it away."""
        with self._tools.alone(Who(desktop.fleet, desktop.owner, desktop.name)) as alone:
            world = self._tools.read()
            if desktop.key not in world.holdings:
                return None
            world = deleting.begin(self._tools, require(world, desktop.key), also) or world
            if not alone:
                return self._show(world, require(world, desktop.key))
            try:
                return self._next(world, desktop.key)
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

    # -- mark and size --------------------------------------------------------------------------------------------

    def remark(
        self,
        desktop: Desktop,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        expires: datetime | None = None,
    ) -> Desktop:
        """Another name, other labels, another end; nothing that runs is touched."""

        def begin(world: World, holding: Holding) -> World | None:
            if self._sent_before(holding, token):
                return None
            power.require_no_other(holding)
            return remarking.begin(self._tools, world, holding, token=token, name=name, labels=labels, expires=expires)

        return self._change(desktop, begin)

    def resize(self, desktop: Desktop, spec: DesktopSpec, *, token: str) -> Desktop:
        """Other limits, in place."""

        def begin(world: World, holding: Holding) -> World | None:
            if self._sent_before(holding, token):
                return None
            del world
            power.require_no_other(holding)
            return resizing.begin(self._tools, holding, spec, token=token)

        return self._change(desktop, begin)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def snapshots(self) -> Iterable[Snapshot]:
        """All of the fleet."""
        world = self._tools.read()
        return [convert.snapshot(world, one) for one in world.kind("snapshot")]

    def snapshot_create(self, desktop: Desktop, name: str, *, token: str) -> Desktop:
        """Begin to copy the home; the desktop is paused meanwhile."""

        def begin(world: World, holding: Holding) -> World | None:
            if self._sent_before(holding, token) or snapshots.taken(world, holding, name, token):
                return None
            power.require_idle(holding)
            return self._open(holding, "snapshot", token, snapshots.arguments(world, holding, name))

        return self._change(desktop, begin)

    def snapshot_delete(self, snapshot: Snapshot) -> None:
        """Remove its volume, image and done-marker."""
        snapshots.remove(self._tools, self._tools.read(), snapshot.id)

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot, *, token: str) -> Desktop:
        """Begin to copy it into a new generation of the home; the old one goes when the new one is whole."""

        def begin(world: World, holding: Holding) -> World | None:
            if self._sent_before(holding, token) or snapshots.restored(world, holding, token):
                return None
            power.require_idle(holding)
            return self._open(holding, "restore", token, snapshots.restore_arguments(world, holding, snapshot.id))

        return self._change(desktop, begin)

    # -- homes ----------------------------------------------------------------------------------------------------

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        """Put this home into the desktop, which is off; its container is made anew."""
        return self._rehome(desktop, token, lambda world, it: homes.attach(self._tools, world, it, volume, token=token))

    def volume_detach(self, desktop: Desktop, *, token: str) -> Desktop:
        """Take its home away; an ephemeral one is in its place."""
        return self._rehome(desktop, token, lambda _, it: homes.detach(self._tools, it, token=token))

    # -- how ------------------------------------------------------------------------------------------------------

    def _change(self, desktop: Desktop, begin: _Begin) -> Desktop:
        """Read, let `begin` write what is wanted (its world is newer then), and do the first step.

        Where somebody else is at a step of this desktop the wish is written all the same: whoever comes next sees it.
        """
        with self._tools.alone(Who(desktop.fleet, desktop.owner, desktop.name)) as alone:
            world, holding = self._find(desktop)
            world = begin(world, holding) or world
            return self._next(world, desktop.key) if alone else self._show(world, require(world, desktop.key))

    def _next(self, world: World, key: str) -> Desktop:
        """Do the next step, if an operation is open."""
        holding = require(world, key)
        operation = convert.open_operation(holding)
        if operation is None or holding.mark.version not in {0, 1}:
            return self._show(world, holding)
        if operation.wish is Wish.ABSENT:
            deleting.step(self._tools, world, holding, operation)
            raise NotFound(f"The desktop {holding.who.name} is gone.", provider=PROVIDER)
        step = _STEPS.get(operation.verb)
        if step is None:
            raise Conflict(f"This vdictl knows no {operation.verb!a} of a local desktop.", provider=PROVIDER)
        return self._from_here(step(self._tools, world, holding, operation))

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
        def begin(world: World, holding: Holding) -> World | None:
            del world
            if self._sent_before(holding, token):
                return None
            power.require_idle(holding)
            shown = convert.desktop(holding)
            if shown.operation is None and shown.state in already:
                return None
            operation = power.operation(verb, holding, token=token, wish=wish, grace=grace)
            return self._tools.ledger.open(holding, operation)

        return self._change(desktop, begin)

    def _rehome(self, desktop: Desktop, token: str, write: _Begin) -> Desktop:
        def begin(world: World, holding: Holding) -> World | None:
            if self._sent_before(holding, token):
                return None
            power.require_idle(holding)
            return write(world, holding)

        return self._change(desktop, begin)

    def _find(self, desktop: Desktop) -> tuple[World, Holding]:
        world = self._tools.read()
        holding = require(world, desktop.key)
        operation = holding.mark.operation
        if operation and operation.wish is Wish.ABSENT:
            raise Conflict(f"The desktop {holding.who.name} is being destroyed.", provider=PROVIDER)
        return world, holding

    def _sent_before(self, holding: Holding, token: str) -> bool:
        operation = holding.mark.operation
        return operation is not None and operation.token == token

    def _open(self, holding: Holding, verb: str, token: str, arguments: dict[str, str]) -> World:
        running = holding.container is not None and holding.container.state in {"running", "paused"}
        wish = Wish.PRESENT if running else Wish.STOPPED  # neither a snapshot nor a restore changes it
        operation = Operation(verb=verb, token=token, wish=wish, arguments=arguments, since=datetime.now(UTC))
        return self._tools.ledger.open(holding, operation)

    def _show(self, world: World, holding: Holding, builds: dict[str, images.Building | None] | None = None) -> Desktop:
        """A desktop from the lists; of one whose image is missing, how far the build is (`builds`: those looked at)."""
        return self._from_here(self._convert(world, holding, builds))

    def _from_here(self, desktop: Desktop) -> Desktop:
        """A desktop on another machine has its port there, and not where who asks is."""
        place = self._tools.engine.traits.remote
        return convert.far(desktop, place) if place else desktop

    def _convert(self, world: World, holding: Holding, builds: dict[str, images.Building | None] | None) -> Desktop:
        operation = convert.open_operation(holding)
        if operation is None or operation.verb != "create" or holding.container is not None:
            return convert.desktop(holding)
        builds = {} if builds is None else builds
        try:
            wanted = images.recipe(world, holding.mark.spec)
        except Invalid:  # made with a flavor that this version does not have: its own error comes with the next step
            return convert.desktop(holding)
        if wanted.reference not in builds:
            builds[wanted.reference] = images.peek(self._tools, wanted)
        wait = builds[wanted.reference]
        return creating.show_building(holding, wait, again=True) if wait else convert.desktop(holding)
