#!/usr/bin/env python3
"""See that a wheel holds each file of the packages that git knows, manual pages, the licences, and nothing else.

Usage: python scripts/wheel_contents.py WHEEL
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = "data:"
LICENCES = ("LICENSE", "THIRD_PARTY.md")


def expected() -> set[str]:
    """The files of the packages, as they lie in a wheel."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "vdictl", "providers"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return {name.removeprefix("providers/") for name in listed if name and name != "providers/README.md"}


def shared() -> set[str]:
    """What is installed beside the packages: manual pages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed: dict[str, str] = project["tool"]["hatch"]["build"]["targets"]["wheel"].get("shared-data", {})
    return {DATA + where for where in listed.values()}


def main(wheel: str) -> int:
    """Compare; what differs is printed."""
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    of_us = {re.sub(r"^[^/]+\.data/data/", DATA, name) for name in there if ".dist-info/" not in name}
    wanted = expected() | shared()
    licences = {name for name in LICENCES if not any(n.endswith(f".dist-info/licenses/{name}") for n in there)}
    for title, names in (
        ("missing", wanted - of_us),
        ("not known to git", of_us - wanted),
        ("licence missing", licences),
    ):
        for name in sorted(names):
            print(f"{title}: {name}", file=sys.stderr)
    whole = wanted == of_us and not licences
    print(f"{len(of_us)} files" if whole else "the wheel is not whole", file=sys.stderr)
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
