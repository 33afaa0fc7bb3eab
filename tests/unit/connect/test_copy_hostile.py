"""A desktop that is not to be trusted: nothing leaves the target."""

from __future__ import annotations

import io
import stat
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vdictl.connect import copying
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Command


def evil(*members: tuple[str, bytes, str]) -> copying.Exec:
    """A desktop that sends an archive of its own making: (name, type, link target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind, target in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, target, 0o7777
            member.size = 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(b"evil"))
    code = f"import sys; sys.stdout.buffer.write(bytes.fromhex('{out.getvalue().hex()}'))"
    return lambda argv: Command(argv=(sys.executable, "-c", code))


ROOT = (".", tarfile.DIRTYPE, "")


@pytest.mark.parametrize(
    "members",
    [
        [("../out", tarfile.REGTYPE, "")],
        [("/tmp/vdictl-evil", tarfile.REGTYPE, "")],
        [("a/../../out", tarfile.REGTYPE, "")],
        [("way", tarfile.SYMTYPE, "sub"), ("way/file", tarfile.REGTYPE, "")],
        [("twice", tarfile.REGTYPE, ""), ("twice", tarfile.REGTYPE, "")],
        [("file", tarfile.REGTYPE, ""), ("file/below", tarfile.REGTYPE, "")],
        [("file", tarfile.REGTYPE, ""), ("file", tarfile.DIRTYPE, "")],
        [("file", tarfile.REGTYPE, ""), ("file", tarfile.SYMTYPE, "/etc")],
    ],
)
def test_a_hostile_desktop_is_refused(here: Path, members: list[tuple[str, bytes, str]]) -> None:
    (here / "target").mkdir()
    with pytest.raises(VdictlError):
        copying.get(evil(ROOT, *members), "dir", str(here / "target"))
    assert [path.name for path in here.rglob("*")] == ["target"]


def test_what_would_leave_is_left_out(here: Path) -> None:
    members = [
        ("absolute", tarfile.SYMTYPE, "/etc/passwd"),
        ("up", tarfile.SYMTYPE, "../../secret"),
        ("sub/up", tarfile.SYMTYPE, "../.."),
        ("sub/detour", tarfile.SYMTYPE, "x/../../y"),
        ("hard", tarfile.LNKTYPE, "./sub/up"),
        ("hard2", tarfile.LNKTYPE, "elsewhere"),
        ("device", tarfile.CHRTYPE, ""),
        ("fine", tarfile.SYMTYPE, "sub/file"),
        ("sub/fine", tarfile.SYMTYPE, "../sub/./file"),
        ("sub/file", tarfile.REGTYPE, ""),
    ]
    copied = copying.get(evil(ROOT, *members), "dir", str(here / "got"))
    assert len(copied.skipped) == 7
    assert sorted(path.name for path in (here / "got").rglob("*")) == ["file", "fine", "fine", "sub"]
    assert (here / "got" / "fine").read_text() == "evil"
    assert stat.S_IMODE((here / "got" / "sub" / "file").stat().st_mode) == 0o777  # no setuid, setgid, sticky


def test_a_file_that_comes_as_something_else(here: Path) -> None:
    for members in (
        [("./a", tarfile.SYMTYPE, "/etc/passwd")],
        [("a", tarfile.REGTYPE, ""), ("b", tarfile.REGTYPE, "")],
    ):
        with pytest.raises(VdictlError):
            copying.get(evil(*members), "a", str(here / "got"))
    assert list(here.iterdir()) == []


@pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python's tarfile has no data filter to compare")
@settings(max_examples=300, deadline=None)
@given(
    depth=st.integers(1, 3),
    steps=st.lists(st.sampled_from(["..", ".", "a", "b", ""]), min_size=1, max_size=6),
    absolute=st.booleans(),
)
def test_no_symlink_stays_that_the_data_filter_refuses(depth: int, steps: list[str], absolute: bool) -> None:
    from vdictl.connect.copy_unpack import stays

    target = ("/" if absolute else "") + "/".join(steps)
    member = tarfile.TarInfo("/".join("d" * depth))
    member.type, member.linkname = tarfile.SYMTYPE, target
    if stays(tuple("d" * depth), target):
        tarfile.data_filter(member, "/nonexistent/top")
