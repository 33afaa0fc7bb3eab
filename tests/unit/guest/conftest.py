"""A desktop's folders in a temporary place."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdictl.guest.inside import places


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that the guest writes goes under this folder; the home is `home` in it."""
    for name, value in vars(places).copy().items():
        if isinstance(value, Path) and value.is_relative_to("/run/vdictl"):
            monkeypatch.setattr(places, name, tmp_path / "run" / value.relative_to("/run/vdictl"))
        elif isinstance(value, Path) and value.is_relative_to("/var/lib/vdictl"):
            monkeypatch.setattr(places, name, tmp_path / "state" / value.relative_to("/var/lib/vdictl"))
    for folder in ("run", "state", "home"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path
