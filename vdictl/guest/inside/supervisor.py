"""Starts services, learns of their end, starts them again with growing pauses. Never blocks: call `step` often."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from .services import Service

_PAUSES = (0.1, 0.3, 1.0, 2.0, 5.0, 10.0)  #: seconds before the n-th start again
_GOOD_RUN = 30.0  #: a service that lived this long starts with short pauses again
_GRACE = 1.0  #: seconds that a display's programs have to end when the display starts again


@dataclass
class _State:
    service: Service
    pid: int = 0
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    dead: bool = False  #: `leave`: it died and stays so


def spawn(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Start a program in a session of its own, with nothing of ours but our output. Raises `OSError`."""
    return os.posix_spawnp(
        argv[0],
        list(argv),
        dict(env),
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1],
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)],
    )


class Supervisor:
    """Keeps a set of services as their policies say."""

    def __init__(self, services: Sequence[Service], say: Callable[[str], None]) -> None:
        """`say` takes one line for the container's log."""
        self._states = [_State(service) for service in services]
        self._say = say
        self._kill_at = 0.0

    def step(self) -> float:
        """Start what is due; the seconds after which to call again at the latest."""
        now = time.monotonic()
        if self._kill_at:
            return self._stop_display(now)
        wait = 60.0
        for state in self._states:
            if state.pid or state.dead:
                continue
            if state.due > now:
                wait = min(wait, state.due - now)
            elif all(ready() for ready in state.service.needs):
                self._start(state, now)
            else:
                wait = min(wait, 0.02 if now - self._newest() < 3 else 0.2)
        return wait

    def _newest(self) -> float:
        return max((state.started for state in self._states), default=0.0)

    def _start(self, state: _State, now: float) -> None:
        state.started = now
        try:
            state.pid = spawn(state.service.argv, state.service.env())
        except OSError as error:
            self._say(f"{state.service.name} can't be started: {error}")
            self._schedule(state, now)

    def ended(self, pid: int, status: int) -> bool:
        """Told that a child is gone; whether it was one of these."""
        for state in self._states:
            if state.pid == pid:
                state.pid = 0
                self._say(f"{state.service.name} ended ({_words(status)})")
                self._decide(state, time.monotonic())
                return True
        return False

    def _decide(self, state: _State, now: float) -> None:
        if self._kill_at:
            return
        if state.service.policy == "leave":
            state.dead = True
            return
        self._schedule(state, now)
        if state.service.policy == "group":
            self._signal_display(signal.SIGTERM)
            self._kill_at = now + _GRACE

    def _schedule(self, state: _State, now: float) -> None:
        state.failures = 0 if now - state.started > _GOOD_RUN else state.failures + 1
        state.due = now + _PAUSES[min(state.failures, len(_PAUSES)) - 1] if state.failures else now

    def _stop_display(self, now: float) -> float:
        if any(state.service.display and state.pid for state in self._states):
            if now >= self._kill_at:
                self._signal_display(signal.SIGKILL)
            return 0.05
        self._kill_at = 0.0
        due = max(state.due for state in self._states if state.service.display)
        for state in self._states:
            if state.service.display:
                state.dead, state.due = False, due
        return 0.05

    def _signal_display(self, number: signal.Signals) -> None:
        for state in self._states:
            if state.service.display and state.pid:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(state.pid, number)


def _words(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
