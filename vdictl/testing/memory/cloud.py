"""The cloud in memory: time, tasks, tokens, pages and faults. It is the vendor's side, and knows nothing of vdictl."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from vdictl.testing.memory import faults
from vdictl.testing.memory.store import MemoryStore, State, Store

Raw = dict[str, Any]


class CloudError(Exception):
    """The cloud said no."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        """`status` as in HTTP; `code` is the cloud's own word."""
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after


class ConnectionLost(Exception):
    """No reply. `sent`: the request may have been done."""

    def __init__(self, *, sent: bool) -> None:
        """As above."""
        super().__init__("the connection was lost")
        self.sent = sent


class Clock(Protocol):
    """What the cloud needs of a clock."""

    def now(self) -> datetime:
        """The time, aware."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class RealClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """The time, aware and local."""
        return datetime.now().astimezone()

    def sleep(self, seconds: float) -> None:
        """A network that is slow: waits on nothing."""
        threading.Event().wait(seconds)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long things take, in seconds, and how much fits on a page."""

    latency: float = 0.0
    boot: float = 2.0
    task: float = 1.0
    build: float = 3.0
    lag: float = 0.0
    page: int = 2
    rate: float = 0.0  #: calls a second; 0: no limit


#: Called around every call with its name and "before" or "after"; what it raises flies.
Tap = Callable[[str, str], None]


class Cloud:
    """One account. Share it between providers to have several machines with the same credentials."""

    def __init__(self, *, clock: Clock | None = None, pace: Pace | None = None, store: Store | None = None) -> None:
        """By default: real time, a usual pace, in memory."""
        self.clock: Clock = clock or RealClock()
        self.pace = pace or Pace()
        self.store: Store = store or MemoryStore()
        self.tap: Tap | None = None

    def seconds(self) -> float:
        """The time as epoch seconds."""
        return self.clock.now().timestamp()

    # -- faults ------------------------------------------------------------------------------------------------------

    def arm(self, name: str, on: str = "any", times: int = 1, value: float | None = None) -> None:
        """Let a fault happen; see `faults.FAULTS`."""
        fault = faults.Fault.make(name, on, times, value)
        with self.store.change() as state:
            state["faults"].append(fault.as_dict() | {"since": self.seconds()})

    def seed(self, text: str) -> None:
        """Arm the faults of a setting, once in the life of this cloud."""
        with self.store.change() as state:
            if text and text not in state["seeded"]:
                state["seeded"].append(text)
                now = {"since": self.seconds()}
                state["faults"].extend(fault.as_dict() | now for fault in faults.parse(text))

    # -- calls -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def call(self, name: str, kind: str, *, token: str, timeout: float) -> Iterator[State]:
        """One request: `kind` is "read" or "write". Gives the state as it is now, for looking and changing."""
        if self.tap:
            self.tap(name, "before")
        lost = self._before(name, kind, token, timeout)
        with self.store.change() as state:
            run_tasks(state, self.seconds(), self)  # of its own: it happens also where the call is refused
        with self.store.change() as state:
            yield state
        if lost:
            raise ConnectionLost(sent=kind == "write")
        if self.tap:
            self.tap(name, "after")

    def _before(self, name: str, kind: str, token: str, timeout: float) -> bool:
        with self.store.change() as state:
            if state["token"] and token != state["token"]:
                raise CloudError(401, "unauthorized", "the token is not valid")
            self._limit(state)
            slow = faults.take(state, name, kind, only=frozenset({"slow"}))
            fault = faults.take(state, name, kind, only=_REFUSALS)
            lost = faults.take(state, name, kind, only=frozenset({"reply-lost"}))
        pause = self.pace.latency + (slow.value if slow else 0.0)
        if pause:
            self.clock.sleep(min(pause, timeout))
        if fault:
            raise _REFUSALS_RAISE[fault.name](fault)
        if pause > timeout and kind == "read":
            raise ConnectionLost(sent=False)
        return lost is not None or pause > timeout

    def _limit(self, state: State) -> None:
        if self.pace.rate:
            now = self.seconds()
            recent = [moment for moment in state.get("recent", ()) if moment > now - 1.0]
            if len(recent) >= self.pace.rate:
                raise CloudError(429, "too-many", "slow down", retry_after=recent[0] + 1.0 - now)
            state["recent"] = [*recent, now]


def _refuse(status: int, code: str, message: str) -> Callable[[faults.Fault], Exception]:
    def error(fault: faults.Fault) -> Exception:
        return CloudError(status, code, message, retry_after=fault.value if status == 429 else None)

    return error


_REFUSALS_RAISE: dict[str, Callable[[faults.Fault], Exception]] = {
    "unavailable": _refuse(503, "unavailable", "try again later"),
    "rate-limited": _refuse(429, "too-many", "slow down"),
    "auth-failed": _refuse(401, "unauthorized", "the token is not valid"),
    "quota": _refuse(403, "quota", "no more machines for this account"),
    "page-cut": lambda _: ConnectionLost(sent=False),
}
_REFUSALS = frozenset(_REFUSALS_RAISE)


def run_tasks(state: State, now: float, cloud: Cloud) -> None:
    """End what is due: boots, stops, copies, deletes, builds, and the guests' own timers."""
    for machine in state["machines"].values():
        task = machine["task"]
        if task and now >= task["until"]:
            machine["task"] = None
            machine["status"] = task["then"] or machine["status"]
            if task["then"] == "on":
                machine["boots"] += 1
            if task["then"] == "gone":
                machine["gone"] = task["until"]
                _leave(state, machine)
        if machine["status"] == "on" and _expired(machine, now, cloud):
            machine["status"] = "off"
    for image in state["images"].values():
        if image["until"] and now >= image["until"]:
            image["until"], image["ready"] = None, not image["fails"]
            image["failed"], image["fails"] = image["fails"], False


def _leave(state: State, machine: Raw) -> None:
    volume = state["volumes"].get(machine["volume"])
    if volume:
        volume["machine"] = ""
    machine["volume"] = ""


def _expired(machine: Raw, now: float, cloud: Cloud) -> bool:
    """The guest's own timer: what was told to it inside counts, else what it was made with."""
    expires = machine["expires"]
    root = cloud.store.peek()
    file = root / "machines" / machine["id"] / "expires" if root else None
    if file and file.exists():
        text = file.read_text().strip()
        expires = None if text == "never" else float(text)
    return expires is not None and now >= expires
