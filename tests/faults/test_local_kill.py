"""SIGKILL at every call of the engine, before and after it, in each verb that changes something (`VERBS`).

Steps are found by counting a clean run. `.ci` runs a sample from a printed seed; all of them:
`VDICTL_KILLS=all pytest tests/faults/test_local_kill.py`. `VDICTL_SEED=N` repeats a sample.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from tests import sampling
from tests.faults import drive_local
from tests.faults.enginetap import Tap
from tests.integration import local_kit
from vdictl.contract.model import Desktop, State
from vdictl.engine.objects import inspect_container

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[2]
VERBS = ("create", "destroy", "snapshot", "restore", "start", "remark", "resize")
SAMPLE = 3
T = TypeVar("T")


@dataclass
class Stage:
    """A fleet, a tap, and ways to run a verb in a process that may be killed."""

    bench: local_kit.Bench
    tap: Tap

    def run(self, verb: str) -> subprocess.CompletedProcess[str]:
        """The verb in a process of its own, through the tap."""
        path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'providers'}"}
        return subprocess.run(
            [sys.executable, drive_local.__file__, verb, self.bench.fleet, self.bench.state_dir, self.bench.image],
            env=self.tap.environment({**self.bench.environment, **path}),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def clean(self, verb: str) -> list[str]:
        """The verb undisturbed; the calls it made."""
        self.tap.reset()
        done = self.run(verb)
        assert done.returncode == 0, done.stderr
        return self.tap.calls()

    def set(self, verb: str) -> None:
        """What must be there before the verb: a desktop with a file.

        For a restore also a snapshot of it; for a start its container is gone, and its end has moved before.
        """
        if verb == "create":
            return
        self.clean("create")
        self.write("first")
        if verb == "start":
            self.clean("extend")
            self.bench.engine.run("rm", "--force", drive_local.require(self.bench.open()).id)
        if verb == "restore":
            self.clean("snapshot")
            self.write("second")

    def write(self, text: str) -> None:
        local = self.bench.open()
        self.bench.sh(local, drive_local.require(local), f"echo {text} > ~/file")

    def read(self, desktop: Desktop | None = None) -> str:
        return self.hear(desktop or drive_local.require(self.bench.open()), "cat ~/file")

    def hear(self, desktop: Desktop, script: str) -> str:
        """What a script inside says; on a busy machine `podman exec` loses all of it at times, and is asked again."""
        told = ""
        for _ in range(10):
            told = told or self.bench.sh(self.bench.open(), desktop, script).strip()
        return told


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> local_kit.Bench:
    return local_kit.bench(tmp_path_factory.mktemp("state"))


@pytest.fixture
def stage(bench: local_kit.Bench, tmp_path: Path) -> Iterator[Stage]:
    fleet = local_kit.Bench(
        engine=bench.engine,
        state_dir=tmp_path / "state",
        image=bench.image,
        fleet=f"t-{secrets.token_hex(4)}",
        environment=bench.environment,
    )
    stage = Stage(fleet, Tap.make(tmp_path / "tap", bench.engine.binary))
    stage.clean("create")  # so that the engine is known and its facts are kept
    stage.clean("destroy")
    yield stage
    fleet.sweep()


def chosen(verb: str, calls: int) -> list[tuple[int, str]]:
    """Which kills to try."""
    return sample(verb, [(number, when) for number in range(1, calls + 1) for when in ("before", "after")])


def sample(what: str, every: list[T]) -> list[T]:
    """Some of them, said on stdout; all where that is asked for."""
    wanted = os.environ.get("VDICTL_KILLS", str(SAMPLE))
    if wanted == "all":
        return every
    seed = sampling.seed()
    some = sorted(random.Random(seed).sample(range(len(every)), min(int(wanted), len(every))))
    print(f"{what}: {len(some)} of {len(every)} kills, VDICTL_SEED={seed}; VDICTL_KILLS=all tries all")
    return [every[number] for number in some]


@pytest.mark.parametrize("verb", VERBS)
def test_killed_anywhere_the_next_run_finishes(stage: Stage, verb: str) -> None:
    stage.set(verb)
    calls = stage.clean(verb)
    stage.clean("destroy")
    assert stage.bench.objects() == []
    before = {one.name for one in stage.bench.state_dir.iterdir()}
    for number, when in chosen(verb, len(calls)):
        where = f"{verb}, killed {when} call {number}: {calls[number - 1]}"
        stage.set(verb)
        stage.tap.reset()
        stage.tap.kill_at(number, when)
        killed = stage.run(verb)
        assert killed.returncode == -9 or number > len(stage.tap.calls()), f"{where}\n{killed.stderr}"
        stage.tap.reset()
        check(stage, verb, where)
        again = stage.run("destroy")
        assert again.returncode == 0, f"{where}\n{again.stderr}"
        assert stage.bench.objects() == [], where
        assert {one.name for one in stage.bench.state_dir.iterdir()} == before, where


def test_an_engine_that_dies_within_a_run_is_recovered_from(stage: Stage) -> None:
    """Podman killed while it makes a container leaves parts that its own lists do not show."""
    calls = stage.clean("create")
    stage.clean("destroy")
    number = next(place for place, call in enumerate(calls, 1) if call.startswith("run "))
    every = [round(0.02 * step, 2) for step in range(1, 16)]
    for after in sample("within", every):
        where = f"the engine killed {after} s into its run"
        stage.tap.reset()
        stage.tap.kill_at(number, f"within:{after}")
        died = stage.run("create")
        stage.tap.reset()
        assert died.returncode in {0, 1} and "Traceback" not in died.stderr, f"{where}\n{died.stderr}"
        if after in every[::2]:
            check(stage, "create", where)
        again = stage.run("destroy")
        assert again.returncode == 0, f"{where}\n{again.stderr}"
        assert stage.bench.objects() == [], where
        hidden = ("--external",) if stage.bench.engine.kind == "podman" else ()
        everything = stage.bench.engine.run("ps", "--all", *hidden, "--format", "{{.Names}}")
        assert stage.bench.fleet.replace("-", "_") not in everything, where


def check(stage: Stage, verb: str, where: str) -> None:
    """What the next run must find or make, by verb."""
    if verb == "destroy":
        again = stage.run("destroy")
        assert again.returncode == 0, f"{where}\n{again.stderr}"
        assert stage.bench.objects() == [], where
        return
    again = stage.run(verb if verb in {"remark", "start"} else "create")
    assert again.returncode == 0, f"{where}\n{again.stderr}"
    local = stage.bench.open()
    (desktop,) = local.desktops()
    assert (desktop.state, desktop.operation) == (State.RUNNING, None), where
    assert inspect_container(stage.bench.engine, desktop.id).state == "running", where
    names = stage.bench.objects()
    assert len([name for name in names if name.count(".") == 0]) == 1, f"{where}: {names}"
    assert len([name for name in names if ".home." in name]) == 1, f"{where}: {names}"
    assert not [name for name in names if ".copy." in name], f"{where}: {names}"
    assert list(local.strays()) == [], where
    if verb == "snapshot":
        assert stage.read() == "first", where
        assert all(one.complete for one in local.snapshots()), where
    if verb == "remark":
        assert (desktop.name, desktop.labels, desktop.expires) == (drive_local.NEW, {"n": "1"}, drive_local.END), where
    if verb in {"remark", "start"}:
        assert stage.read(desktop) == "first", where
        told = stage.hear(desktop, "cat /var/lib/vdictl/expires")
        assert told == str(int(drive_local.END.timestamp())), f"{where}: its own timer is an old one"
    if verb == "resize":
        # Killed before the wish was written it has the old size; after it, the next run has finished it.
        asked = desktop.spec.memory_mib if desktop.spec else 0
        assert asked in {256, drive_local.RESIZED_MIB}, where
        assert desktop.facts["size"].endswith(f"{asked} MiB"), where
        assert memory_limit(stage, desktop) == asked << 20, f"{where}: the limit is not what was asked"
    if verb == "restore":
        # Killed before the wish was written nothing is restored; after it, the next run has finished it.
        assert stage.read() in {"first", "second"}, where
        stage.write("third")
        assert stage.run("create").returncode == 0, where
        assert stage.read() == "third", f"{where}: restored twice"


def memory_limit(stage: Stage, desktop: Desktop) -> int:
    """What the kernel says inside: bytes of memory that it may have."""
    files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes"
    return int(stage.hear(desktop, f"cat {files} 2>/dev/null || true").split()[0])
