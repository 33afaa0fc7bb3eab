"""A home as a tar archive: out of a provider's command into a file, and from a file, sifted, into one.

What comes in is not trusted. Each member is read, judged and written anew, so that what reaches the provider is what
was understood here: no absolute path, no "..", no device, nothing behind a symlink, no link to what is not in it.
"""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from vdictl.connect import children
from vdictl.connect.copy_errors import of_this_machine, printable
from vdictl.connect.copy_pack import Outlet
from vdictl.connect.copy_place import Temporary
from vdictl.contract.errors import Invalid, NotFound, QuotaExceeded, Unavailable, VdictlError
from vdictl.contract.model import Command

_PIECE: Final = 1 << 20
_END: Final = bytes(1024)  #: how a tar ends: two empty blocks
_GRACE: Final = 2.0  #: seconds for the provider's side to end after it was cut off
Progress = Callable[[int], None]  #: bytes done


@dataclass
class Contents:
    """What an archive holds."""

    files: int = 0
    bytes: int = 0


def save(command: Command, target: str, *, progress: Progress) -> int:
    """Write what the command gives to the file `target`, whole or not at all; gives the number of bytes.

    Raises:
        NotFound: there is no such folder. Invalid: the target is a folder. QuotaExceeded, AuthFailed: this disk's
        word. Unavailable: the archive is not whole.
    """
    place = Path(target)
    with of_this_machine(target):
        if place.is_dir():
            raise Invalid(f"{printable(target)} is a folder.", advice="Name a file in it.")
        if place.exists() and not place.is_file():  # root could put a file in the place of /dev/null
            raise Invalid(f"{printable(target)} is no ordinary file.", advice="Use - for standard output.")
        if not place.parent.is_dir():
            raise NotFound(f"The folder that is to hold {printable(target)} does not exist.")
        temporary = Temporary(place.parent)
        try:
            new = temporary.path / "x"
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                size = save_stream(command, file, progress=progress)
            new.replace(place.resolve() if place.is_symlink() else place)
        finally:
            temporary.remove()
    return size


def save_stream(command: Command, writer: IO[bytes], *, progress: Progress) -> int:
    """Write what the command gives; raises as `save`, after it has written what there was."""
    done, tail = 0, b""
    with _running(command) as (child, said):
        assert child.stdin is not None and child.stdout is not None
        child.stdin.close()
        while piece := child.stdout.read(_PIECE):
            view = memoryview(piece)
            while view:
                view = view[writer.write(view) or 0 :]
            done, tail = done + len(piece), (tail + piece)[-len(_END) :]
            progress(done)
        _require_well(child.wait(), said)
    writer.flush()
    if tail != _END:
        raise Unavailable("The archive broke off before its end.", details=f"{done} bytes came.")
    return done


def load(command: Command, reader: BinaryIO, *, progress: Progress) -> Contents:
    """Hand the archive on to the command, member by member; compressed by gzip, bzip2 or xz is understood.

    Raises:
        Invalid: it is none, breaks off, or holds what must not be. QuotaExceeded: no space there. Unavailable: the
        command broke.
    """
    with _running(command) as (child, said):
        assert child.stdin is not None
        outlet = Outlet(child.stdin)
        sieve = Sieve(reader, outlet, progress)
        try:
            contents = sieve.run()
            child.stdin.close()
        except BrokenPipeError:
            outlet.abandon()
            contents = None  # it has ended before us, and says why
        except BaseException:
            outlet.abandon()
            raise
        _require_well(child.wait(), said)
        if contents is None:
            raise Unavailable("The provider's side took only a part of the archive.")
    return contents


