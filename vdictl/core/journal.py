"""What was done here, for people who ask later. Append-only; deleting it loses nothing.

One line of JSON an event. A line is written with one `write` to a file opened for appending, and is no longer than a
page: so lines of many processes stay whole. Trouble with the journal never stops a verb.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vdictl.contract.errors import Interrupted, TimedOut, VdictlError
from vdictl.core.clock import Clock
from vdictl.core.paths import make_private

ROTATE_BYTES = 1 << 20  #: a file that is longer is put aside
KEPT = 4  #: files that were put aside and are kept: `journal.1.jsonl` is the youngest
LONGEST_LINE = 4096  #: bytes


def files(folder: Path) -> list[Path]:
    """All files of the journal, there or not, the youngest first."""
    return [folder / "journal.jsonl", *(folder / f"journal.{n}.jsonl" for n in range(1, KEPT + 1))]


class Journal:
    """Writes events to `journal.jsonl` in the state folder."""

    def __init__(self, folder: Path, *, clock: Clock, owner: str, by: str = "", fleet: str = "default") -> None:
        """No I/O yet. `owner`: whose desktops; `by`: who acts, by default the owner himself."""
        self.folder, self.file = folder, files(folder)[0]
        self._clock = clock
        self._always = {"by": by or owner, "owner": owner, "fleet": fleet}

    def note(self, event: str, **facts: str) -> None:
        """Append one event. No secret is ever passed here; facts that are empty are left out."""
        time = self._clock.now().isoformat(timespec="milliseconds")
        line = _line({"time": time, "event": event, **self._always, **facts})
        try:
            make_private(self.folder)
            self._rotate()
            handle = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, (b"\n" if _is_torn(handle) else b"") + line)
            finally:
                os.close(handle)
        except OSError:
            return  # full disk, read-only home: the cloud is the database, the journal only explains the past

    def begin(self, verb: str, *, token: str, key: str, name: str, provider: str) -> Account:
        """Note that an operation begins. Whoever gets the account notes its end; a kill leaves it without one."""
        facts = {"operation": token, "verb": verb, "key": key, "name": name, "provider": provider}
        self.note("begin", **facts)
        return Account(self, facts)

    @contextlib.contextmanager
    def operation(self, verb: str, *, token: str, key: str, name: str, provider: str) -> Iterator[Account]:
        """Around one operation: notes its begin, and its end however that comes."""
        account = self.begin(verb, token=token, key=key, name=name, provider=provider)
        try:
            yield account
        except BaseException as error:
            account.end(error)
            raise
        account.end()

    def _rotate(self) -> None:
        if not self._is_long():
            return
        with _only_one(self.folder / "journal.lock") as mine:
            # Looked at again: between the first look and the lock somebody else may have done it.
            if mine and self._is_long():
                youngest_last = files(self.folder)[::-1]
                for older, younger in pairwise(youngest_last):
                    with contextlib.suppress(FileNotFoundError):  # killed in the middle of it, one may be missing
                        younger.replace(older)

    def _is_long(self) -> bool:
        try:
            return self.file.stat().st_size > ROTATE_BYTES
        except FileNotFoundError:  # nothing was noted yet, or it was put aside in this moment
            return False


@dataclass
class Account:
    """One operation that has begun; its end is noted once."""

    journal: Journal
    facts: Mapping[str, str]
    ended: bool = False

    def step(self, doing: str) -> None:
        """What is done on the way, in words."""
        self.journal.note("step", **self.facts, doing=doing)

    def end(self, error: BaseException | None = None, *, outcome: str = "done") -> None:
        """What it ended with: an error, or else `outcome`."""
        if not self.ended:
            self.ended = True
            self.journal.note("end", **self.facts, **(_trouble(error) if error else {"outcome": outcome}))


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[bool]:
    """Whether we are the only ones who hold the lock. Nobody waits for it: who does not get it writes on."""
    try:
        import fcntl  # not on Windows, where a file that others have open cannot be renamed at all
    except ImportError:
        yield True
        return
    handle = os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def _is_torn(handle: int) -> bool:
    """Whether a full disk has cut the last line: ours must not be swallowed by it."""
    size = os.fstat(handle).st_size
    if not size:
        return False
    os.lseek(handle, -1, os.SEEK_END)
    return os.read(handle, 1) != b"\n"


def _line(event: Mapping[str, str]) -> bytes:
    for most in (500, 100, 20):  # JSON writes a foreign character in up to twelve bytes
        facts = {name: text if name == "time" else _short(text, most) for name, text in event.items() if text}
        line = (json.dumps({**facts, "pid": os.getpid()}) + "\n").encode()
        if len(line) <= LONGEST_LINE:
            break
    return line


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _trouble(error: BaseException) -> dict[str, str]:
    if isinstance(error, VdictlError):
        outcome = {TimedOut.slug: "timed-out", Interrupted.slug: "interrupted"}.get(error.slug, "failed")
        return {"outcome": outcome, "error": error.slug, "brief": error.brief}
    if isinstance(error, KeyboardInterrupt):
        return {"outcome": "interrupted", "error": Interrupted.slug}
    return {"outcome": "failed", "error": "bug", "brief": type(error).__name__}
