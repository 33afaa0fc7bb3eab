"""The local provider keeps the contract on Docker too: the same suite, with an image that needs no desktop to start.

What is done where the engines differ is run each time; all of it by `VDICTL_DOCKER=all pytest` and this file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conformance.local_world import LocalWorld
from tests.integration import local_kit
from tests.integration.engine_rooms import Room, docker_room, give_base
from vdictl.testing.conformance import ProviderSuite

pytestmark = pytest.mark.engine
SAMPLE = ("CreateTests", "PowerTests", "SnapshotTests", "VolumeTests", "InsideTests", "ResizeTests")


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with docker_room() as made:
        give_base(made)
        local_kit.tiny_image(made.engine, made.state)
        yield made


class TinyWorld(LocalWorld):
    """Desktops from the tiny image."""

    small: Mapping[str, Any] = {"image": local_kit.TinyImage().tag, "memory_mib": 256}


class TestLocalOnDocker(ProviderSuite):
    """All of the suite but `cut`, as on Podman, where that is asked for."""

    @pytest.fixture(autouse=True)
    def sampled(self, request: pytest.FixtureRequest) -> None:
        """Leaves out the themes that depend least on the engine: they run on Podman each time."""
        theme = request.function.__qualname__.partition(".")[0]
        if theme not in SAMPLE and os.environ.get("VDICTL_DOCKER") != "all":
            pytest.skip(f"{theme} run on Podman; on Docker where VDICTL_DOCKER=all")

    @pytest.fixture
    def world(self, room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorld]:
        world = TinyWorld(room.env, room.state, monkeypatch)
        yield world
        world.engine_faults.clear()
        world.sweep()