@dataclass
class Sieve:
    """Reads one tar, and writes another with what may be in it."""

    reader: BinaryIO
    outlet: Outlet
    progress: Progress
    contents: Contents = field(default_factory=Contents)
    _members: int = 0
    _links: set[str] = field(default_factory=set)  #: symlinks: nothing may lie behind one
    _ended: bool = False  #: the end of the archive was seen

    def run(self) -> Contents:
        """To the end; raises as `load`."""
        target = _writer(self.outlet)
        try:
            with self._source() as source:
                for member in source:
                    self._pass(source, target, member)
                    source.members = []  # type: ignore[attr-defined] # a stream never looks back
        except (tarfile.TarError, EOFError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise Invalid("This is no whole tar archive.", details=printable(str(error))) from error
        if not self._ended:
            raise Invalid("The archive breaks off before its end.", details=f"{self._members} members came.")
        while self.reader.read(_PIECE):
            pass  # who writes to us is not to find that nobody reads
        target.close()
        return self.contents

    def _source(self) -> tarfile.TarFile:
        sieve = self

        class Member(tarfile.TarInfo):
            """Tells when the block that ends an archive was read: a file that was cut off between members has none."""

            @classmethod
            def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Any:
                """As tarfile's."""
                sieve._ended = len(buf) == tarfile.BLOCKSIZE and not any(buf)
                return super().frombuf(buf, encoding, errors)

        return tarfile.open(fileobj=self.reader, mode="r|*", bufsize=_PIECE, tarinfo=Member, **_NAMES)

    def _pass(self, source: tarfile.TarFile, target: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = _relative(member.name, member)
        self._judge(name, member)
        self._members += 1
        new = tarfile.TarInfo(name or ".")
        new.type = tarfile.REGTYPE if member.isreg() else member.type
        new.mode, new.uid, new.gid, new.mtime = member.mode & 0o7777, member.uid, member.gid, int(member.mtime)
        if member.islnk():
            new.linkname = _relative(member.linkname, member)
            self._require_in_front(new.linkname, member)
        elif member.issym():
            new.linkname = member.linkname
        (self._links.add if member.issym() else self._links.discard)(name)
        if not member.isreg():
            target.addfile(new)
            return
        new.size = member.size
        content = source.extractfile(member)
        assert content is not None
        target.addfile(new, cast("IO[bytes]", _Counted(content, self._count)))
        self.contents.files += 1

    def _judge(self, name: str, member: tarfile.TarInfo) -> None:
        if member.ischr() or member.isblk():
            raise _hostile(member, "a device")
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk() or member.isfifo()):
            raise _hostile(member, "neither file, folder, link nor pipe")
        if not name and not member.isdir():
            raise _hostile(member, "no folder")
        self._require_in_front(name, member)

    def _require_in_front(self, path: str, member: tarfile.TarInfo) -> None:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in self._links:
                raise _hostile(member, "behind a symlink")

    def _count(self, size: int) -> None:
        self.contents.bytes += size
        self.progress(self.contents.bytes)


#: Names as raw bytes, whatever they are.
_NAMES: Final[dict[str, Any]] = {"encoding": sys.getfilesystemencoding(), "errors": "surrogateescape"}


def _writer(outlet: Outlet) -> tarfile.TarFile:
    settings: dict[str, Any] = {"copybufsize": _PIECE, **_NAMES}
    sink = cast("IO[bytes]", outlet)
    return tarfile.open(fileobj=sink, mode="w|", bufsize=_PIECE, format=tarfile.GNU_FORMAT, **settings)


class _Counted:
    """A member that tells how much of it has been read."""

    def __init__(self, file: IO[bytes], count: Callable[[int], None]) -> None:
        self._file, self._count = file, count

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._count(len(data))
        return data


def _relative(text: str, member: tarfile.TarInfo) -> str:
    """The path without empty parts and dots; empty: the home itself."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts:
        raise _hostile(member, "a path that leaves the home")
    return "/".join(parts)


def _hostile(member: tarfile.TarInfo, what: str) -> Invalid:
    return Invalid(
        f"The archive holds what no home may hold: {printable(member.name[:200])} is {what}.",
        advice="Nothing was changed. Look into it: tar -tvf FILE",
    )


@contextmanager
def _running(command: Command) -> Iterator[tuple[Any, IO[bytes]]]:
    with tempfile.TemporaryFile() as said:
        child = children.start(command, stderr=said)
        try:
            yield child, said
        finally:
            children.end(child, grace=_GRACE)


def _require_well(code: int, said: IO[bytes]) -> None:
    if code == 0:
        return
    said.seek(0)
    evidence = children.words(said.read(1 << 16))
    if "No space left" in evidence or "quota exceeded" in evidence or "Wrote only" in evidence:
        raise QuotaExceeded("There is no space left where the home is kept.", details=evidence)
    raise VdictlError("The provider's side failed.", details=evidence or f"It ended with {code}.")
