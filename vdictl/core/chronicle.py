"""Read the journal: its events, and the story of one operation. What is no event is skipped and counted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from vdictl.contract.errors import Invalid, NotFound
from vdictl.core.journal import files

_LONGEST_STEP = timedelta(hours=1)  #: after which a number of a process may be another one's
_SHORTEST_PREFIX = 4  #: of an operation's token


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the journal. What it does not tell is empty."""

    time: datetime
    event: str  #: begin | again | resume | lost-race | step | settled | end
    operation: str = ""
    verb: str = ""
    name: str = ""  #: of the desktop or the image
    provider: str = ""
    fleet: str = ""
    owner: str = ""
    by: str = ""  #: who acted
    doing: str = ""  #: of a step
    outcome: str = ""  #: of an end: done | begun | joined | failed | timed-out | interrupted
    error: str = ""  #: of an end: the error's slug
    brief: str = ""  #: of an end: the error's sentence
    key: str = ""
    pid: int = 0


@dataclass(frozen=True, kw_only=True)
class Chronicle:
    """What was read."""

    events: Sequence[Event]
    skipped: int  #: lines that are no events: torn by a full disk, or somebody else's

    def only(
        self, *, since: datetime | None = None, desktop: str = "", operation: str = "", provider: str = ""
    ) -> Sequence[Event]:
        """Those that fit, oldest first; `operation` may be the beginning of a token."""
        return [
            event
            for event in self.events
            if (since is None or event.time >= since)
            and desktop in ("", event.name)
            and provider in ("", event.provider)
            and event.operation.startswith(operation)
        ]

    def story(self, operation: str = "") -> Story:
        """The operation of this token, or the only one whose token begins so; without one, the latest.

        Raises:
            NotFound: the journal tells of none. Invalid: several begin so.
        """
        told = [event for event in self.events if event.operation]
        if not operation and told:
            operation = told[-1].operation
        exact = any(event.operation == operation for event in told)
        begins = operation if exact or len(operation) >= _SHORTEST_PREFIX else "\0"
        own = [e for e in told if e.operation == operation or (not exact and e.operation.startswith(begins))]
        tokens = list(dict.fromkeys(event.operation for event in own))
        if not tokens:
            what = f"no operation {operation[:60]!a}" if operation else "no operation at all"
            raise NotFound(f"The journal of this machine tells of {what}.", advice="See: vdictl journal list")
        shortest = min(tokens, key=len)
        if not all(token.startswith(shortest) for token in tokens):  # a delete's is that of the create, and more
            raise Invalid("Several operations begin so.", details=", ".join(tokens), advice="Give more of it.")
        return Story(events=[event for event in own if event.operation == shortest])

    def in_work(self, *, now: datetime) -> set[str]:
        """Operations whose latest event is no end, not old, and of another process that is alive on this machine."""
        latest = {event.operation: event for event in self.events if event.operation}
        open_ones = [e for e in latest.values() if e.event != "end" and e.time > now - _LONGEST_STEP]
        return {e.operation for e in open_ones if e.pid != os.getpid() and _is_alive(e.pid)}


@dataclass(frozen=True, kw_only=True)
class Story:
    """All events of one operation, oldest first; never empty."""

    events: Sequence[Event]

    @property
    def first(self) -> Event:
        """Tells what it was about."""
        return self.begin or self.events[0]

    @property
    def begin(self) -> Event | None:
        """`None`: it began on another machine, or so long ago that it was put away."""
        return next((event for event in self.events if event.event == "begin"), None)

    @property
    def end(self) -> Event | None:
        """How it ended here; `None`: it goes on, or its process was killed."""
        return self._last("end")

    @property
    def settled(self) -> Event | None:
        """When it was seen that no step remained."""
        return self._last("settled")

    def _last(self, kind: str) -> Event | None:
        return next((event for event in reversed(self.events) if event.event == kind), None)


def _is_alive(pid: int) -> bool:
    if os.name != "posix" or pid <= 0:  # elsewhere asking is not harmless
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and another user's
        return True
    return True


def read(folder: Path) -> Chronicle:
    """All that is kept, oldest first. A journal that is not there is an empty one."""
    events: list[Event] = []
    skipped = 0
    for handle in _opened(folder):
        with handle:
            for line in handle:
                if event := _event(line):
                    events.append(event)
                elif line.strip():
                    skipped += 1
    return Chronicle(events=events, skipped=skipped)


def _opened(folder: Path) -> Iterator[BinaryIO]:
    """The files, oldest first. Opened from the youngest on: should they be put aside meanwhile, none is missed."""
    found: dict[tuple[int, int], BinaryIO] = {}
    for file in files(folder):
        try:
            handle = file.open("rb")
        except OSError:
            continue
        seen = os.fstat(handle.fileno())
        found.setdefault((seen.st_dev, seen.st_ino), handle)
    yield from reversed(found.values())


_TEXTS = tuple(field.name for field in fields(Event) if field.name not in {"time", "pid"})


def _event(line: bytes) -> Event | None:
    try:
        data = json.loads(line)
        time = datetime.fromisoformat(data["time"])
        if time.tzinfo is None or not isinstance(data["event"], str):
            return None
        texts: dict[str, Any] = {name: data[name] for name in _TEXTS if isinstance(data.get(name), str)}
        pid = data.get("pid")
        return Event(time=time, pid=pid if isinstance(pid, int) else 0, **texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
