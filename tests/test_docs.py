"""Documents are run: each `vdictl` line of a `sh` block, in order, in a home and a fleet of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# write-a-provider.md has a test of its own
RUN = (
    "README.md",
    "docs/tutorial.md",
    "docs/how-to.md",
    "docs/configuration.md",
)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: A block of YAML that begins with a file's name is that file.
FILE = re.compile(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"#\s*exit (\d+)\s*$")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def lines_of(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for block in BLOCK.findall(text) for line in block.splitlines() if line.strip()]


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("vdictl/*/README.md")]


def test_every_shell_line_is_a_command_of_ours_or_a_script_that_is_there() -> None:
    for name in RUN:
        for line in lines_of(name):
            words = shlex.split(line, comments=True)
            assert words[0] == "vdictl" or (words[0] == "bash" and (ROOT / words[1]).is_file()), f"{name}: {line}"


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for page in documents():
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


@pytest.mark.engine
@pytest.mark.parametrize("name", RUN)
def test_examples_do_what_they_say(name: str, tmp_path: Path, desktop_engine: dict[str, str]) -> None:
    fleet = f"docs-{uuid.uuid4().hex[:6]}"
    environment = {**os.environ, **desktop_engine, "VDICTL_FLEET": fleet, "VDICTL_OWNER": "reader"}
    program = [sys.executable, "-m", "vdictl"]
    for file, text in FILE.findall((ROOT / name).read_text(encoding="utf-8")):
        (tmp_path / file).write_text(text)
    try:
        if name == "README.md":  # its first line, quickstart, ends with this create
            subprocess.run([*program, "create"], cwd=tmp_path, env=environment, check=True, timeout=1200)
        for line in lines_of(name):
            words = shlex.split(line, comments=True)
            if words[0] != "vdictl":
                continue
            expected = int(found[1]) if (found := EXIT.search(line)) else 0
            done = subprocess.run(
                [*program, *words[1:]],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=1200,
                check=False,
            )
            assert done.returncode == expected, f"{line}\n{done.stdout}\n{done.stderr}"
    finally:
        _tidy(program, environment)


def _tidy(program: list[str], environment: dict[str, str]) -> None:
    """Take away what a document leaves, as its reader would: desktops, then what outlives them."""
    everything = ["destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found", "-q"]
    subprocess.run([*program, *everything], env=environment, check=False, timeout=600)
    for one in _listed(program, environment, "snapshot"):
        gone = [*program, "snapshot", "delete", one["desktop_name"], one["id"], "--ignore-not-found", "-q"]
        subprocess.run(gone, env=environment, check=True, timeout=600)
    for one in _listed(program, environment, "volume"):
        subprocess.run([*program, "volume", "delete", one["name"], "-q"], env=environment, check=True, timeout=600)


def _listed(program: list[str], environment: dict[str, str], kind: str) -> list[dict[str, str]]:
    done = subprocess.run(
        [*program, kind, "list", "-o", "json"], env=environment, check=True, capture_output=True, timeout=600
    )
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found
