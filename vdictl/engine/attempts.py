"""What is on disk about the builds of one tag: a lock, the log, how the last attempt began and how it ended."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vdictl.engine.engine import Kind

#: Lines of ours in the log begin so; the last of them, or of the engine's own steps, is what goes on now.
SIGN = "# vdictl: "

_STEPS = (
    re.compile(r"STEP (\d+)/(\d+): (.*)"),  # Podman
    re.compile(r"Step (\d+)/(\d+) : (.*)"),  # Docker before 23
    re.compile(r"#\d+ \[(?:\S+ )?(\d+)/(\d+)\] (.*)"),  # BuildKit with --progress=plain
)


@dataclass(frozen=True, slots=True)
class Progress:
    """The step a build is at, as its log tells; 0 of 0 where it has not begun to count."""

    step: int = 0
    total: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last attempt failed. `when`: aware, UTC."""

    reason: str
    advice: str
    when: datetime
    boot: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """The folder of one tag's builds."""

    folder: Path

    @classmethod
    def of(cls, state_dir: Path, kind: Kind, tag: str) -> Attempts:
        """Whose name is safe whatever the tag is, and tells two tags apart."""
        readable = re.sub(r"[^A-Za-z0-9._-]+", "_", tag)[-80:].strip("._")
        return cls(state_dir / "builds" / f"{kind}-{readable}-{hashlib.sha256(tag.encode()).hexdigest()[:8]}")

    @property
    def log(self) -> Path:
        """The log of the attempt that is under way, or of the last one."""
        return self.folder / "log"

    @property
    def work(self) -> Path:
        """Where an attempt puts what is passing; nothing in it outlives the next attempt."""
        return self.folder / "work"

    def lock(self) -> int | None:
        """A descriptor that holds the lock of this tag, or None where another process holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(4):
            descriptor = self._flock(fcntl.LOCK_EX)
            if descriptor is not None:
                return descriptor
            time.sleep(0.01)  # it may be one who only looks (see `running`): that lasts microseconds
        return None

    def running(self) -> bool:
        """Somebody builds it at this moment."""
        if not (self.folder / "lock").exists():
            return False
        descriptor = self._flock(fcntl.LOCK_SH)
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def _flock(self, how: int) -> int | None:
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def begin(self) -> int:
        """A new attempt (the lock is held): how many before it were killed without a word, one after the other."""
        last = self._read("attempt")
        killed = 0 if self.failure() or last.get("boot") != boot_id() else int(last.get("number", 0))
        (self.folder / "failure.json").unlink(missing_ok=True)
        self._write("attempt", {"number": killed + 1, "boot": boot_id(), "when": _now()})
        self.log.write_bytes(b"")
        return killed

    def fail(self, reason: str, advice: str) -> None:
        """Write down that the attempt failed."""
        self._write("failure", {"reason": reason, "advice": advice, "when": _now(), "boot": boot_id()})

    def done(self) -> None:
        """Forget the attempts: the image is there."""
        for name in ("attempt", "failure"):
            (self.folder / f"{name}.json").unlink(missing_ok=True)

    def failure(self) -> Failure | None:
        """How the last attempt failed; None where none did or it did not say."""
        data = self._read("failure")
        try:
            when = datetime.fromisoformat(data["when"])
            return Failure(str(data["reason"]), str(data["advice"]), when, str(data["boot"]))
        except (KeyError, TypeError, ValueError):
            return None

    def say(self, text: str) -> None:
        """Add a line of ours to the log."""
        with self.log.open("a") as file:
            file.write(f"{SIGN}{text}\n")

    def tail(self, lines: int = 12) -> str:
        """The last lines of the log."""
        return "\n".join(_last(self.log).splitlines()[-lines:])

    def progress(self) -> Progress:
        """What goes on now, read from the log: its last 2 MiB, because one step's own output can be long."""
        for line in reversed(_last(self.log, 2 * 1024 * 1024).splitlines()):
            if line.startswith(SIGN):
                return Progress(text=_short(line.removeprefix(SIGN)))
            for pattern in _STEPS:
                match = pattern.match(line)
                if match:
                    return Progress(int(match[1]), int(match[2]), _plainly(match[3]))
        return Progress(text="starting")

    def _read(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads((self.folder / f"{name}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}

    def _write(self, name: str, data: dict[str, Any]) -> None:
        # Where the disk is full the reason can't be kept; the next attempt will find out again.
        fresh = self.folder / f".{name}.{os.getpid()}"
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps(data))
            fresh.replace(self.folder / f"{name}.json")


def boot_id() -> str:
    """This boot of the machine; empty where the kernel does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def all_of(state_dir: Path) -> Iterator[Attempts]:
    """Every tag that was ever built from this state folder."""
    for folder in sorted((state_dir / "builds").glob("*")):
        yield Attempts(folder)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _plainly(instruction: str) -> str:
    """A build file's instruction as a person would say it."""
    word, _, rest = instruction.partition(" ")
    if "apt-get" in rest or "npm" in rest:
        return "installing packages"
    return {"RUN": "setting up", "COPY": "copying files", "ADD": "copying files"}.get(word, "preparing")


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


def _last(log: Path, size: int = 65536) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
