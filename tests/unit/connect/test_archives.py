"""Archives of homes: what may be in one arrives as it was, what may not is refused, and half of one is none."""

from __future__ import annotations

import gzip
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vdictl.connect.archives import Contents, load, save
from vdictl.contract.errors import Invalid, NotFound, QuotaExceeded, Unavailable, VdictlError
from vdictl.contract.model import Command


def command(script: str, *arguments: str) -> Command:
    return Command(argv=("sh", "-c", script, "sh", *arguments))


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", **more: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, more.get("mode", 0o644)
    info.uid = info.gid = more.get("owner", 1000)
    info.size = more.get("size", 0)
    return info


def packed(*members: tarfile.TarInfo) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for each in members:
            tar.addfile(each, io.BytesIO(b"x" * each.size))
    return into.getvalue()


def put(into: Path, archive: bytes) -> Contents:
    """Load an archive into the file `into`."""
    return load(command('cat >"$1"', str(into)), io.BytesIO(archive), progress=lambda _: None)


def listed(file: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(file) as tar:
        return tar.getmembers()


def test_what_a_home_holds_arrives_as_it_was(tmp_path: Path) -> None:
    given = [
        member("./", tarfile.DIRTYPE, mode=0o700),
        member("./run", mode=0o4755, owner=0, size=3),
        member("./.config", tarfile.DIRTYPE, mode=0o750),
        member("./.config/link", tarfile.SYMTYPE, "/usr/share/x"),
        member("./hard", tarfile.LNKTYPE, "./run"),
        member("./pipe", tarfile.FIFOTYPE),
        member("./" + "long/" * 60 + "name", size=2000),
        member("./a\udcffb"),
    ]
    told = put(tmp_path / "out.tar", packed(*given))
    there = listed(tmp_path / "out.tar")
    assert (told.files, told.bytes) == (3, 2003)
    assert [m.name for m in there] == [m.name.removeprefix("./").strip("/") or "." for m in given]
    assert [(m.mode, m.uid, m.type) for m in there] == [(m.mode, m.uid, m.type) for m in given]
    assert (there[3].linkname, there[4].linkname) == ("/usr/share/x", "run")


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: data + b"rubbish behind the end"])
def test_compressed_ones_are_understood_and_what_follows_is_not_read(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    put(tmp_path / "out.tar", pack(packed(member("a", size=9))))
    assert [m.name for m in listed(tmp_path / "out.tar")] == ["a"]


HOSTILE = {
    "absolute": [member("/etc/passwd")],
    "up": [member("a/../../b")],
    "device": [member("sda", tarfile.BLKTYPE)],
    "terminal": [member("tty", tarfile.CHRTYPE)],
    "behind a symlink": [member("l", tarfile.SYMTYPE, "/etc"), member("l/passwd")],
    "behind a symlink, deep": [member("a/l", tarfile.SYMTYPE, ".."), member("a/l/b", tarfile.DIRTYPE)],
    "hard link out": [member("h", tarfile.LNKTYPE, "/etc/shadow")],
    "hard link up": [member("h", tarfile.LNKTYPE, "../x")],
    "hard link through": [member("l", tarfile.SYMTYPE, "/etc"), member("h", tarfile.LNKTYPE, "l/shadow")],
    "a file for a home": [member(".", size=4)],
    "odd kind": [member("x", b"Z")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_ones_are_refused_before_the_member_is_passed_on(tmp_path: Path, name: str) -> None:
    *good, bad = HOSTILE[name]
    with pytest.raises(Invalid) as caught:
        put(tmp_path / "out.tar", packed(*good, bad))
    assert "holds what no home may hold" in caught.value.brief
    assert bad.name.encode() + b"\0" not in (tmp_path / "out.tar").read_bytes()


def test_a_folder_that_takes_the_place_of_a_symlink_is_one(tmp_path: Path) -> None:
    put(tmp_path / "out.tar", packed(member("d", tarfile.SYMTYPE, "/etc"), member("d", tarfile.DIRTYPE), member("d/f")))
    assert len(listed(tmp_path / "out.tar")) == 3


#: In headers, in contents, between members: of two members of 600 bytes each.
CUTS = (0, 1, 511, 512, 700, 1536, 2048, 3071, 3072)


@pytest.mark.parametrize("length", CUTS)
def test_one_that_breaks_off_is_refused(tmp_path: Path, length: int) -> None:
    for pack in (bytes, gzip.compress):
        whole = pack(packed(member("a", size=600), member("b", size=600))[:length])
        with pytest.raises(Invalid):
            put(tmp_path / "out.tar", whole)
    compressed = gzip.compress(packed(member("a", size=600)))
    with pytest.raises(Invalid):
        put(tmp_path / "out.tar", compressed[: len(compressed) // 2])


def test_rubbish_is_no_archive(tmp_path: Path) -> None:
    for given in (b"hello", b"\0" * 5, bytes(range(256)) * 8):
        with pytest.raises(Invalid):
            put(tmp_path / "out.tar", given)


def test_what_the_other_side_says_is_told() -> None:
    archive = io.BytesIO(packed(member("a", size=1 << 20)))
    with pytest.raises(QuotaExceeded):
        load(command("head -c 9; echo 'tar: a: No space left on device' >&2; exit 2"), archive, progress=print)
    archive.seek(0)
    with pytest.raises(VdictlError, match="provider's side failed") as caught:
        load(command("cat >/dev/null; echo oops >&2; exit 3"), archive, progress=print)
    assert caught.value.details == "oops"
    archive.seek(0)
    with pytest.raises(Unavailable):
        load(command("head -c 9 >/dev/null"), archive, progress=print)


def test_an_export_is_there_whole_and_private_or_not_at_all(tmp_path: Path) -> None:
    source = tmp_path / "source.tar"
    source.write_bytes(packed(member("a", size=70_000)))
    target = tmp_path / "out" / "home.tar"
    with pytest.raises(NotFound):
        save(command('cat "$1"', str(source)), str(target), progress=lambda _: None)
    target.parent.mkdir()
    assert save(command('cat "$1"', str(source)), str(target), progress=lambda _: None) == source.stat().st_size
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(Invalid, match="no ordinary file"):
        save(command("true"), str(pipe), progress=lambda _: None)
    assert pipe.is_fifo()
    assert target.read_bytes() == source.read_bytes() and stat.S_IMODE(target.stat().st_mode) == 0o600
    for broken in ('head -c 40000 "$1"', 'cat "$1"; exit 2', "true"):
        with pytest.raises(VdictlError):
            save(command(broken, str(source)), str(target), progress=lambda _: None)
    assert target.read_bytes() == source.read_bytes() and len(list(target.parent.iterdir())) == 1
    with pytest.raises(Invalid):
        save(command("true"), str(target.parent), progress=lambda _: None)


def test_what_gnu_tar_makes_with_holes_and_odd_names_is_understood(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    with (home / "holes").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(300_000)
        file.write(b"data")
    (home / "sub" / ("n" * 200)).write_text("x")
    for form in ("gnu", "posix"):
        argv = ["tar", "-c", "--sparse", f"--format={form}", "-C", str(home), "."]
        archive = subprocess.run(argv, capture_output=True, check=True).stdout
        put(tmp_path / "out.tar", archive)
        with tarfile.open(tmp_path / "out.tar") as tar:
            content = tar.extractfile("holes")
            assert content is not None and content.read() == (home / "holes").read_bytes(), form
            assert f"sub/{'n' * 200}" in tar.getnames()
