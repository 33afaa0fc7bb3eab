"""The reference provider's own world: a movable clock, all faults, an outsider with the vendor's tools."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vdictl.contract import mark as marks
from vdictl.contract.model import Desktop, Secret
from vdictl.contract.provider import Settings
from vdictl.testing.clock import MovableClock
from vdictl.testing.memory import faults, offer
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.base import CLOUDS
from vdictl.testing.memory.cloud import Cloud, Pace
from vdictl.testing.memory.provider import MemoryProvider
from vdictl.testing.memory.store import MemoryStore
from vdictl.testing.world import Foreign, Killed, World

TOKEN = Secret("mem-0123456789abcdef")


class MemoryFaults:
    """The cloud's faults, as the suite arms them."""

    names = frozenset(faults.FAULTS)

    def __init__(self, cloud: Cloud) -> None:
        """Of this cloud."""
        self._cloud = cloud

    def arm(self, name: str, on: str = "any", times: int = 1) -> None:
        """See `vdictl.testing.world.Faults`."""
        self._cloud.arm(name, on, times)

    def clear(self) -> None:
        """See `vdictl.testing.world.Faults`."""
        with self._cloud.store.change() as state:
            state["faults"] = []


class MemoryWorld(World):
    """A cloud of its own for each test."""

    package = "vdictl.testing.memory"
    tick = 0.5
    secrets = (TOKEN,)
    #: The class that is opened: a subclass of the reference provider, to see whether the suite bites.
    provider: type[MemoryProvider] = MemoryProvider

    def __init__(self, pace: Pace | None = None) -> None:
        """An empty cloud."""
        super().__init__()
        self.clock = MovableClock()
        self.cloud = Cloud(clock=self.clock, pace=pace, store=MemoryStore())
        with self.cloud.store.change() as state:
            state["token"] = TOKEN.reveal()
        self.faults = MemoryFaults(self.cloud)
        CLOUDS[self.fleet] = self.cloud

    def open(self, *, fleet: str | None = None) -> MemoryProvider:
        """See `World`."""
        settings = Settings(values={"cloud": self.fleet}, secrets={"token": TOKEN}, fleet=fleet or self.fleet)
        return self.provider.open(settings, timeout=10.0)

    def close(self) -> None:
        """Forget the cloud."""
        CLOUDS.pop(self.fleet, None)

    def pass_time(self, seconds: float) -> None:
        """See `World`."""
        self.clock.advance(seconds)

    def raw_count(self) -> int:
        """See `World`."""
        with self.cloud.store.change() as state:
            machines = [each for each in state["machines"].values() if each["gone"] is None]
            return len(machines) + len(state["volumes"]) + len(state["snapshots"])

    def raw_text(self) -> str:
        """See `World`."""
        with self.cloud.store.change() as state:
            return json.dumps({kind: state[kind] for kind in ("machines", "volumes", "snapshots")})

    @property
    def api(self) -> Api:
        """The vendor's own tool."""
        return Api(self.cloud, token=TOKEN.reveal())

    def outsider_stop(self, desktop: Desktop) -> None:
        """See `World`."""
        self.api.stop_machine(self.api.machine(desktop.id), "outsider")
        self.pass_time(self.cloud.pace.task)

    def outsider_remove(self, desktop: Desktop) -> None:
        """See `World`."""
        self.api.delete_machine(self.api.machine(desktop.id))
        self.pass_time(self.cloud.pace.task)

    def newer(self, desktop: Desktop) -> None:
        """See `World`."""
        raw = self.api.machine(desktop.id)
        mark = replace(marks.decode(raw["label"]), version=marks.VERSION + 1)
        self.api.label_machine(raw, label=marks.encode(mark))

    def foreign(self) -> Foreign:
        """See `World`."""
        return _LookAlikes(self)

    @contextlib.contextmanager
    def cut(self, calls: int) -> Iterator[None]:
        """See `World`."""
        done = 0

        def tap(_: str, moment: str) -> None:
            nonlocal done
            if moment == "before" and done >= calls:
                raise Killed
            done += moment == "before"

        self.cloud.tap = tap
        try:
            yield
        finally:
            self.cloud.tap = None


class _LookAlikes:
    """Machines and a disk with our names and no mark of ours."""

    def __init__(self, world: MemoryWorld) -> None:
        self._world = world
        name = f"vdictl-{world.fleet}-{world.owner}-one"
        for number, label in enumerate(("", "vdictl", '{"vdictl": true}', '{"v": 1, "name": "one"}')):
            world.api.create_machine(name=name, label=label, request=f"foreign-{number}", **_FIELDS)
        more: dict[str, Any] = {"fleet": "", "owner": "", "desktop": "", "role": "theirs"}
        world.api.create_volume(request="foreign-disk", name="one", **more)
        self._before = self._now()

    def _now(self) -> str:
        with self._world.cloud.store.change() as state:
            foreign = [state[kind].get(state["tokens"][request]) for request, kind in _KINDS.items()]
            return json.dumps(foreign)

    def untouched(self) -> bool:
        return self._now() == self._before

    def remove(self) -> None:
        with self._world.cloud.store.change() as state:
            for request, kind in _KINDS.items():
                state[kind].pop(state["tokens"][request], None)


_FIELDS: dict[str, Any] = {
    "plan": offer.PLANS[0]["id"],
    "image": "xfce",
    "region": "here",
    "home": "one",
    "expires": None,
}
_KINDS = {**{f"foreign-{number}": "machines" for number in range(4)}, "foreign-disk": "volumes"}
