"""Help: an example for each verb, groups that a newcomer understands, `vdictl help`, and the man page."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.front import Vdictl
from tests.cli.test_schemas import commands
from vdictl.cli.app import build
from vdictl.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
MAN = ROOT / "docs/man/vdictl.1"


def test_every_verb_has_an_example_in_its_help() -> None:
    root = build()
    assert [name for name in VERBS if "Example: " not in root.get_command(None, name).help] == []


def test_help_shows_the_verbs_first_by_what_one_wants_to_do(vdictl: Vdictl) -> None:
    shown = vdictl.ok("--help").out
    assert vdictl.ok("help").out == shown
    places = [shown.index(f"\n{section}:\n") for section in dict.fromkeys(v.section for v in VERBS.values())]
    assert places == sorted(places) and places[-1] < shown.index("\nOptions:\n")
    for name, verb in VERBS.items():
        assert verb.hidden or f"\n  {name} " in shown


def test_help_of_a_verb_is_its_help(vdictl: Vdictl) -> None:
    for line in ("create", "snapshot", "snapshot restore", "help"):
        assert vdictl.ok("help", *line.split()).out == vdictl.ok(*line.split(), "--help").out, line
    assert "Did you mean create?" in vdictl("help", "crate").err
    for line in ("help crate", "help create list", "help snapshot nothing"):
        assert vdictl(*line.split()).code == 2


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_help_fits_the_terminal(vdictl: Vdictl, columns: str) -> None:
    shown = vdictl("destroy", "--help", tty=True, env={"COLUMNS": columns}).out
    assert "Example: vdictl destroy" in shown and "\033" not in shown


def test_the_man_page_tells_of_every_command() -> None:
    text = MAN.read_text(encoding="utf-8").replace("\\-", "-")
    hidden = {name for name, verb in VERBS.items() if verb.hidden}
    for path in commands():
        assert path.split()[0] in hidden or f"\n.SS vdictl {path}\n" in text, path
    assert "VDICTL_CREATE_TTL" in text


def test_the_man_page_is_well_formed() -> None:
    ways = {
        "man": ["man", "-l", "--warnings=all", str(MAN)],
        "mandoc": ["mandoc", "-T", "lint", "-W", "warning", str(MAN)],
    }
    there = [words for program, words in ways.items() if shutil.which(program)]
    if not there:
        pytest.skip("neither man nor mandoc is installed here")
    for words in there:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin"}
        )
        said = done.stderr if words[0] == "man" else done.stdout + done.stderr
        assert (done.returncode, said) == (0, ""), words


def test_the_man_page_is_what_the_code_says() -> None:
    script = "import sys; from scripts.manpage import FILE, page; sys.exit(page() != FILE.read_text(encoding='utf-8'))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, "make it anew: .venv/bin/python scripts/reference.py"
