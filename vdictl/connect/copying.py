"""Copy files and folders into a desktop and out of it, by tar over the provider's `exec`.

As `cp -r`: into a folder that exists, under a new name else; a folder onto a folder merges. A symlink named as the
source is followed, those inside a folder are kept. Modes and times are kept, owners are not. A copy that is
interrupted, or runs out of space, leaves nothing at the target: it arrives under a hidden name and is renamed.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Self, TypeAlias

from vdictl.connect import children, copy_errors, copy_scripts
from vdictl.connect.copy_pack import Outlet, Progress, packing
from vdictl.connect.copy_place import Arrival
from vdictl.contract.errors import NotFound, Partial, Unavailable
from vdictl.contract.model import Command

Exec: TypeAlias = Callable[[Sequence[str]], Command]  #: the desktop's `exec`, without a terminal
_PIECE = 1 << 18
_GRACE = 2.0  #: seconds for the desktop's side to clean up after a copy that broke off


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied, and what was left out and why."""

    files: int
    bytes: int
    skipped: tuple[str, ...] = ()


def silent(_done: int, _all: int | None) -> None:
    """Progress that nobody sees."""


def put(run: Exec, source: str, target: str, *, into: bool = False, progress: Progress = silent) -> Copied:
    """Copy the local file or folder `source` to `target` in the desktop (relative to the home; `~/` is understood).

    `source/.` means the folder's contents. `into`: the target must be a folder that exists (several sources).

    Raises:
        NotFound: the source, or the folder that is to hold the target. Conflict: a file where a folder is needed, or
        the reverse. QuotaExceeded: no space. AuthFailed: no right to write there. Unavailable: the connection broke.
    """
    found = packing(source)
    sent = 0
    with _sending(run, found.kind, target, name=found.name, mode=found.mode, into=into) as (outlet, _):
        sent = found.send(outlet, progress)
    return Copied(files=found.files, bytes=sent, skipped=tuple(found.skipped))


def put_stream(run: Exec, reader: BinaryIO, target: str, *, progress: Progress = silent) -> Copied:
    """Copy what `reader` gives, to its end, into the file `target` in the desktop. Raises as `put`."""
    sent = 0
    with _sending(run, "stream", target) as (outlet, token):
        while piece := reader.read(_PIECE):
            outlet.write(piece)
            sent += len(piece)
            progress(sent, None)
        outlet.write(token.encode())  # proves that this is the end, and not that we have been killed
    return Copied(files=1, bytes=sent)


def get(run: Exec, source: str, target: str, *, into: bool = False, progress: Progress = silent) -> Copied:
    """Copy `source` in the desktop to the local path `target`. `source/.` means the folder's contents.

    What would leave the target (a symlink to elsewhere) is left out and told.

    Raises:
        As `put`; Partial: some files could not be read, the others were copied.
    """
    with copy_errors.of_this_machine(target):
        place = Path(target)
        if into and not place.is_dir():
            raise NotFound(f"{copy_errors.printable(target)} is not a folder that exists.")
        if place.exists() and not (place.is_dir() or place.is_file()):
            with place.open("wb", 0) as device:
                return get_stream(run, source, device, progress=progress)
    arrival = Arrival(source, target, progress)
    try:
        with _Receiving(run, source, raw=False) as receiving:
            receiving.into(arrival)
            left_out, notices = receiving.verdict()
        arrival.settle()
    finally:
        arrival.clean()
    _tell(left_out)
    skipped = (*arrival.unpacking.skipped, *notices)
    return Copied(files=arrival.unpacking.files, bytes=arrival.received, skipped=skipped)


def get_stream(run: Exec, source: str, writer: IO[bytes], *, progress: Progress = silent) -> Copied:
    """Copy the bytes of the file `source` in the desktop to `writer`; of a folder, a tar archive. Raises as `get`."""
    received = 0
    with _Receiving(run, source, raw=True) as receiving:
        while piece := receiving.stream.read(_PIECE):
            view = memoryview(piece)
            while view:
                view = view[writer.write(view) or 0 :]
            received += len(piece)
            progress(received, None)
        left_out, notices = receiving.verdict()
    _tell(left_out)
    return Copied(files=1, bytes=received, skipped=tuple(notices))


def _tell(left_out: list[str]) -> None:
    if left_out:
        raise Partial(
            f"{len(left_out)} could not be read in the desktop; the rest was copied.", details="\n".join(left_out[:20])
        )


@contextmanager
def _sending(
    run: Exec, kind: str, target: str, *, name: str = "", mode: int = 0o644, into: bool = False
) -> Iterator[tuple[Outlet, str]]:
    """What is written goes to the desktop's script; leaving waits for its verdict."""
    token = secrets.token_hex(copy_scripts.END // 2)
    argv = copy_scripts.put_command(kind=kind, target=target, name=name, mode=mode, token=token, into=into)
    with tempfile.TemporaryFile() as said:
        child = children.start(run(argv), stdout=subprocess.DEVNULL, stderr=said)
        assert child.stdin is not None
        broken = False
        try:
            try:
                yield Outlet(child.stdin), token
            except BrokenPipeError:
                broken = True  # it has ended before us, and says why
            child.stdin.close()
            code = child.wait()
        finally:
            children.end(child, grace=_GRACE)
        if code != 0 or broken:
            raise copy_errors.from_desktop(code, _end_of(said), target)


class _Receiving:
    """What the desktop's script sends, and its verdict."""

    def __init__(self, run: Exec, source: str, *, raw: bool) -> None:
        self._source = source
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        try:
            self._child = children.start(run(copy_scripts.get_command(source, raw=raw)), stderr=self._said)
        except BaseException:
            self._said.close()
            raise
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        self.stream: IO[bytes] = self._child.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        children.end(self._child, grace=_GRACE)
        self._said.close()

    def into(self, arrival: Arrival) -> None:
        """Unpack it; a broken archive is explained by what the desktop says."""
        try:
            arrival.take(self.stream)
        except tarfile.TarError as error:
            self.verdict()
            raise Unavailable("The desktop sent no whole archive.", details=str(error)) from error

    def verdict(self) -> tuple[list[str], list[str]]:
        """Wait for its end: what could not be read, and what is worth telling. Raises if it failed."""
        self.stream.read(_PIECE)  # tar fills its last block
        self.stream.close()
        code = self._child.wait()
        said = _end_of(self._said)
        verdict = copy_errors.remarks(code, said)
        if verdict is None:
            raise copy_errors.from_desktop(code, said, self._source)
        return verdict


def _end_of(said: IO[bytes], most: int = 1 << 16) -> bytes:
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - most))
    return said.read()
