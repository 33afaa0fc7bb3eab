"""The house itself: rooms import only whom they may, and every folder says what lives there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_rooms_import_only_whom_they_may() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_says_in_one_line_what_lives_there() -> None:
    packages = [*ROOT.glob("vdictl/**/__init__.py"), *ROOT.glob("providers/*/__init__.py")]
    assert len(packages) > 8
    silent = [str(p.relative_to(ROOT)) for p in packages if not p.read_text(encoding="utf-8").startswith('"""')]
    assert silent == []


def test_no_file_names_a_path_of_a_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no clone of the repository: git cannot list the files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [n for n in listed.split("\0") if n and (ROOT / n).is_file()]
    forbidden = ("/" + "work/", "/" + "root/", "/tmp/" + "bash_jobs")
    found = []
    for name in names:
        text = (ROOT / name).read_bytes()
        found += [(name, word) for word in forbidden if word.encode() in text and "/vendor/" not in name]
    assert found == []


def test_the_list_of_third_parties_names_the_version_that_is_shipped() -> None:
    shipped = (ROOT / "vdictl/guest/page/vendor/novnc/VERSION").read_text(encoding="utf-8").strip()
    listed = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert f"| noVNC (the library: `core/`) | {shipped} |" in listed
