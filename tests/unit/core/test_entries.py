"""Entry points, read without the standard library's slow way."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from vdictl.core.entries import entry_points


@pytest.mark.parametrize("group", ["console_scripts", "pytest11", "nobody.has.this"])
def test_it_reads_what_the_standard_library_reads(group: str) -> None:
    theirs: dict[str, str] = {}
    for point in metadata.entry_points(group=group):
        theirs.setdefault(point.name, point.value.partition("[")[0].strip())
    ours = entry_points(group)
    assert ours.keys() == theirs.keys()
    assert bool(ours) == (group != "nobody.has.this")
    assert {name: value for name, value in ours.items() if theirs[name] != value} == {}


def test_the_first_folder_wins_and_nonsense_is_passed_over(tmp_path: Path) -> None:
    for folder, value in (("one", "first"), ("two", "second")):
        info = tmp_path / folder / "x-1.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(f"[other]\ny = no\n[g]\n# c = d\nx = {value} [extra]\nbroken\n")
    (tmp_path / "one" / "y-1.dist-info").mkdir()
    (tmp_path / "one" / "y-1.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[g]")
    folders = [str(tmp_path / name) for name in ("nowhere", "one", "two")]
    assert entry_points("g", folders) == {"x": "first"}
