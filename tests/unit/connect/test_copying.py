"""Copying both ways, through the real shell and tar of this machine in the desktop's stead."""

from __future__ import annotations

import io
import os
import random
import socket
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vdictl.connect import copy_scripts, copying
from vdictl.connect.copying import Copied
from vdictl.contract.errors import AuthFailed, Conflict, Invalid, NotFound, Partial, Unavailable, VdictlError
from vdictl.contract.model import Command

NASTY = [
    b"plain",
    b"with space",
    b"-rf",
    b"--checkpoint-action=exec=sh",
    b"new\nline",
    b"tail\n",
    b"tab\tquote'\"$(id)`id`\\0101%b%s",
    "żółć 🖥 日本".encode(),
    b"\xff\xfe not utf-8 \x80",
    b"n" * 255,
    b".hidden",
    b"*",
    b"\x01\x7f",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The desktop's home."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """This machine's side."""
    path = tmp_path / "here"
    path.mkdir()
    return path


@pytest.fixture
def run(home: Path) -> copying.Exec:
    """The desktop's `exec`: begins in the home."""
    return lambda argv: Command(
        argv=("env", "-C", str(home), *argv), environment={"HOME": str(home), "PATH": os.defpath}
    )


def tree(path: Path) -> dict[bytes, tuple[str, int, bytes]]:
    """Everything below: kind, mode and content (or target)."""
    found = {}
    for full in path.rglob("*"):
        relative, mode = os.fsencode(full.relative_to(path)), stat.S_IMODE(full.lstat().st_mode)
        if full.is_symlink():
            found[relative] = ("link", 0, os.fsencode(full.readlink()))
        elif full.is_dir():
            found[relative] = ("folder", mode, b"")
        else:
            found[relative] = ("file", mode, full.read_bytes())
    return found


def names(folder: Path) -> list[bytes]:
    return [os.fsencode(path.name) for path in folder.iterdir()]


def plant(root: Path) -> Path:
    """A folder with everything that is hard to copy and may be copied."""
    top = root / "top"
    (top / "sub" / "empty").mkdir(parents=True)
    for number, name in enumerate(NASTY):
        path = top / os.fsdecode(name)
        path.write_bytes(name * number)
        path.chmod((0o600, 0o755, 0o444, 0o640)[number % 4])
    (top / "sub" / "link").symlink_to("../plain")
    (top / "sub" / "dangling").symlink_to("nowhere")
    os.link(top / "plain", top / "sub" / "same")
    (top / "sub" / "locked").mkdir()
    (top / "sub" / "locked" / "inside").write_text("x")
    (top / "sub" / "locked").chmod(0o555)
    os.utime(top / "plain", (1_000_000_000, 1_000_000_000))
    return top


def leftovers(*roots: Path) -> list[Path]:
    return [path for root in roots for path in root.rglob(f"{copy_scripts.TEMPORARY}*")]


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


class TestTargets:
    """The rules of `cp -r`, the same in both directions."""

    @pytest.fixture(params=["put", "get"])
    def copy(self, request: pytest.FixtureRequest, run: copying.Exec, here: Path, home: Path) -> Callable[..., Copied]:
        """`copy(source, target)` by names relative to each side's root; the source's side is `self.sides[0]`."""
        self.source_root, self.target_root = (here, home) if request.param == "put" else (home, here)
        if request.param == "put":
            return lambda s, t, **kw: copying.put(run, f"{here}/{s}", t, **kw)
        return lambda s, t, **kw: copying.get(run, s, f"{here}/{t}", **kw)

    @pytest.fixture(autouse=True)
    def _sources(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "file").write_text("new")
        (self.source_root / "dir" / "deep").mkdir(parents=True)
        (self.source_root / "dir" / "deep" / "leaf").write_text("leaf")
        (self.source_root / "dir" / "both").write_text("new")

    def test_file_to_new_name(self, copy: Callable[..., Copied]) -> None:
        copy("file", "named")
        assert (self.target_root / "named").read_text() == "new"

    def test_file_into_folder(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into").mkdir()
        copy("file", "into")
        copy("file", "into/")
        assert (self.target_root / "into" / "file").read_text() == "new"

    def test_file_over_file_keeps_a_symlink_there(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "real").write_text("old")
        (self.target_root / "alias").symlink_to("real")
        copy("file", "alias")
        assert (self.target_root / "alias").is_symlink()
        assert (self.target_root / "real").read_text() == "new"

    def test_file_to_missing_folder(self, copy: Callable[..., Copied]) -> None:
        for target in ("no/such/place", "nosuch/"):
            with pytest.raises(NotFound):
                copy("file", target)

    def test_file_over_folder_of_its_name(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into" / "file").mkdir(parents=True)
        with pytest.raises(Conflict):
            copy("file", "into")

    def test_folder_to_new_name(self, copy: Callable[..., Copied]) -> None:
        for target in ("fresh", "fresh2/"):
            copy("dir", target)
            assert (self.target_root / target / "deep" / "leaf").read_text() == "leaf"

    def test_folder_into_folder_and_merge(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into" / "dir" / "deep").mkdir(parents=True, mode=0o750)
        (self.target_root / "into" / "dir" / "deep" / "kept").write_text("kept")
        (self.target_root / "into" / "dir" / "both").write_text("old")
        copy("dir", "into")
        below = self.target_root / "into" / "dir"
        assert sorted(path.name for path in below.rglob("*")) == ["both", "deep", "kept", "leaf"]
        assert (below / "both").read_text() == "new"
        assert stat.S_IMODE((below / "deep").stat().st_mode) == 0o750

    def test_contents_of_a_folder(self, copy: Callable[..., Copied]) -> None:
        self.target_root.chmod(0o751)
        copy("dir/.", ".")
        assert (self.target_root / "deep" / "leaf").read_text() == "leaf"
        assert (self.target_root / "both").read_text() == "new"
        assert stat.S_IMODE(self.target_root.stat().st_mode) == 0o751

    def test_folder_over_file(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "taken").write_text("old")
        with pytest.raises(Conflict):
            copy("dir", "taken")
        assert (self.target_root / "taken").read_text() == "old"

    def test_merge_meets_a_file_where_a_folder_should_be(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "into" / "dir").mkdir(parents=True)
        (self.target_root / "into" / "dir" / "deep").write_text("a file")
        with pytest.raises(Conflict):
            copy("dir", "into")
        assert (self.target_root / "into" / "dir" / "deep").read_text() == "a file"

    def test_merge_does_not_follow_a_symlink(self, copy: Callable[..., Copied]) -> None:
        (self.target_root / "elsewhere").mkdir()
        (self.target_root / "into" / "dir").mkdir(parents=True)
        (self.target_root / "into" / "dir" / "deep").symlink_to(self.target_root / "elsewhere")
        with pytest.raises(Conflict):
            copy("dir", "into")
        assert list((self.target_root / "elsewhere").iterdir()) == []

    def test_named_symlink_is_followed(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "alias").symlink_to("file")
        (self.source_root / "aliasdir").symlink_to("dir")
        copy("alias", "alias")
        copy("aliasdir", "aliasdir")
        assert not (self.target_root / "alias").is_symlink()
        assert (self.target_root / "alias").read_text() == "new"
        assert (self.target_root / "aliasdir" / "deep" / "leaf").is_file()

    def test_missing_source(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "dangling").symlink_to("nowhere")
        for source in ("nosuch", "dangling", "file/below"):
            with pytest.raises(NotFound):
                copy(source, "target")
        assert not (self.target_root / "target").exists()

    def test_several_sources_need_a_folder(self, copy: Callable[..., Copied]) -> None:
        with pytest.raises(NotFound):
            copy("file", "named", into=True)
        (self.target_root / "named").mkdir()
        copy("file", "named", into=True)
        assert (self.target_root / "named" / "file").is_file()

    def test_read_only_folder_keeps_its_mode(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "dir").chmod(0o555)
        copy("dir", "fresh")
        assert stat.S_IMODE((self.target_root / "fresh").stat().st_mode) == 0o555
        (self.source_root / "dir").chmod(0o755)

    def test_empty_file_and_folder(self, copy: Callable[..., Copied]) -> None:
        (self.source_root / "nothing").write_bytes(b"")
        (self.source_root / "hollow").mkdir()
        copy("nothing", "nothing")
        copy("hollow", "hollow")
        assert (self.target_root / "nothing").read_bytes() == b""
        assert list((self.target_root / "hollow").iterdir()) == []

    @pytest.fixture(autouse=True)
    def _nothing_left(self, here: Path, home: Path, _sources: None) -> object:
        yield
        assert not leftovers(here, home)


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


class Cut(io.RawIOBase):
    """Gives some bytes and then breaks, as a person's Ctrl-C does."""

    def __init__(self, size: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = size, error

    def read(self, size: int = -1) -> bytes:
        if self.left <= 0:
            raise self.error
        self.left -= size
        return b"x" * size


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


def test_a_hundred_megabytes(run: copying.Exec, here: Path, home: Path) -> None:
    block = random.Random(7).randbytes(1 << 20)
    with (here / "big").open("wb") as file:
        for _ in range(100):
            file.write(block)
    copying.put(run, str(here / "big"), "big")
    copying.get(run, "big", str(here / "back"))
    assert subprocess.run(["cmp", here / "big", home / "big"], check=False).returncode == 0
    assert subprocess.run(["cmp", here / "big", here / "back"], check=False).returncode == 0


def as_nobody(home: Path) -> copying.Exec:
    """The desktop's `exec` as a user who is not root."""
    if os.getuid() != 0:
        return lambda argv: Command(argv=("env", "-C", str(home), *argv))
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    return lambda argv: Command(argv=("env", "-C", str(home), *drop, *argv))


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
        tarfile.data_filter(member, "/nonexistent/root")


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
