"""The reference is what the code says, and the examples in help are command lines that vdictl takes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from vdictl.cli.app import build
from vdictl.cli.verbs import VERBS

ROOT = Path(__file__).parent.parent
EXAMPLE = re.compile(r"^Example: (.+)$", re.MULTILINE)


def commands() -> Iterator[tuple[str, Any]]:
    """Path and command of everything that can be run: `snapshot create`."""
    root = build()
    context = root.make_context("vdictl", [], resilient_parsing=True)
    for verb in VERBS:
        command = root.get_command(context, verb)
        below = getattr(command, "commands", {})
        yield from ((f"{verb} {name}", c) for name, c in below.items()) if below else [(verb, command)]


def examples() -> list[str]:
    return [line for _, command in commands() for line in EXAMPLE.findall(cleandoc(command.help or ""))]


def test_the_reference_is_what_the_code_says() -> None:
    program = [sys.executable, str(ROOT / "scripts/reference.py"), "--check"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_each_command_has_an_example() -> None:
    assert [path for path, command in commands() if not EXAMPLE.search(cleandoc(command.help or ""))] == []


def test_each_option_says_what_it_does() -> None:
    silent = [
        f"{path} {param.opts[0]}" for path, command in commands() for param in command.params if not vars(param)["help"]
    ]
    assert silent == []


@pytest.mark.parametrize("line", examples())
def test_an_example_is_a_line_that_vdictl_takes(line: str) -> None:
    line = line.partition("$(")[2].partition(")")[0] or line  # what stands in a shell's own brackets
    words = shlex.split(line, comments=True)
    mine = words[words.index("vdictl") + 1 :]
    root: Any = build()
    command, context = root, root.make_context("vdictl", mine)
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
