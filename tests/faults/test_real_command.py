"""The real command on the cloud in memory: SIGKILL, Ctrl-C once and twice at its calls; disks full and read-only.

`tests/generated/test_steps.py` does the same for every call and verb in one process; here are real signals, real
processes and real file systems, as a sample from a printed seed (`VDICTL_KILLS=all`: all).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.front import SECONDS, Vdictl
from tests.faults.test_local_kill import sample

DRIVER = Path(__file__).with_name("drive_command.py")
CREATE = ("create", "one", "--no-wait")
VERBS = {
    "create": CREATE,
    "stop": ("stop", "one"),
    "snapshot": ("snapshot", "create", "one", "kept"),
    "restore": ("snapshot", "restore", "one", "kept", "--yes", "-q"),
    "destroy": ("destroy", "one", "--with-volumes", "--with-snapshots"),
}
CODES = {"kill": -9, "int": 130, "int2": 130}


@pytest.fixture
def vdictl(tmp_path: Path) -> Vdictl:
    return Vdictl(tmp_path)


def driven(vdictl: Vdictl, how: str, number: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DRIVER), how, number, *words],
        cwd=vdictl.work,
        env=vdictl.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS * 3,
        check=False,
    )


def prepare(vdictl: Vdictl, verb: str) -> None:
    vdictl("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")
    if verb != "create":
        vdictl.ok(*CREATE)
    if verb == "restore":
        vdictl.ok(*VERBS["snapshot"])


@pytest.mark.parametrize("verb", VERBS)
def test_a_signal_at_any_call_and_the_same_command_again(vdictl: Vdictl, verb: str) -> None:
    prepare(vdictl, verb)
    count = vdictl.folder / "count"
    assert driven(vdictl, "count", str(count), *VERBS[verb]).returncode == 0
    every = [(how, number) for how in CODES for number in range(1, int(count.read_text()) + 1)]
    for how, number in sample(f"vdictl {verb}", every):
        where = f"{verb}, {how} at call {number}"
        prepare(vdictl, verb)
        ended = driven(vdictl, how, str(number), *VERBS[verb])
        # A second Ctrl-C after the last call meets nobody, and a Ctrl-C within the last one may come too late.
        assert ended.returncode in {CODES[how], 0 if how != "kill" else -9}, f"{where}\n{ended}"
        assert "Traceback" not in ended.stderr, f"{where}\n{ended.stderr}"
        if how == "int" and ended.returncode == 130:
            assert "Interrupted" in ended.stderr, f"{where}\n{ended.stderr}"
        again = vdictl(*VERBS[verb])
        assert again.code in {0, 4 if verb == "destroy" else 0, 9 if verb == "snapshot" else 0}, f"{where}\n{again}"
        rows = vdictl.ok("list", "-o", "json").data
        state = {"destroy": [], "stop": ["stopped"]}.get(verb, ["running"])
        assert ([r["state"] for r in rows], [r["operation"] for r in rows if r["operation"]]) == (state, []), where
        cloud = json.loads((vdictl.folder / "cloud/state.json").read_text())
        machines = [m for m in cloud["machines"].values() if m["gone"] is None]
        kept = 1 if verb in {"snapshot", "restore"} else 0
        sizes = [len(machines), len(cloud["volumes"]), len(cloud["snapshots"])]
        assert sizes == [len(state), len(state), kept], f"{where}\n{sizes}"
        torn = [line for line in (vdictl.state / "journal.jsonl").read_bytes().splitlines() if not _is_json(line)]
        assert torn == [], where


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


# -- disks ------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, *, kib: int = 256) -> Iterator[Path]:
    """A file system of its own at `folder`; the test is left out, with the reason, where none can be had."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=700", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, timeout=60, check=False) if os.geteuid() == 0 else None
    if done is None or done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip() if done else 'needs root'}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], timeout=60, check=True)


def fill(folder: Path) -> None:
    """Leave not a byte."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    with contextlib.suppress(OSError), (folder / "filler2").open("wb", buffering=0) as file:
        while file.write(b"x"):
            pass


def lives(vdictl: Vdictl) -> None:
    """A whole life, which needs nothing that is kept on this machine."""
    vdictl.ok(*CREATE)
    vdictl.ok("list")
    for verb in ("snapshot", "stop", "restore"):
        vdictl.ok(*VERBS[verb])
    vdictl.ok("create", "two", "--from-snapshot", "one/kept", "--no-wait")
    vdictl.ok("journal", "list", "-o", "json")
    vdictl.ok("config", "list")
    vdictl.ok("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots")


def test_a_full_disk_on_this_machine_stops_no_verb_and_tears_no_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "home") as home:
        vdictl = Vdictl(tmp_path)
        vdictl.ok("list")
        before = vdictl.config.read_bytes()
        fill(home)
        lives(vdictl)
        refused = vdictl("config", "set", "fleet", "x" * 30)
        assert refused.code == 5 and "No space left" in refused.err
        assert vdictl.config.read_bytes() == before
        (home / "filler").unlink()
        vdictl.ok("config", "set", "fleet", "other")
        vdictl.ok(*CREATE)
        torn = [line for line in (vdictl.state / "journal.jsonl").read_bytes().splitlines() if not _is_json(line)]
        assert len(torn) <= 1, torn  # what the full disk has cut; what came later is whole
        assert vdictl.ok("journal", "list", "-o", "json").data
        assert {p.name for p in vdictl.config.parent.iterdir()} <= {"config.toml", ".config.toml.lock"}


def test_a_home_that_cannot_be_written_stops_no_verb(tmp_path: Path) -> None:
    with small_disk(tmp_path / "home") as home:
        vdictl = Vdictl(tmp_path)
        subprocess.run(["mount", "-o", "remount,ro", str(home)], timeout=60, check=True)
        lives(vdictl)
        refused = vdictl("config", "set", "fleet", "other", "-o", "json")
        assert refused.code == 5 and "Read-only file system" in refused.error["details"]


def test_a_full_disk_for_what_a_verb_writes_leaves_no_half_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "target") as target:
        vdictl = Vdictl(tmp_path)
        vdictl.ok("create", "one")
        vdictl.ok("exec", "one", "sh", "-c", "head -c 400000 /dev/urandom > big")
        fill(target)
        before = sorted(target.iterdir())
        for words in (
            ("screenshot", "one", str(target / "picture.png")),
            ("cp", "one:big", str(target / "big")),
            ("support", str(target / "bundle.tar.gz")),
        ):
            refused = vdictl(*words)
            assert refused.code in {1, 10} and "Traceback" not in refused.err, f"{words}: {refused}"
            assert sorted(target.iterdir()) == before, words
