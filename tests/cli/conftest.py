"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.front import Vdictl


@pytest.fixture
def vdictl(tmp_path: Path) -> Vdictl:
    """The command, with an empty home and an empty cloud."""
    return Vdictl(tmp_path)
