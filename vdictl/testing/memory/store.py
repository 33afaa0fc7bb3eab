"""Where the cloud in memory keeps its state: this process, or one file that many processes share."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

State = dict[str, Any]


def empty() -> State:
    """A cloud in which nobody has made anything."""
    return {
        "machines": {},
        "volumes": {},
        "snapshots": {},
        "images": {},
        "tokens": {},
        "faults": [],
        "seeded": [],
        "number": 0,
        "account": "acc-1",
        "token": "",
    }


class Store(Protocol):
    """One state, changed by one caller at a time."""

    def change(self) -> contextlib.AbstractContextManager[State]:
        """The state, for reading and changing. Who changes it checks first, and hands out copies."""
        ...

    def root(self) -> Path:
        """A folder for the contents of disks; made on first use."""
        ...

    def peek(self) -> Path | None:
        """That folder, if something has used it."""
        ...


class MemoryStore:
    """The state of a cloud that lives and dies with this process."""

    def __init__(self) -> None:
        """An empty cloud."""
        self._state = empty()
        self._lock = threading.RLock()
        self._root: Path | None = None

    @contextlib.contextmanager
    def change(self) -> Iterator[State]:
        """See `Store`."""
        with self._lock:
            yield self._state

    def root(self) -> Path:
        """See `Store`. Made on first use and removed with the store."""
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="vdictl-memory-"))
                weakref.finalize(self, shutil.rmtree, self._root, ignore_errors=True)
            return self._root

    def peek(self) -> Path | None:
        """See `Store`."""
        return self._root


class FileStore:
    """The state of a cloud that several processes share: a JSON file beside its lock."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened before the first call."""
        self._path = path
        self._folder = path.with_name(path.name + ".d")

    @contextlib.contextmanager
    def change(self) -> Iterator[State]:
        """See `Store`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go by closing, also when the process dies
            text = self._path.read_text() if self._path.exists() else ""
            state = empty() | (json.loads(text) if text else {})
            try:
                yield state
            finally:  # a refused call has used up its fault, and time has passed
                changed = json.dumps(state)
                if changed != text:
                    self._replace(changed)

    def _replace(self, text: str) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        fresh.write_text(text)
        fresh.replace(self._path)

    def root(self) -> Path:
        """See `Store`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def peek(self) -> Path | None:
        """See `Store`."""
        return self._folder if self._folder.is_dir() else None
