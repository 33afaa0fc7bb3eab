"""SIGKILL at every call of the engine within `volume attach`, `detach`, `create`, `export` and `import`.

As in `test_command_kill`: the real command, steps found by counting a clean run, a sample from a printed seed
(`VDICTL_KILLS=all` tries all). The same command again ends well, no content is lost, and nothing is left.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.enginetap import Tap
from tests.faults.test_command_kill import Shell, shell, tap
from tests.faults.test_local_kill import sample

__all__ = ["shell", "tap"]  # fixtures
pytestmark = pytest.mark.engine

VERBS = {
    "attach": ("volume", "attach", "work", "one"),
    "detach": ("volume", "detach", "one"),
    "create": ("volume", "create", "new"),
    "export": ("volume", "export", "work", "again.tar"),
    "import": ("volume", "import", "new", "home.tar"),
    "replace": ("volume", "import", "work", "home.tar", "--replace", "--yes"),
}


@pytest.fixture
def stage(shell: Shell, tap: Tap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A stopped desktop `one` with a note, a volume `work` with another, and its archive."""
    monkeypatch.chdir(tmp_path)
    tap.reset()
    archive(tmp_path / "home.tar", "first")
    shell("volume", "import", "work", "home.tar")
    shell("create", "one", "--flavor", "minimal", "--no-wait")
    shell("exec", "one", "--", "sh", "-c", "echo own > note")
    shell("stop", "one")
    yield shell
    shell("destroy", "one", "--with-volumes", "--ignore-not-found")
    for volume in volumes(shell):
        shell("volume", "delete", volume)


def archive(file: Path, text: str) -> None:
    note = file.with_name("note")
    note.write_text(text)
    with tarfile.open(file, "w") as tar:
        tar.add(note, "note")
    note.unlink()


def volumes(shell: Shell) -> dict[str, str | None]:
    return {one["name"]: one["desktop"] for one in json.loads(shell("volume", "list", "-o", "json"))}


def note(shell: Shell, volume: str) -> str:
    shell("volume", "export", volume, "look.tar", "-q")
    with tarfile.open("look.tar") as tar:
        file = tar.extractfile("./note")
        assert file is not None
        return file.read().decode().strip()


def back(shell: Shell) -> None:
    """As it was before the verb."""
    shell("volume", "attach", "one", "one", "--yes")
    shell("volume", "delete", "new", "--ignore-not-found")
    Path("again.tar").unlink(missing_ok=True)


def test_killed_anywhere_the_same_command_again_ends_well(stage: Shell, tap: Tap) -> None:
    every: list[tuple[str, int, str, str]] = []
    for verb, words in VERBS.items():
        tap.reset()
        stage(*words)
        calls = tap.calls()
        every += [(verb, n, when, call) for n, call in enumerate(calls, 1) for when in ("before", "after")]
        back(stage)
    before = lasting(stage)
    for verb, number, when, call in sample("vdictl volume", every):
        where = f"{verb}, killed {when} call {number}: {call}"
        tap.reset()
        tap.kill_at(number, when)
        stage(*VERBS[verb], code=None)
        tap.reset()
        assert note(stage, "one") == "own" and note(stage, "work") == "first", where
        there = volumes(stage)
        assert "new" not in there or verb in {"create", "import"}, where
        again = ("--replace", "--yes") if verb == "import" and "new" in there else ()
        stage(*VERBS[verb], *again)
        check(stage, verb, where)
        back(stage)
        assert note(stage, "one") == "own" and note(stage, "work") == "first", where
        left = lasting(stage)
        assert len(left) == len(before), f"{where}\n{left}\n{before}"
        assert not [name for name in left if ".copy." in name or ".scratch." in name], where


def lasting(shell: Shell) -> list[str]:
    """What of the fleet is there, but for marks, whose number changes."""
    return [name for name in shell.objects() if ".mark." not in name and ".done." not in name]


def check(shell: Shell, verb: str, where: str) -> None:
    """What the verb has done."""
    there = volumes(shell)
    expected = {
        "attach": {"one": None, "work": "one"},
        "detach": {"one": None, "work": None},
        "create": {"new": None, "one": "one", "work": None},
        "import": {"new": None, "one": "one", "work": None},
    }
    assert there == expected.get(verb, {"one": "one", "work": None}), where
    if verb == "import":
        assert note(shell, "new") == "first", where
    if verb == "export":
        with tarfile.open("again.tar") as tar:
            assert "./note" in tar.getnames(), where
    if verb in {"attach", "detach"}:
        shell("start", "one")
        told = shell("exec", "one", "--", "sh", "-c", "cat note 2>/dev/null || echo none").strip()
        assert told == {"attach": "first", "detach": "none"}[verb], where
        shell("stop", "one")
