"""What the tests of the core share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.core.worlds import World, make


@pytest.fixture
def whole_world(tmp_path: Path) -> Iterator[World]:
    """One machine, one cloud, and time that moves when told."""
    yield from make(tmp_path)


@pytest.fixture
def world(whole_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, but all is well inside its desktops, without a process that is started to ask."""
    healthy = {part: {"ok": True, "detail": "well"} for part in ("display", "window_manager", "page")}
    answer = healthy | {"inputs": {"ok": True, "state": "none"}}
    monkeypatch.setattr("vdictl.core.running.answer", lambda command, *, stdin=b"", timeout: answer)
    return whole_world
