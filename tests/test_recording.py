"""The recording in the README: of real commands, drawn as it was recorded, with no secret in it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CAST = (ROOT / "docs/demo.cast").read_text(encoding="utf-8")
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def screen() -> str:
    """All that was printed, without control codes."""
    return CODES.sub("", "".join(json.loads(line)[2] for line in CAST.splitlines()[1:]))


def test_it_is_an_asciicast_whose_time_goes_on() -> None:
    head, *events = [json.loads(line) for line in CAST.splitlines()]
    assert head["version"] == 2
    assert {kind for _, kind, _ in events} == {"o"}
    times = [at for at, _, _ in events]
    assert times == sorted(times)


def test_the_picture_is_drawn_from_it() -> None:
    program = [sys.executable, str(ROOT / "scripts/cast.py"), "--check"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_it_shows_the_commands_that_the_script_runs() -> None:
    script = (ROOT / "scripts/record.py").read_text(encoding="utf-8")
    commands = re.findall(
        r'^    "(vdictl .*)",$', script.partition("COMMANDS = (")[2].partition("\n)")[0], re.MULTILINE
    )
    assert len(commands) > 5
    assert [line.removeprefix("$ ") for line in screen().splitlines() if line.startswith("$ ")] == commands


def test_the_token_is_masked() -> None:
    assert "#token=***" in screen()
    for file in ("docs/demo.cast", "docs/demo.svg"):
        assert not re.search(r"token=[\w-]", (ROOT / file).read_text(encoding="utf-8"))


def test_what_the_readme_loads_is_small() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", readme)
    assert {"docs/demo.svg", "docs/desktop.png"} <= set(pictures)
    assert sum((ROOT / name).stat().st_size for name in pictures) < 300_000
