"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.core.worlds import World, make


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One machine, one cloud, and time that moves when told."""
    yield from make(tmp_path)
