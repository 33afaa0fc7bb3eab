"""The suite can be used where lists lag behind and calls take time, and the provider keeps the contract there too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from vdictl.contract.provider import Manifest
from vdictl.testing.conformance import ProviderSuite
from vdictl.testing.memory import MANIFEST
from vdictl.testing.memory.cloud import Pace
from vdictl.testing.memory.world import MemoryWorld


class LaggingWorld(MemoryWorld):
    """Three seconds until lists show a change."""

    @property
    def manifest(self) -> Manifest:
        return replace(MANIFEST, list_lag=3.0)


class TestLagging(ProviderSuite):
    """With slow calls, slow tasks, slow lists."""

    @pytest.fixture
    def world(self) -> Iterator[LaggingWorld]:
        world = LaggingWorld(Pace(lag=3.0, latency=0.1, boot=20.0, task=5.0, page=2))
        yield world
        world.close()
