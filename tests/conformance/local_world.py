"""The local provider as the conformance suite sees it: a fleet of its own on a real engine, and faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pytest

from tests.integration import local_kit
from vdictl.contract import mark as marks
from vdictl.contract.model import Desktop, Image
from vdictl.contract.provider import Provider
from vdictl.engine.engine import Completed, Engine
from vdictl.engine.errors import DiskFull, EngineHung, EngineUnreachable
from vdictl.engine.objects import list_images, snapshot_of_everything
from vdictl.testing.world import World
from vdictl_local import names
from vdictl_local.errors import whole
from vdictl_local.ledger import Ledger

T = TypeVar("T")


class LookAlikes:
    """Containers and volumes with our names and without our labels, or with a part of them."""

    def __init__(self, engine: Engine, fleet: str, image: str) -> None:
        """Plant them."""
        self._engine = engine
        prefix = f"vdictl-{fleet.replace('-', '_')}-suite-"
        self._volumes = [f"{prefix}zzz.mark", f"{prefix}zzz.home.1", f"{prefix}one.home.7", f"{prefix}yyy.state.abc"]
        for name in self._volumes:
            engine.run("volume", "create", "--label", f"vdictl.fleet={fleet}", name)
        self._containers = [f"{prefix}zzz", f"{prefix}zzz.copy.abc"]
        for name in self._containers:
            engine.run("create", "--name", name, "--label", f"vdictl.fleet={fleet}", image)

    def untouched(self) -> bool:
        """All there, under the same names."""
        volumes = set(self._engine.run("volume", "ls", "--quiet").split())
        containers = set(self._engine.run("ps", "--all", "--format", "{{.Names}}").split())
        return set(self._volumes) <= volumes and set(self._containers) <= containers

    def remove(self) -> None:
        """Take them away."""
        for name in self._containers:
            self._engine.call("rm", "--force", name)
        for name in self._volumes:
            self._engine.call("volume", "rm", name)


class EngineFaults:
    """Lets calls of the engine fail as an engine fails."""

    names = frozenset({"unavailable", "reply-lost", "quota"})

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing fails yet."""
        self._armed: list[tuple[str, str]] = []
        together, alone = Engine.call_together, Engine.call

        def tapped(engine: Engine, *argvs: Sequence[str], timeout: float | None = None) -> list[Completed]:
            return self._around(argvs, lambda: together(engine, *argvs, timeout=timeout))

        def single(engine: Engine, *args: str, input: bytes | None = None, timeout: float | None = None) -> Completed:
            return self._around([args], lambda: alone(engine, *args, input=input, timeout=timeout))

        monkeypatch.setattr(Engine, "call_together", tapped)
        monkeypatch.setattr(Engine, "call", single)

    def arm(self, name: str, on: str = "any", times: int = 1) -> None:
        """As the protocol says."""
        self._armed += [(name, on)] * times

    def clear(self) -> None:
        """No more faults."""
        self._armed.clear()

    def _around(self, argvs: Sequence[Sequence[str]], call: Callable[[], T]) -> T:
        fault = self._due(argvs)
        if fault == "unavailable":
            raise EngineUnreachable("the engine does not answer", details="said by the test")
        if fault == "quota":
            raise DiskFull(argvs[0], 125, "Error: no space left on device")
        done = call()
        if fault == "reply-lost":
            raise EngineHung("no answer in time", details="said by the test")
        return done

    def _due(self, argvs: Sequence[Sequence[str]]) -> str:
        for number, (name, on) in enumerate(self._armed):
            if any(self._matches(argv, on) for argv in argvs):
                del self._armed[number]
                return name
        return ""

    def _matches(self, argv: Sequence[str], on: str) -> bool:
        listing = argv[0] in {"ps", "images"} or tuple(argv[:2]) == ("volume", "ls")
        reading = listing or "inspect" in argv[:2] or argv[0] in {"exec", "logs"}
        kinds = {
            "any": True,
            "list": listing,
            "read": reading,
            "write": not reading,
            "create": tuple(argv[:2]) == ("volume", "create"),
            "delete": "rm" in argv[:2],
        }
        return kinds[on]


class LocalWorld(World):
    """A fleet of its own on this machine's engine."""

    package = "vdictl_local"
    patience = 600.0  # the first one builds the image
    tick = 0.1
    small: Mapping[str, Any] = MappingProxyType({"flavor": "minimal", "memory_mib": 512})

    def __init__(self, environment: Mapping[str, str], state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty fleet on the engine that the environment names; skips where none answers."""
        super().__init__()
        self.environment, self.state_dir = environment, state_dir
        self.engine = local_kit.engine_or_skip(state_dir, environment=environment)
        self.faults = self.engine_faults = EngineFaults(monkeypatch)

    def open(self, *, fleet: str | None = None) -> Provider:
        """One more provider."""
        return local_kit.open_local(fleet or self.fleet, self.state_dir, self.environment)

    def raw_count(self) -> int:
        """Containers, volumes and images that bear the fleet's label and our sign."""
        return sum(len(self._raw(fleet)) for fleet in self.fleets)

    def raw_text(self) -> str:
        """All that `inspect` shows."""
        texts = []
        for fleet in self.fleets:
            for kind, name in self._raw(fleet):
                texts.append(self.engine.run(kind, "inspect", name))
        return "\n".join(texts)

    def foreign(self) -> LookAlikes:
        """Plant look-alikes."""
        return LookAlikes(self.engine, self.fleet, local_kit.tiny_image(self.engine, self.state_dir))

    def newer(self, desktop: Desktop) -> None:
        """A later generation of the mark, of a later version."""
        world = Ledger(self.engine, desktop.fleet).read()
        holding = world.holdings[desktop.key]
        data = json.loads(marks.encode(replace(holding.mark, version=marks.VERSION + 1)))
        labels = holding.who.labels("mark", holding.key) | {
            names.GENERATION: str(holding.generation + 1),
            names.MARK: names.pack(json.dumps(data | {"from": "the future"})),
        }
        name = holding.who.record(holding.key, holding.generation + 1)
        self.engine.run("volume", "create", *names.label_flags(labels), name)

    def outsider_stop(self, desktop: Desktop) -> None:
        """`podman stop`."""
        self.engine.run("stop", "--time", "5", desktop.id)

    def outsider_remove(self, desktop: Desktop) -> None:
        """`podman rm`."""
        self.engine.run("rm", "--force", desktop.id)

    def image(self, provider: Any) -> Image:
        """The tiny one: those of desktops take too long."""
        del provider
        reference = local_kit.tiny_image(self.engine, self.state_dir)
        return Image(id=reference, name="tiny", kind="custom")

    def sweep(self) -> None:
        """Remove what a failed test left, by the engine alone."""
        for fleet in self.fleets:
            for kind, name in self._raw(fleet):
                self.engine.call(kind, "rm", "--force", name)

    def _raw(self, fleet: str) -> list[tuple[str, str]]:
        containers, volumes = whole(lambda: snapshot_of_everything(self.engine, f"vdictl.fleet={fleet}"))
        images = whole(lambda: list_images(self.engine, label=f"vdictl.fleet={fleet}"))
        kinds = (("container", containers), ("volume", volumes))
        found = [(kind, one.name) for kind, some in kinds for one in some if one.labels.get("vdictl.sign") == "1"]
        return found + [("image", one.id) for one in images]
