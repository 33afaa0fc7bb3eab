"""Local files as a tar stream: any name, permissions and symlinks kept, sockets and devices left out."""

from __future__ import annotations

import os
import stat
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from vdictl.contract.errors import Invalid, NotFound, VdictlError

_BUFFER: Final = 1 << 20
Progress = Callable[[int, int | None], None]  #: bytes done, bytes in all where known


class Outlet:
    """The way into a command's stdin; after `abandon` nothing goes through any more."""

    def __init__(self, pipe: IO[bytes]) -> None:
        """`pipe` blocks, and is not buffered."""
        self._pipe: IO[bytes] | None = pipe

    def write(self, data: bytes) -> int:
        """Write all of it; `BrokenPipeError` if nobody reads."""
        view = memoryview(data)
        while view and self._pipe is not None:
            view = view[self._pipe.write(view) :]
        return len(data)

    def abandon(self) -> None:
        """Let go of the pipe without closing it."""
        self._pipe = None


@dataclass
class Packing:
    """What is to be sent, looked at before the first byte goes."""

    source: str
    name: str  #: what it is called at a target that is a folder; "" where its contents are meant
    path: str  #: the source with its own last symlink followed
    folder: bool
    mode: int
    total: int = 0  #: bytes of contents
    files: int = 0
    skipped: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What the receiving script is told."""
        return ("folder" if self.name else "contents") if self.folder else "file"

    def send(self, out: Outlet, progress: Progress) -> int:
        """Write the archive, with the member `done` at its end. Gives the bytes of contents back.

        Raises:
            VdictlError: a file became shorter or vanished while it was read.
        """
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            progress(sent, self.total)

        archive = _archive(out)
        try:
            for path, name in self._entries():
                _add(archive, path, name, count)
            archive.addfile(tarfile.TarInfo("done"))
            archive.close()
        except BaseException:
            out.abandon()  # or the archive would flush what it holds, and perhaps stand still doing so
            raise
        return sent

    def look(self) -> None:
        """Count, and find out what cannot be sent."""
        for path, _ in self._entries():
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                self.total += status.st_size
                self.files += 1
                if not os.access(path, os.R_OK):
                    raise VdictlError(f"{_shown(path)} cannot be read.", advice="Nothing was copied.")
            elif not (stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)):
                self.skipped.append(f"{_shown(path)}: neither file, folder nor symlink")

    def _entries(self) -> Iterator[tuple[str, str]]:
        yield self.path, "x"
        if self.folder:
            yield from _below(self.path, "x")


def packing(source: str) -> Packing:
    """Look at a local path. A symlink named here is followed; those below a folder are kept.

    Raises:
        NotFound: it is not there. Invalid: it is neither file nor folder. VdictlError: it cannot be read.
    """
    try:
        path = os.path.realpath(source)
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"{_shown(source)} is not there.") from error
    except (OSError, ValueError) as error:
        raise VdictlError(f"{_shown(source)} cannot be read.", details=str(error)) from error
    folder = stat.S_ISDIR(mode)
    if not folder and not stat.S_ISREG(mode):
        raise Invalid(f"{_shown(source)} is neither a file nor a folder.", advice="Use `-` to copy a stream.")
    if not folder and source.endswith("/"):
        raise NotFound(f"{_shown(source)} is a file, no folder.")
    found = Packing(source=source, name=base_name(source), path=path, folder=folder, mode=stat.S_IMODE(mode))
    try:
        found.look()
    except OSError as error:
        raise VdictlError(f"{_shown(source)} cannot be read.", details=str(error)) from error
    return found


def base_name(path: str) -> str:
    """What a copy of the path is called; "" where its contents are meant: `dir/.`, `..`, `/`, `~` and nothing."""
    last = path.rstrip("/").rpartition("/")[2]
    return "" if last in ("", ".", "..") or path in ("~", "~/") else last


def _below(folder: str, name: str) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        inner = f"{name}/{entry.name}"
        yield entry.path, inner
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, inner)


def _archive(out: Outlet) -> tarfile.TarFile:
    settings: dict[str, Any] = {"copybufsize": _BUFFER}  # not in the stubs
    return tarfile.open(
        fileobj=cast("IO[bytes]", out),
        mode="w|",
        bufsize=_BUFFER,
        format=tarfile.GNU_FORMAT,  # names as raw bytes, of any length
        encoding=sys.getfilesystemencoding(),
        errors="surrogateescape",
        **settings,
    )


def _add(archive: tarfile.TarFile, path: str, name: str, count: Callable[[int], None]) -> None:
    try:
        member = archive.gettarinfo(path, name)
    except OSError as error:
        raise VdictlError(f"{_shown(path)} vanished while it was copied.", details=str(error)) from error
    if member is None or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return  # `look` has said so
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    if name == "x" and member.isdir():
        member.mode |= 0o700  # it is renamed inside, which takes the right to write; its own mode comes afterwards
    if not member.isreg():
        archive.addfile(member)
        return
    try:
        with Path(path).open("rb") as file:
            archive.addfile(member, _Counted(file, count))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise VdictlError(f"{_shown(path)} changed while it was copied.", details=str(error)) from error


class _Counted:
    """A file that tells how much of it has been read."""

    def __init__(self, file: IO[bytes], count: Callable[[int], None]) -> None:
        self._file, self._count = file, count

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._count(len(data))
        return data


def _shown(path: str) -> str:
    """A path for people: no control characters, no broken characters."""
    return "".join(c if c.isprintable() else "?" for c in path)
