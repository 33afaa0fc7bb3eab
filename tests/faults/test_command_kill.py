"""The real command, killed at any call of the engine it makes, health included; many at once; outsiders.

As `test_local_kill`, one floor higher: `create` again gives one usable desktop, and `destroy --with-volumes
--with-snapshots` leaves nothing. A sample from a printed seed; `VDICTL_KILLS=all` tries all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from tests.faults.enginetap import Tap
from tests.faults.test_local_kill import chosen
from vdictl.engine.discovery import open_engine
from vdictl.engine.engine import Engine

pytestmark = pytest.mark.engine

CREATE = ("create", "one", "--flavor", "minimal")
VERBS = {
    "create": CREATE,
    "destroy": ("destroy", "one", "--with-volumes", "--with-snapshots"),
    "snapshot": ("snapshot", "create", "one", "kept"),
    "restore": ("snapshot", "restore", "one", "kept", "--yes"),
    "rename": ("rename", "one", "two"),
    "extend": ("extend", "one", "--until", "2099-01-31T18:00"),
}


@dataclass
class Shell:
    """One user at a shell, with a fleet and a state folder of his own."""

    engine: Engine
    environment: dict[str, str]
    fleet: str = field(default_factory=lambda: f"k-{uuid4().hex[:6]}")

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "vdictl", *words],
            env={**self.environment, "VDICTL_FLEET": self.fleet, "VDICTL_OWNER": "tester"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, code: int | None = 0) -> str:
        process = self.start(*words)
        out, err = process.communicate(timeout=900)
        assert code is None or process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
        return out

    def objects(self) -> list[str]:
        """Names of everything of the fleet at the engine."""
        mine = f"label=vdictl.fleet={self.fleet}"
        containers = self.engine.run("ps", "-a", "--filter", mine, "--format", "{{.Names}}")
        volumes = self.engine.run("volume", "ls", "--filter", mine, "--format", "{{.Name}}")
        images = self.engine.run("images", "--filter", mine, "--format", "{{.ID}}")
        return sorted([*containers.split(), *volumes.split(), *images.split()])

    def containers(self) -> list[str]:
        return [name for name in self.objects() if "." not in name]


@pytest.fixture
def shell(desktop_engine: dict[str, str]) -> Iterator[Shell]:
    environment = {**os.environ, **desktop_engine}
    state = Path(desktop_engine["XDG_STATE_HOME"]) / "vdictl" / "local"
    shell = Shell(open_engine(environment, state_dir=state, prefer=environment.get("VDICTL_ENGINE")), environment)
    shell("images", "build", "minimal")
    yield shell
    shell("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")
    assert shell.objects() == []


@pytest.fixture
def tap(shell: Shell, tmp_path: Path) -> Tap:
    tap = Tap.make(tmp_path / "tap", shell.engine.binary)
    shell.environment = tap.environment(shell.environment) | {"XDG_STATE_HOME": str(tmp_path / "state")}
    shell("list")  # the engine is found through the tap, and that is remembered
    return tap


def prepare(shell: Shell, verb: str) -> None:
    """What must be there before the verb."""
    if verb == "create":
        return
    shell(*CREATE)
    shell("exec", "one", "--", "sh", "-c", "echo first > file")
    if verb == "restore":
        shell(*VERBS["snapshot"])
        shell("exec", "one", "--", "sh", "-c", "echo second > file")


@pytest.mark.parametrize("verb", VERBS)
def test_killed_at_any_call_the_same_command_again_ends_well(shell: Shell, tap: Tap, verb: str) -> None:
    prepare(shell, verb)
    tap.reset()
    shell(*VERBS[verb])
    calls = tap.calls()
    shell("destroy", "--all", *VERBS["destroy"][2:], "--yes", "--ignore-not-found")
    for number, when in chosen(f"vdictl {verb}", len(calls)):
        where = f"{verb}, killed {when} call {number}: {calls[number - 1]}"
        prepare(shell, verb)
        tap.reset()
        tap.kill_at(number, when)
        shell(*VERBS[verb], code=None)
        tap.reset()
        if verb == "rename":
            shell(*VERBS["rename"], code=None)  # the first may have gone as far as the new name
            shell("wait", "two", "--for", "usable")
            (there,) = json.loads(shell("list", "-o", "json"))
            assert (there["name"], there["operation"], there["home"]) == ("two", None, "one"), where
            assert shell("exec", "two", "cat", "file") == "first\n", where
        elif verb == "extend":
            shell(*VERBS[verb])
            (there,) = json.loads(shell("list", "-o", "json"))
            assert (there["operation"], there["state"]) == (None, "running"), where
            assert there["expires"].startswith("2099-01-31T"), where
        elif verb != "destroy":
            made = json.loads(shell(*CREATE, "-o", "json"))
            assert made["usable"] is True and made["operation"] is None, where
            assert len(shell.containers()) == 1, where
            if verb == "restore":
                assert shell("exec", "one", "cat", "file") in {"first\n", "second\n"}, where
        shell("destroy", "--all", *VERBS["destroy"][2:], "--yes", "--ignore-not-found")
        assert shell.objects() == [], where


def test_twenty_creates_of_one_name_at_once_make_one_desktop(shell: Shell) -> None:
    runs = [shell.start(*CREATE, "-o", "json") for _ in range(20)]
    answers = [run.communicate(timeout=900) for run in runs]
    assert {run.returncode for run in runs} == {0}, [err for _, err in answers]
    assert len({json.loads(out)["key"] for out, _ in answers}) == 1
    assert len(shell.containers()) == 1


def test_twenty_creates_of_twenty_names_at_once_make_twenty(shell: Shell) -> None:
    runs = [shell.start("create", f"d{n}", "--flavor", "minimal", "--no-wait", "-q") for n in range(20)]
    answers = [run.communicate(timeout=900) for run in runs]
    assert {run.returncode for run in runs} == {0}, [err for _, err in answers]
    states = {one["state"] for one in json.loads(shell("list", "-o", "json"))}
    assert states == {"running"} and len(shell.containers()) == 20


def test_what_an_outsider_stops_stays_stopped_and_a_create_starts_it(shell: Shell) -> None:
    shell(*CREATE)
    shell.engine.run("kill", *shell.containers())
    (seen,) = json.loads(shell("list", "-o", "json"))
    assert seen["state"] == "stopped"
    made = json.loads(shell(*CREATE, "-o", "json"))
    assert (made["how"], made["usable"]) == ("started", True)


def test_what_an_outsider_removes_stays_so_until_a_start_makes_it_anew_with_its_home(shell: Shell) -> None:
    shell(*CREATE)
    shell("exec", "one", "--", "sh", "-c", "echo kept > file")
    shell.engine.run("rm", "--force", *shell.containers())
    shell(*CREATE, code=9)
    made = json.loads(shell("start", "one", "-o", "json"))
    assert made["usable"] is True
    assert shell("exec", "one", "cat", "file") == "kept\n"


def test_foreign_things_that_look_alike_are_not_touched(shell: Shell) -> None:
    name = f"vdictl-{shell.fleet.replace('-', '_')}-tester-one"
    shell.engine.run("volume", "create", f"{name}.home.1")
    image = json.loads(shell("images", "list", "-o", "json"))
    tag = next(one["id"] for one in image if one["name"] == "minimal")
    tag = tag if "/" in tag else shell.engine.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()[0]
    shell.engine.run("create", "--name", name, tag)
    try:
        shell(*CREATE, code=9)
        shell("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")
        assert name in shell.engine.run("ps", "-a", "--format", "{{.Names}}").split()
        assert f"{name}.home.1" in shell.engine.run("volume", "ls", "--format", "{{.Name}}").split()
    finally:
        shell.engine.run("rm", name)
        shell.engine.run("volume", "rm", f"{name}.home.1")
