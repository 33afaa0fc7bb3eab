"""Copies that break off, find no space or have no right: nothing half is left."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from tests.unit.connect.copyworld import Cut, as_nobody, leftovers
from vdictl.connect import copying
from vdictl.contract.errors import AuthFailed, Partial, Unavailable, VdictlError
from vdictl.contract.model import Command


def test_an_interrupted_put_leaves_nothing(run: copying.Exec, here: Path, home: Path) -> None:
    (home / "old").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        copying.put_stream(run, cast(BinaryIO, Cut(1_000_000, KeyboardInterrupt())), "old")
    assert (home / "old").read_text() == "old"
    (here / "dir").mkdir()
    for name in "abc":
        (here / "dir" / name).write_bytes(b"x" * 600_000)

    def stop(done: int, _: int | None) -> None:
        if done >= 600_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copying.put(run, str(here / "dir"), "new", progress=stop)
    with pytest.raises(KeyboardInterrupt):
        copying.put(run, str(here / "dir" / "a"), "old", progress=stop)
    assert [path.name for path in home.iterdir()] == ["old"]
    assert (home / "old").read_text() == "old"


def test_an_interrupted_get_leaves_nothing(run: copying.Exec, here: Path, home: Path) -> None:
    (home / "dir").mkdir()
    for name in "abc":
        (home / "dir" / name).write_bytes(b"x" * 3_000_000)
    (here / "old").write_text("old")

    def stop(done: int, _: int | None) -> None:
        if done >= 2_000_000:
            raise KeyboardInterrupt

    for source, target in (("dir", "new"), ("dir/a", "old")):
        with pytest.raises(KeyboardInterrupt):
            copying.get(run, source, str(here / target), progress=stop)
    assert [path.name for path in here.iterdir()] == ["old"]
    assert (here / "old").read_text() == "old"


@pytest.mark.parametrize("cut", [0, 100, 512, 1024, 700_000, 1_100_000])
def test_an_archive_cut_anywhere_is_no_copy(here: Path, home: Path, cut: int) -> None:
    """Also between two members, where tar itself sees nothing wrong."""
    (here / "dir").mkdir()
    for name in "ab":
        (here / "dir" / name).write_bytes(b"x" * 600_000)

    def cutting(argv: Sequence[str]) -> Command:
        return Command(argv=("sh", "-c", f'head -c {cut} | "$@"', "sh", "env", "-C", str(home), *argv))

    with pytest.raises(VdictlError):
        copying.put(cutting, str(here / "dir"), "new")
    assert list(home.iterdir()) == []


def test_the_way_breaks_while_getting(run: copying.Exec, here: Path, home: Path) -> None:
    (home / "big").write_bytes(b"x" * 4_000_000)

    def broken(argv: Sequence[str]) -> Command:
        inner = run(argv)
        script = '"$@" | head -c 1000000; echo "the engine went away" >&2; exit 125'
        return Command(argv=("bash", "-c", script, "sh", *inner.argv), environment=inner.environment)

    with pytest.raises(Unavailable, match="way into the desktop") as caught:
        copying.get(broken, "big", str(here / "big"))
    assert "the engine went away" in caught.value.details
    with pytest.raises(Unavailable):
        copying.get_stream(broken, "big", io.BytesIO())
    assert list(here.iterdir()) == []


def test_no_right(here: Path, home: Path) -> None:
    for folder in (home, *home.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    run = as_nobody(home)
    (here / "file").write_text("x")
    home.chmod(0o555)
    (home / "secret").write_text("x")
    (home / "secret").chmod(0)
    with pytest.raises(AuthFailed):
        copying.put(run, str(here / "file"), "file")
    with pytest.raises(AuthFailed):
        copying.get(run, "secret", str(here / "got"))


def test_unreadable_files_are_told_and_the_rest_is_copied(here: Path, home: Path) -> None:
    for folder in (home, *home.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    (home / "dir").mkdir(mode=0o755)
    for name in ("a", "b", "c"):
        (home / "dir" / name).write_text(name)
        (home / "dir" / name).chmod(0o644)
    (home / "dir" / "b").chmod(0)
    with pytest.raises(Partial) as caught:
        copying.get(as_nobody(home), "dir", str(here / "got"))
    assert "./b" in caught.value.details
    assert sorted(path.name for path in (here / "got").iterdir()) == ["a", "c"]


def test_a_dead_copy_is_swept(run: copying.Exec, here: Path, home: Path) -> None:
    (home / "file").write_text("x")
    for root, name in ((here, ".vdictl-cp.deadbeef"), (home, ".vdictl-cp.abcdef")):
        (root / name / "x").mkdir(parents=True)
        os.utime(root / name, (1, 1))
    (here / ".vdictl-cp.youngone").mkdir()
    copying.get(run, "file", str(here / "got"))
    copying.put(run, str(here / "got"), "got")
    assert [path.name for path in leftovers(here, home)] == [".vdictl-cp.youngone"]


def test_no_program_to_reach_it() -> None:
    with pytest.raises(VdictlError) as caught:
        copying.put_stream(lambda argv: Command(argv=("no-such-engine-here", *argv)), io.BytesIO(), "x")
    assert "no-such-engine-here" in caught.value.brief


SMALL = """
import io, os, sys, tempfile
from pathlib import Path
from vdictl.connect import copying
from vdictl.contract.errors import QuotaExceeded
from vdictl.contract.model import Command

big, small = sys.argv[1:]
def run(argv):
    return Command(argv=("env", "-C", small, *argv))
def expect(what, work):
    try:
        work()
    except QuotaExceeded as error:
        print(what, "quota", error.brief)
    assert os.listdir(small) == ["old"], os.listdir(small)
    assert Path(small, "old").read_text() == "old"

Path(small, "old").write_text("old")
expect("get", lambda: copying.get(run, big, small + "/old"))
expect("get folder", lambda: copying.get(run, os.path.dirname(big), small + "/new"))
expect("put", lambda: copying.put(run, big, "old"))
expect("put stream", lambda: copying.put_stream(run, open(big, "rb"), "old"))
"""


def test_no_space_on_either_side_leaves_the_old_file(here: Path, home: Path, tmp_path: Path) -> None:
    """On a disk of one megabyte, in a mount namespace of its own."""
    (here / "big").write_bytes(b"x" * 3_000_000)
    prepare = f'mount -t tmpfs -o size=1m small "{home}"'
    if subprocess.run(["unshare", "--mount", "sh", "-c", prepare], capture_output=True, check=False).returncode != 0:
        pytest.skip("no small disk can be mounted here (needs the right to unshare and mount)")
    (tmp_path / "script.py").write_text(SMALL)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{prepare} && exec "$@"', "sh", sys.executable, tmp_path / "script.py",
         here / "big", home],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split(" quota ")[0] for line in done.stdout.splitlines()] == ["get", "get folder", "put", "put stream"]
    assert "on this machine" in done.stdout and "in the desktop" in done.stdout
