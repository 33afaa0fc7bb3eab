"""What was done here, for people who ask later. Append-only; deleting it loses nothing.

One line of JSON an event. A line is written with one `write` to a file opened for appending, which keeps lines of
many processes whole. Trouble with the journal never stops a verb.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from vdictl.core.clock import Clock
from vdictl.core.paths import make_private

ROTATE_BYTES = 4 * 1024 * 1024


class Journal:
    """Writes events to `journal.jsonl` in the state folder."""

    def __init__(self, folder: Path, *, clock: Clock, owner: str) -> None:
        """No I/O yet."""
        self.file = folder / "journal.jsonl"
        self._clock, self._owner = clock, owner

    def note(self, event: str, **facts: str) -> None:
        """Append one event. No secret is ever passed here; facts that are empty are left out."""
        line = {"time": self._clock.now().isoformat(timespec="milliseconds"), "event": event, "by": self._owner}
        line |= {name: text for name, text in facts.items() if text}
        try:
            make_private(self.file.parent)
            self._rotate()
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, (json.dumps({**line, "pid": os.getpid()}) + "\n").encode())
            finally:
                os.close(handle)
        except OSError:
            return  # full disk, read-only home: the cloud is the database, the journal only explains the past

    def _rotate(self) -> None:
        try:
            if self.file.stat().st_size > ROTATE_BYTES:
                self.file.replace(self.file.with_suffix(".1.jsonl"))
        except FileNotFoundError:
            return
