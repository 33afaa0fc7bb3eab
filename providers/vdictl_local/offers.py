"""What the provider stands on, and the verbs that only hand on: homes, sizes, images, ways inside, strays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from vdictl.contract.errors import Conflict, Invalid, Unsupported
from vdictl.contract.model import (
    Account,
    Command,
    Desktop,
    Endpoint,
    Hop,
    Image,
    Plan,
    Region,
    Stray,
    Volume,
    Work,
)
from vdictl.contract.provider import Settings
from vdictl.engine.discovery import open_engine
from vdictl_local import convert, creating, homes, images, inside, plans, shipping, snapshots, strays, transfer
from vdictl_local.errors import PROVIDER, opening
from vdictl_local.ledger import Ledger
from vdictl_local.names import HomeName
from vdictl_local.tools import Tools, require


class Offers:
    """Everything of the local provider but the life of a desktop."""

    def __init__(self, settings: Settings, *, timeout: float) -> None:
        """As `open`."""
        self._settings = settings
        self._timeout = timeout
        self._since = datetime.now(UTC)
        self._imports: dict[str, ExitStack] = {}  #: token -> its lock

    @classmethod
    def open(cls, settings: Settings, *, timeout: float) -> Self:
        """See the contract. The engine is looked for by the first verb that needs it."""
        return cls(settings, timeout=timeout)

    def close(self) -> None:
        """Imports that were not finished are nobody's from here on."""
        for token in list(self._imports):
            self._let_go(token)

    def check(self) -> Account:
        """An engine that answers is all it needs."""
        engine = self._tools.engine
        traits = engine.traits
        mode = "rootless" if traits.rootless else "with root"
        return Account(
            id=engine.kind,
            name=f"{engine.kind} {traits.version}".strip(),
            detail=f"{engine.binary}, {mode}" + (f", on {traits.remote}" if traits.remote else ""),
        )

    # -- homes, sizes, images -------------------------------------------------------------------------------------

    def volumes(self, *, measure: bool = False) -> Iterable[Volume]:
        """Homes; measured by a helper, which has to read all names in them."""
        world = self._tools.read()
        sizes = homes.measure(self._tools, world.homes.values()) if measure else {}
        found = {name: convert.home(world, one) for name, one in world.homes.items()}
        return [replace(one, size_bytes=sizes.get(name)) for name, one in found.items() if one is not None]

    def volume_create(
        self, name: str, *, owner: str, fleet: str, token: str, size_gib: int | None = None, region: str = ""
    ) -> Volume:
        """Make an empty home."""
        if size_gib is not None:
            advice = "Leave --size away: it grows as the disk has room."
            raise Unsupported("Volumes have no size of their own here.", advice=advice, provider=PROVIDER)
        if region:
            raise Invalid("This machine is the only region here.", advice="Leave --region away.", provider=PROVIDER)
        self._require_fleet(fleet)
        return homes.create(self._tools, HomeName(fleet, owner, name), token=token)

    def volume_delete(self, volume: Volume) -> None:
        """Remove a home with all its generations."""
        world = self._tools.read()
        kept = next((one for one in world.homes.values() if one.name.id == volume.id), None)
        if kept is None:
            return
        if users := world.users(kept.name):
            raise creating.home_in_use(kept.name.name, users[0])
        snapshots.remove_volumes(self._tools, world, [one.volume for one in kept.generations])

    def volume_export(self, volume: Volume) -> Command:
        """A helper that writes it as a tar."""
        return transfer.export(self._tools, volume)

    def volume_import(self, name: str, *, owner: str, fleet: str, token: str, replace: bool = False) -> Command:
        """A helper that fills a new generation. The import is locked until it is finished, dropped, or we end."""
        self._require_fleet(fleet)
        home = HomeName(fleet, owner, name)
        if token not in self._imports:
            with ExitStack() as lock:
                if not lock.enter_context(self._tools.alone(transfer.running_lock(home))):
                    raise Conflict(f"Another import into the home {name} goes on.", provider=PROVIDER)
                self._imports[token] = lock.pop_all()
        try:
            return transfer.begin(self._tools, home, token=token, replace=replace)
        except Conflict:
            self._let_go(token)
            raise

    def volume_import_finish(self, name: str, *, owner: str, fleet: str, token: str) -> Volume:
        """Let the new generation count."""
        made = transfer.finish(self._tools, HomeName(fleet, owner, name), token=token)
        self._let_go(token)
        return made

    def volume_import_drop(self, name: str, *, owner: str, fleet: str, token: str) -> None:
        """Remove the new generation."""
        transfer.drop(self._tools, HomeName(fleet, owner, name), token=token)
        self._let_go(token)

    def plans(self) -> Iterable[Plan]:
        """Sizes that fit this machine."""
        return plans.plans(self._tools.machine)

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

    def image_save(self, image: Image) -> Command:
        """The engine's archive of it."""
        return shipping.save(self._tools, image)

    def image_load(self) -> Command:
        """The engine reads such an archive."""
        return shipping.load(self._tools)

    def image_loaded(self, said: str) -> Sequence[Image]:
        """Those that hold our guest."""
        return shipping.loaded(self._tools, said)

    def image_push(self, image: Image, reference: str) -> Command:
        """The engine pushes it, with the login that it has."""
        return shipping.push(self._tools, image, reference)

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

    def _let_go(self, token: str) -> None:
        if (lock := self._imports.pop(token, None)) is not None:
            lock.close()

    def _require_fleet(self, fleet: str) -> None:
        if self._settings.fleet not in {None, fleet}:
            raise Invalid(f"This provider was opened for the fleet {self._settings.fleet}, not {fleet}.")

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
            machine=plans.Machine.of(engine.traits),
            state_dir=settings.state_dir,
            since=self._since,
        )
