"""Copying both ways, through the real shell and tar of this machine in the desktop's stead."""

from __future__ import annotations

import io
import os
import random
import socket
import stat
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.connect.copyworld import NASTY, leftovers, names, plant, tree
from vdictl.connect import copying
from vdictl.contract.errors import Conflict, Invalid, NotFound


def test_a_hard_folder_there_and_back(run: copying.Exec, here: Path, home: Path) -> None:
    top = plant(here)
    copied = copying.put(run, str(top), "there")
    assert tree(home / "there") == tree(top)
    assert (home / "there" / "plain").stat().st_mtime == 1_000_000_000
    assert (home / "there" / "plain").samefile(home / "there" / "sub" / "same")
    assert copied.files == len(NASTY) + 2
    assert copied.skipped == ()
    back = copying.get(run, "there", str(here / "back"))
    assert tree(here / "back") == tree(top)
    assert (here / "back" / "plain").stat().st_mtime == 1_000_000_000
    assert back.files == len(NASTY) + 2
    assert not leftovers(here, home)


@pytest.mark.parametrize("name", NASTY)
def test_each_nasty_name_alone(run: copying.Exec, here: Path, home: Path, name: bytes) -> None:
    text = os.fsdecode(name)
    source = f"{here}/{text}"
    Path(source).write_bytes(b"content of it")
    copying.put(run, source, text)  # as the target's own name
    assert (home / text).read_bytes() == b"content of it"
    (home / "folder").mkdir()
    copying.put(run, source, "folder")  # as a name inside
    assert names(home / "folder") == [name]
    (here / "back").mkdir()
    copying.get(run, "folder/" + text, str(here / "back"))
    assert names(here / "back") == [name]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(min_size=1, max_size=60).filter(lambda raw: b"/" not in raw and b"\0" not in raw))
def test_any_bytes_are_a_name(run: copying.Exec, here: Path, home: Path, raw: bytes) -> None:
    if raw in (b".", b"..", b"~"):
        return
    copying.put_stream(run, io.BytesIO(raw), os.fsdecode(raw))
    path = home / os.fsdecode(raw)
    assert path.read_bytes() == raw
    out = io.BytesIO()
    copying.get_stream(run, os.fsdecode(raw), out)
    assert out.getvalue() == raw
    path.unlink()


def test_home_is_understood(run: copying.Exec, here: Path, home: Path) -> None:
    (here / "file").write_text("x")
    copying.put(run, str(here / "file"), "~/named")
    copying.put(run, str(here / "file"), "~")
    copying.put(run, str(here / "file"), "")
    assert {path.name for path in home.iterdir()} == {"named", "file"}
    copying.get(run, "~", str(here / "all"))
    assert {path.name for path in (here / "all").iterdir()} == {"named", "file"}


def test_what_is_no_file_is_told_and_left_out(run: copying.Exec, here: Path, home: Path) -> None:
    for side in (here, home):
        (side / "dir").mkdir()
        os.mkfifo(side / "dir" / "pipe")
        (side / "dir" / "file").write_text("x")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(side / "dir" / "socket"))
    put = copying.put(run, str(here / "dir"), "copied")
    got = copying.get(run, "dir", str(here / "copied"))
    for copied, place in ((put, home), (got, here)):
        assert [path.name for path in (place / "copied").iterdir()] == ["file"]
        assert len(copied.skipped) == 2
    with pytest.raises(Invalid):
        copying.put(run, str(here / "dir" / "pipe"), "x")
    with pytest.raises(Invalid):
        copying.get(run, "dir/pipe", str(here / "x"))


def test_streams(run: copying.Exec, here: Path, home: Path) -> None:
    data = random.Random(5).randbytes(3_000_000) + b"\0" * 40
    seen: list[int] = []
    copied = copying.put_stream(run, io.BytesIO(data), "blob", progress=lambda done, _: seen.append(done))
    assert (home / "blob").read_bytes() == data
    assert copied.bytes == seen[-1] == len(data)
    out = io.BytesIO()
    copying.get_stream(run, "blob", out)
    assert out.getvalue() == data
    (home / "blob").chmod(0o711)
    copying.put_stream(run, io.BytesIO(b""), "blob")
    assert (home / "blob").read_bytes() == b""
    assert stat.S_IMODE((home / "blob").stat().st_mode) == 0o711
    (home / "folder").mkdir()
    (home / "folder" / "in").write_text("tarred")
    out = io.BytesIO()
    copying.get_stream(run, "folder", out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        assert "./in" in archive.getnames()
    with pytest.raises(Conflict):
        copying.put_stream(run, io.BytesIO(b"x"), "folder")
    with pytest.raises(NotFound):
        copying.put_stream(run, io.BytesIO(b"x"), "new/")
    with pytest.raises(NotFound):
        copying.get_stream(run, "nosuch", io.BytesIO())
    assert not leftovers(home)


def test_into_a_device(run: copying.Exec, here: Path, home: Path) -> None:
    (home / "file").write_text("through the pipe")
    os.mkfifo(here / "fifo")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((here / "fifo").read_text()))
    reader.start()
    copying.get(run, "file", str(here / "fifo"))
    reader.join(5)
    assert got == ["through the pipe"]


def test_progress_knows_the_whole(run: copying.Exec, here: Path, home: Path) -> None:
    top = plant(here)
    (top / "big").write_bytes(b"x" * 5_000_000)
    sizes = sum(path.lstat().st_size for path in top.rglob("*") if path.is_file() and not path.is_symlink())
    seen: list[tuple[int, int | None]] = []
    copying.put(run, str(top), "there", progress=lambda done, whole: seen.append((done, whole)))
    assert seen[-1][1] == sizes
    assert seen[-1][0] == sizes - (top / "plain").stat().st_size  # the hard link's content goes once
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    seen.clear()
    copying.get(run, "there/big", str(here / "b"), progress=lambda done, whole: seen.append((done, whole)))
    assert seen[-1] == (5_000_000, 5_000_000)


def test_a_hundred_megabytes(run: copying.Exec, here: Path, home: Path) -> None:
    block = random.Random(7).randbytes(1 << 20)
    with (here / "big").open("wb") as file:
        for _ in range(100):
            file.write(block)
    copying.put(run, str(here / "big"), "big")
    copying.get(run, "big", str(here / "back"))
    assert subprocess.run(["cmp", here / "big", home / "big"], check=False).returncode == 0
    assert subprocess.run(["cmp", here / "big", here / "back"], check=False).returncode == 0
