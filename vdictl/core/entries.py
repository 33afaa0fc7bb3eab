"""Entry points of one group, read from what pip has installed.

The standard library's `importlib.metadata` does the same and imports the e-mail package for it, which costs more than
all the rest of `vdictl list`. The files have a simple form (packaging.python.org, "Entry points specification").
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def entry_points(group: str, folders: Iterable[str] | None = None) -> dict[str, str]:
    """Name -> value of each entry point; the folder that Python would look into first wins."""
    found: dict[str, str] = {}
    for folder in sys.path if folders is None else folders:
        for text in _texts(Path(folder)):
            for name, value in _read(text, group):
                found.setdefault(name, value)
    return found


def _texts(folder: Path) -> Iterator[str]:
    try:
        infos = sorted(f for f in folder.iterdir() if f.suffix in {".dist-info", ".egg-info"})
    except OSError:  # sys.path may name what is not there, or an archive
        return
    for info in infos:
        try:
            yield (info / "entry_points.txt").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue


def _read(text: str, group: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == f"[{group}]"
        elif inside and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()
