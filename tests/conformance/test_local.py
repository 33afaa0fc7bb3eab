"""The local provider keeps the contract, on the real engine with the real guest of the smallest flavor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.local_world import LocalWorld
from vdictl.testing.conformance import ProviderSuite

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


class TestLocal(ProviderSuite):
    """All of the suite but `cut`: SIGKILL at each call is tests/faults/test_local_kill.py, on real processes."""

    @pytest.fixture
    def world(self, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorld]:
        world = LocalWorld(os.environ, state_dir, monkeypatch)
        yield world
        world.engine_faults.clear()
        world.sweep()
