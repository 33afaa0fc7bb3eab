"""docs/write-a-provider.md is followed to the letter: its files are written, its commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "write-a-provider.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\S+\.py)\n")


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(PAGE) if found == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader's folder, with all files of the page."""
    made = tmp_path_factory.mktemp("reader")
    for text in blocks("python"):
        name = NAMED.match(text)
        assert name, f"a block of Python names no file: {text[:60]}"
        file = made / name[1]
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (made / "config").mkdir()
    (made / "config" / "vdictl.toml").write_text("".join(blocks("toml")))
    return made


def run(folder: Path, line: str) -> str:
    program, *rest = line.split()
    start = {"python": [sys.executable], "vdictl": [sys.executable, "-m", "vdictl"]}[program]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "VDICTL_OWNER": "reader"}
    environment |= {"XDG_STATE_HOME": str(folder / "state"), "VDICTL_CONFIG": str(folder / "config" / "vdictl.toml")}
    done = subprocess.run(
        [*start, *rest], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_files_of_the_page_are_those_that_it_announces(folder: Path) -> None:
    announced = set(re.findall(r"^  (\w+\.py) ", blocks("text")[0], re.MULTILINE)) | {"test_shelf.py"}
    assert {file.name for file in folder.rglob("*.py")} == announced


def test_the_provider_of_the_page_passes_the_suite(folder: Path) -> None:
    [line] = [line for text in blocks("sh") for line in text.splitlines() if "pytest" in line]
    out = run(folder, f"{line} -q -p no:cacheprovider")
    assert re.search(r"\d+ passed", out), out
    assert not re.search(r"\d+ (failed|error|xfailed)", out), out
    skipped = [line for line in out.splitlines() if line.startswith("SKIPPED")]
    assert skipped, "what is left out says why"
    assert all(re.search(r"does not list|has no|cannot arrange|takes it up", line) for line in skipped), out


def test_its_package_is_well_typed(folder: Path) -> None:
    config = folder / "mypy.ini"
    config.write_text(f"[mypy]\nstrict = True\ncache_dir = {folder / 'types'}\nmypy_path = {ROOT}\n")
    run(folder, f"python -m mypy --config-file {config} -p vdictl_shelf")


def test_the_commands_of_the_page_work(folder: Path) -> None:
    lines = [line for text in blocks("sh") for line in text.splitlines() if line.startswith("vdictl")]
    assert len(lines) == 4
    outs = [run(folder, line) for line in lines]
    assert "one" in outs[1] and "running" in outs[1]
    assert "one" not in run(folder, "vdictl list -p shelf -o json")
