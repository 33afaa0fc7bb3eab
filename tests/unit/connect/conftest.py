"""Two sides of a copy: a folder here, and a folder that is the home of a desktop."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vdictl.connect import copying
from vdictl.contract.model import Command


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The desktop's home."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """This machine's side."""
    path = tmp_path / "here"
    path.mkdir()
    return path


@pytest.fixture
def run(home: Path) -> copying.Exec:
    """The desktop's `exec`: begins in the home."""
    return lambda argv: Command(
        argv=("env", "-C", str(home), *argv), environment={"HOME": str(home), "PATH": os.defpath}
    )
