"""A core on a cloud in memory whose time moves when told: what the tests of this folder stand on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vdictl.contract.errors import NotFound
from vdictl.contract.model import Command, Desktop, DesktopSpec, Endpoint, Rung
from vdictl.core.context import Context
from vdictl.core.creating import Creator, Made, Until
from vdictl.core.inputs import Inputs
from vdictl.core.inventory import Found
from vdictl.core.operating import Operator
from vdictl.testing.clock import MovableClock
from vdictl.testing.memory.base import CLOUDS
from vdictl.testing.memory.cloud import Cloud, Pace

_NUMBERS = itertools.count()


class Told:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def step(self, name: str, doing: str, *, done: float | None = None) -> None:
        self.lines.append(f"{name}: {doing}")

    def finish(self, name: str, text: str) -> None:
        self.lines.append(f"{name}: {text}")

    def warn(self, text: str) -> None:
        self.lines.append(f"warning: {text}")


@dataclass
class FakeProbes:
    """Looks that see what they are told to see."""

    handshake: bool | None = True
    frame: bool | None = True
    fatal: bool = False
    looks: int = 0

    def rfb(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> tuple[Rung, Rung]:
        self.looks += 1
        seen = Rung(name="handshake", ok=self.handshake, detail="told so", fatal=self.fatal)
        return seen, Rung(name="frame", ok=self.frame)

    def page(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> Rung:
        return Rung(name="page", ok=True)


@dataclass
class World:
    """One machine with the credentials of one cloud."""

    folder: Path
    cloud: Cloud
    name: str  #: of the cloud within this process
    settings: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    owner: str = "me"
    lag: float | None = None  #: what the manifest says of it, where that is not what is true
    probes: FakeProbes = field(default_factory=FakeProbes)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        config = self.folder / "config.toml"
        table = f'[providers.memory]\npackage = "vdictl.testing.memory"\ncloud = "{self.name}"\n'
        config.write_text(f'default_provider = "memory"\n{self.settings}\n{table}')
        self.environment = {
            "HOME": str(self.folder),
            "VDICTL_CONFIG": str(config),
            "VDICTL_ENGINE": "/nonexistent/engine",
            "PATH": "/nonexistent",
            "USER": self.owner,
            **self.environment,
        }
        self.context = Context.build(self.environment, clock=self.clock, progress=self.told)
        self.at = self.context.open("memory")
        if self.lag is not None:
            self.at = replace(self.at, manifest=replace(self.at.manifest, list_lag=self.lag))

    @property
    def clock(self) -> MovableClock:
        clock = self.cloud.clock
        assert isinstance(clock, MovableClock)
        return clock

    def another(self, **given: Any) -> World:
        """Another machine with the same credentials."""
        folder = self.folder / f"machine-{next(_NUMBERS)}"
        folder.mkdir()
        return World(folder=folder, cloud=self.cloud, name=self.name, **given)

    def spec(self, name: str = "desktop", **given: Any) -> DesktopSpec:
        return DesktopSpec(name=name, owner=self.owner, **given)

    def creator(
        self,
        name: str = "desktop",
        *,
        until: Until = Until.USABLE,
        timeout: float = 300.0,
        inputs: Inputs | None = None,
        **given: Any,
    ) -> Creator:
        spec = self.spec(name, inputs=inputs.marks(name) if inputs else {}, **given)
        return Creator(self.context, self.at, spec, self.probes, inputs=inputs, until=until, timeout=timeout)

    def create(self, name: str = "desktop", **given: Any) -> Made:
        return self.creator(name, **given).run()

    def operator(self, timeout: float = 300.0) -> Operator:
        return Operator(self.context, self.at, timeout=timeout)

    def there(self) -> list[Desktop]:
        """What a fresh look at the provider sees, whatever its lists say."""
        found = []
        for desktop in self.at.provider.desktops():
            try:
                found.append(self.at.provider.desktop(desktop.key))
            except NotFound:  # lists may lag behind
                continue
        return found

    def found(self, desktop: Desktop) -> Found:
        return Found(self.at, desktop)

    def calls(self) -> Calls:
        """Counts the calls to the cloud from here on."""
        return Calls(self.cloud)


@dataclass
class Calls:
    """The names and times of calls to the cloud."""

    cloud: Cloud
    names: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cloud.tap = self._tap

    def _tap(self, name: str, when: str) -> None:
        if when == "before":
            self.names.append(name)
            self.times.append(self.cloud.clock.now().timestamp())

    def of(self, name: str) -> list[float]:
        return [time for call, time in zip(self.names, self.times, strict=True) if call == name]


def make(folder: Path, **given: Any) -> Iterator[World]:
    """A cloud of its own, on a clock that moves when told."""
    pace = given.pop("pace", Pace(boot=3.0, task=1.0, build=10.0, page=2))
    name = f"unit-{next(_NUMBERS)}"
    cloud = CLOUDS[name] = Cloud(clock=MovableClock(), pace=pace)
    try:
        yield World(folder=folder, cloud=cloud, name=name, **given)
    finally:
        del CLOUDS[name]
