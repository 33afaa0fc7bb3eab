"""The reference provider keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vdictl.testing.conformance import ProviderSuite
from vdictl.testing.memory.cloud import Pace
from vdictl.testing.memory.world import MemoryWorld


class TestMemory(ProviderSuite):
    """With every fault at hand."""

    @pytest.fixture
    def world(self) -> Iterator[MemoryWorld]:
        world = MemoryWorld(Pace(page=2))
        yield world
        world.close()
