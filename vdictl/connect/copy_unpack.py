"""A tar stream from the desktop into a folder of ours. What is in the desktop is not trusted: no path may leave.

The rules are those of `tarfile`'s data filter, and stricter where that one has had holes. The archive goes into a new
folder where nothing but this module creates anything, symlinks come last, so that nothing is ever written through one,
and no ".." is followed anywhere.
"""

from __future__ import annotations

import os
import sys
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, TypeAlias

from vdictl.contract.errors import Conflict, VdictlError

_BUFFER: Final = 1 << 20
Parts: TypeAlias = tuple[str, ...]


@dataclass
class Unpacking:
    """Unpacks below a new and private folder: the copied thing itself is `x` there."""

    count: Callable[[int], None]  #: told the size of each piece written
    begin: Callable[[tarfile.TarInfo], Path]  #: told the first member, which is what is copied; gives that folder back
    root: Path | None = None
    folder: bool = False
    files: int = 0
    skipped: list[str] = field(default_factory=list)
    _folders: dict[Parts, tarfile.TarInfo | None] = field(default_factory=dict)
    _files: set[Parts] = field(default_factory=set)
    _links: dict[Parts, str] = field(default_factory=dict)

    def take(self, stream: IO[bytes]) -> None:
        """Read the archive to its end.

        Raises:
            tarfile.TarError: it is broken or empty. VdictlError: it tries to leave. OSError: the disk's word.
        """
        with tarfile.open(
            fileobj=stream,
            mode="r|",
            bufsize=_BUFFER,
            encoding=sys.getfilesystemencoding(),
            errors="surrogateescape",
        ) as archive:
            for number, member in enumerate(archive):
                if number == 0:
                    self.folder = member.isdir()
                    self.root = self.begin(member)
                self._member(archive, member, number)
                archive.members = []  # type: ignore[attr-defined] # a stream never looks back; a home has many files
        if self.root is None:
            raise tarfile.ReadError("no member")
        for parts, target in self._links.items():
            self._path(parts).symlink_to(target)

    def folders_at(self, place: Path, existing: set[Parts]) -> None:
        """After placing: give the new folders their own mode and time, deepest first."""
        for parts, member in sorted(self._folders.items(), key=lambda item: -len(item[0])):
            if member is not None and parts not in existing:
                _finish(place.joinpath(*parts), member)

    def _path(self, parts: Parts) -> Path:
        assert self.root is not None
        return self.root.joinpath("x", *parts)

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo, number: int) -> None:
        parts = _parts(member.name) if self.folder else ()
        if not self.folder and (number or not member.isreg()):
            raise VdictlError("The desktop sent something else than one file.")
        if member.isdir():
            self._make_folder(parts, member)
            return
        self._make_parents(parts)
        if parts in self._folders or parts in self._files or parts in self._links:
            raise VdictlError("The desktop sent a name twice.", details=ascii(member.name))
        if member.isreg():
            self._write(archive, member, parts)
        elif member.islnk():
            self._link(member, parts)
        elif member.issym():
            if stays(parts, member.linkname):
                self._links[parts] = member.linkname
            else:
                self._skip(member, f"symlink that leaves what is copied ({_printable(member.linkname)})")
        else:
            self._skip(member, "neither file, folder nor symlink")

    def _make_folder(self, parts: Parts, member: tarfile.TarInfo | None) -> None:
        if parts not in self._folders:
            self._make_parents(parts)
            if parts in self._files or parts in self._links:
                raise VdictlError("The desktop sent a name twice.", details=ascii("/".join(parts)))
            self._path(parts).mkdir(0o700)
        if member is not None or parts not in self._folders:
            self._folders[parts] = member

    def _make_parents(self, parts: Parts) -> None:
        for depth in range(len(parts)):
            if parts[:depth] not in self._folders:
                self._make_folder(parts[:depth], None)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, parts: Parts) -> None:
        source = archive.extractfile(member)
        assert source is not None
        path = self._path(parts)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb", 0) as target:
            while piece := source.read(_BUFFER):
                view = memoryview(piece)
                while view:
                    view = view[target.write(view) :]
                self.count(len(piece))
        _finish(path, member)
        self._files.add(parts)
        self.files += 1

    def _link(self, member: tarfile.TarInfo, parts: Parts) -> None:
        other = _parts(member.linkname)
        if other not in self._files:
            self._skip(member, "hard link to something that is not copied")
            return
        os.link(self._path(other), self._path(parts), follow_symlinks=False)
        self._files.add(parts)
        self.files += 1

    def _skip(self, member: tarfile.TarInfo, why: str) -> None:
        self.skipped.append(f"{_printable(member.name)}: {why}")


def stays(parts: Parts, target: str) -> bool:
    """Whether a symlink at `parts` stays inside: relative, and ".." only at the beginning and not above the root.

    A ".." after a name is refused, because that name may be a symlink itself and the way up then leads elsewhere.
    """
    if not target or target.startswith("/"):
        return False
    steps = [step for step in target.split("/") if step not in ("", ".")]
    ups = 0
    while ups < len(steps) and steps[ups] == "..":
        ups += 1
    return ".." not in steps[ups:] and ups < len(parts)


def merge(new: Path, place: Path) -> set[Parts]:
    """Move everything below the folder `new` into the existing folder `place`. Gives the folders that were there.

    Each file is replaced in one step. A symlink that stands in the place of a folder is not followed.

    Raises:
        Conflict: a folder would replace a file or the reverse; found before anything is moved.
    """
    existing: set[Parts] = {()}
    moves: list[Parts] = []
    _compare(new, place, (), existing, moves)
    for parts in moves:
        new.joinpath(*parts).replace(place.joinpath(*parts))
    return existing


def _compare(new: Path, place: Path, parts: Parts, existing: set[Parts], moves: list[Parts]) -> None:
    with os.scandir(new.joinpath(*parts)) as entries:
        found = list(entries)
    for entry in found:
        inner = (*parts, entry.name)
        there = place.joinpath(*inner)
        folder, is_folder = entry.is_dir(follow_symlinks=False), there.is_dir() and not there.is_symlink()
        if folder and is_folder:
            existing.add(inner)
            _compare(new, place, inner, existing, moves)
        elif os.path.lexists(there) and folder != is_folder:
            kind = "file or symlink" if folder else "folder"
            raise Conflict(f"{_printable(str(there))} is a {kind}, and the copy is not.", advice="Nothing was copied.")
        else:
            moves.append(inner)


def _parts(name: str) -> Parts:
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/") or ".." in parts:
        raise VdictlError("The desktop sent a path that leaves the target. Nothing was copied.", details=ascii(name))
    return parts


def _finish(path: Path, member: tarfile.TarInfo) -> None:
    """Mode without setuid, setgid and sticky; the owner can always read (and enter). Then the time."""
    mode = member.mode & 0o777 | (0o500 if member.isdir() else 0o400)
    path.chmod(mode)
    with suppress(OSError, OverflowError, ValueError):
        os.utime(path, (member.mtime, member.mtime))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
