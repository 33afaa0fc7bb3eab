"""The local provider keeps the contract on Docker too: the same suite, with an image that needs no desktop to start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conformance.local_world import LocalWorld
from tests.integration import local_kit
from tests.integration.engine_rooms import Room, docker_room, give_base
from vdictl.testing.conformance import ProviderSuite

pytestmark = pytest.mark.engine


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
    """All of the suite but `cut`, as on Podman."""

    @pytest.fixture
    def world(self, room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorld]:
        world = TinyWorld(room.env, room.state, monkeypatch)
        yield world
        world.engine_faults.clear()
        world.sweep()
