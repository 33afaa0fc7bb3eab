"""Where a copy from the desktop belongs on this machine: unpacked under a hidden name, then renamed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from vdictl.connect.copy_errors import of_this_machine, printable
from vdictl.connect.copy_pack import Progress, base_name
from vdictl.connect.copy_scripts import TEMPORARY
from vdictl.connect.copy_unpack import Parts, Unpacking, merge
from vdictl.contract.errors import Conflict, NotFound

_YOUNG = 60.0  #: seconds in which a temporary folder of another process is left alone even if it is not locked yet


class Arrival:
    """One copy on its way to the local path `target`. `clean` must be called at the end, whatever happened."""

    def __init__(self, source: str, target: str, progress: Progress) -> None:
        """`source` is what the person named in the desktop."""
        self._source, self._target, self._progress = source, target, progress
        self._place, self._merging = Path(), False
        self._temporary: Temporary | None = None
        self._total: int | None = None
        self.received = 0
        self.unpacking = Unpacking(count=self._count, begin=self._begin)

    def take(self, stream: IO[bytes]) -> None:
        """Unpack beside the target. Raises as `Unpacking.take`, and NotFound or Conflict if it cannot go there."""
        with of_this_machine(self._target):
            self.unpacking.take(stream)

    def settle(self) -> None:
        """Bring it to where it belongs."""
        assert self._temporary is not None
        new, existing = self._temporary.path / "x", set[Parts]()
        with of_this_machine(str(self._place)):
            if self._merging:
                existing = merge(new, self._place)
            else:
                new.replace(self._place)
            self.unpacking.folders_at(self._place, existing)

    def clean(self) -> None:
        """Remove what has not been settled."""
        if self._temporary is not None:
            self._temporary.remove()

    def _count(self, size: int) -> None:
        self.received += size
        self._progress(self.received, self._total)

    def _begin(self, first: tarfile.TarInfo) -> Path:
        """Decide by the first member, which is the file or the folder itself."""
        self._total = first.size if first.isreg() else None
        self._place, self._merging = place_of(self._source, self._target, folder=first.isdir())
        # A merge stays within the folder it goes to: its parent may be another disk.
        self._temporary = Temporary(self._place if self._merging else self._place.parent)
        return self._temporary.path


def place_of(source: str, target: str, *, folder: bool) -> tuple[Path, bool]:
    """The path that the copy gets, and whether it merges into a folder that is there: the rules of `cp -r`."""
    place = Path(target)
    if place.is_dir():
        place /= base_name(source)
    elif target.endswith("/") and not folder:
        raise NotFound(f"{printable(target)} is not a folder that exists.")
    if place.exists():
        place = place.resolve()
    merging, shown = place.is_dir(), printable(str(place))
    if merging and not folder:
        raise Conflict(f"{shown} is a folder, and the copy is a file.")
    if folder and not merging and os.path.lexists(place):
        raise Conflict(f"{shown} is a file, and the copy is a folder.")
    if not place.parent.is_dir():
        raise NotFound(f"The folder that is to hold {shown} does not exist.")
    return place, merging


class Temporary:
    """A hidden folder, locked while its process lives, so that the next copy can tell the dead from the living."""

    def __init__(self, base: Path) -> None:
        """In `base`, after what the dead have left there."""
        _sweep(base)
        self.path = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=base))
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """With all that is left in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _sweep(base: Path) -> None:
    """Remove what a copy that was killed has left here."""
    for found in base.glob(f"{TEMPORARY}????????"):
        with suppress(OSError):
            if found.is_symlink() or time.time() - found.stat().st_mtime < _YOUNG:
                continue
            lock = os.open(found, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(found, ignore_errors=True)
            finally:
                os.close(lock)
