"""Planted secrets, one of each kind, searched for after a whole life: streams, files, process list, tracebacks, bundle.

They are in the environment, a file of variables, a set-up script, and behind a reference of each kind in the config.
The only places where they may be are those in which they were planted, and the desktop itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.front import Result, Vdictl

PLANTED = {
    "variable": "pl4nted-in-a-variable",
    "file": "pl4nted-in-a-file-of-variables",
    "script": "pl4nted-in-a-script",
    "env": "pl4nted-behind-env",
    "ref": "pl4nted-behind-file",
    "cmd": "pl4nted-behind-cmd",
    "keyring": "pl4nted-behind-keyring",
}
SIGN = "pl4nted"
#: A provider that takes a secret, and whose bug has it in reach when it raises.
BROKEN = """
from dataclasses import replace
from vdictl.testing.memory import MANIFEST as MEMORY
MANIFEST = replace(MEMORY, name="broken", title="Broken", entry="broken.provider:Broken")
"""
BUG = """
from vdictl.testing.memory.provider import MemoryProvider
class Broken(MemoryProvider):
    @classmethod
    def open(cls, settings, *, timeout):
        token = settings.secrets["token"].reveal()
        raise RuntimeError("it broke: " + token)
"""


@pytest.fixture
def planted(vdictl: Vdictl) -> Vdictl:
    """The command on a machine where all of them are."""
    (vdictl.work / "env").write_text(f"FILED={PLANTED['file']}\n")
    (vdictl.work / "set.sh").write_text(f"echo {PLANTED['script']} > out.txt\n")
    token = vdictl.folder / "token"
    token.touch(mode=0o600)
    token.write_text(PLANTED["ref"])
    script = vdictl.folder / "give"
    script.write_text(f"#!/bin/sh\necho {PLANTED['cmd']}\n")
    script.chmod(0o700)
    packages = vdictl.folder / "packages"
    for folder, files in {
        "broken": {"__init__.py": BROKEN, "provider.py": BUG},
        "keyring": {"__init__.py": f"def get_password(service, name):\n    return {PLANTED['keyring']!r}\n"},
    }.items():
        (packages / folder).mkdir(parents=True)
        for name, text in files.items():
            (packages / folder / name).write_text(text)
    vdictl.env["PYTHONPATH"] += f":{packages}"
    vdictl.env |= {"FROM_HERE": PLANTED["variable"], "TOKEN_HERE": PLANTED["env"]}
    return vdictl


REFERENCES = {
    "env": "env:TOKEN_HERE",
    "ref": "file:{folder}/token",
    "cmd": "cmd:{folder}/give",
    "keyring": "keyring:me",
}


@contextmanager
def watching() -> Iterator[set[str]]:
    """Command lines of all processes that show a planted secret while this lasts."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    line = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                if SIGN.encode() in line:
                    seen.add(line.replace(b"\0", b" ").decode(errors="replace"))
            over.wait(0.01)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def life(vdictl: Vdictl, kind: str) -> Iterator[Result]:
    """One of each verb that could tell something, with an error of each sort among them; of one kind, to be quick."""
    if kind != "ref":
        for line in ("list", "config list -o json", "doctor -o json", "support bundle.tar.gz"):
            yield vdictl.ok(*line.split())
        return
    create = ("create", "--env", "FROM_HERE", "--env-file", "env", "--setup", "set.sh")
    yield vdictl(*create, "--dry-run", "-o", "json")
    yield vdictl.ok(*create)
    yield vdictl(*create, env={"FROM_HERE": "another"})
    assert vdictl.ok("exec", "desktop", "cat", "out.txt").out.strip() == PLANTED["script"]  # it is inside
    for line in (
        "list -o json", "show -o yaml", "show -o json", "health -o json", "logs", "restart", "config list -o json",
        "config explain providers.memory.token", "providers -o json", "doctor -o json", "snapshot create desktop kept",
        "create other --from-snapshot kept --no-wait", "journal list -o json", "create --env-file set.sh x",
        "create desktop --env NO_SUCH", "stop", "support bundle.tar.gz", "support --list",
        "destroy --all --yes --with-volumes --with-snapshots",
    ):  # fmt: skip
        yield vdictl(*line.split())


@pytest.mark.parametrize("kind", REFERENCES)
def test_what_is_secret_is_told_to_nobody(planted: Vdictl, kind: str) -> None:
    reference = REFERENCES[kind].format(folder=planted.folder)
    planted.configure(memory=f'token = "{reference}"')
    with watching() as shown:
        for result in life(planted, kind):
            assert SIGN not in result.out + result.err, result
            assert result.code != 3, result
        planted.config.write_text(
            planted.config.read_text() + f'\n[providers.broken]\npackage = "broken"\ntoken = "{reference}"\n'
        )
        bug = planted("list", "-p", "broken")
    assert bug.code == 3 and SIGN not in bug.out + bug.err
    assert shown == set()
    logs = list(planted.state.glob("bug-*.log"))
    assert len(logs) == 1 and "RuntimeError" in logs[0].read_text()
    assert found_in(planted) == set()


def found_in(planted: Vdictl) -> set[str]:
    """Files of that machine and of the cloud that hold one, except where they were planted."""
    sources = {"work/env", "work/set.sh", "token", "give", "packages/keyring/__init__.py"}
    found = set()
    for file in planted.folder.rglob("*"):
        name = str(file.relative_to(planted.folder))
        inside = name.startswith("cloud/state.json.d/machines/")  # the desktop's own disk: nobody else reads it
        if file.is_file() and not inside and "__pycache__" not in name and SIGN.encode() in file.read_bytes():
            found.add(name)
    return found - sources


def test_a_search_finds_what_was_planted(planted: Vdictl) -> None:
    """That the test above is not blind."""
    (planted.state).mkdir(parents=True)
    (planted.state / "journal.jsonl").write_text(PLANTED["env"])
    with watching() as shown:
        assert planted("create", "--env", f"A={PLANTED['variable']}", "--dry-run").code == 0
        assert os.waitpid(os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "0.5", SIGN]), 0)[1] != 0 or shown
    assert found_in(planted) == {"home/.local/state/vdictl/journal.jsonl"}
    assert any(SIGN in line for line in shown)
