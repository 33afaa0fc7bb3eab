"""The whole command line in this process, on a cloud in memory and a clock that moves by itself: a command in 10 ms.

What differs from the real command: no process of its own (`tests.cli.front` has that), time passes when somebody
sleeps, and a kill is an exception that nothing catches, after which the cloud answers nobody.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from tests.cli.front import Result
from vdictl.cli.main import main
from vdictl.testing.clock import MovableClock
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.base import CLOUDS
from vdictl.testing.memory.cloud import Cloud, Pace
from vdictl.testing.world import Killed

KILLED = -9
CODES = frozenset(range(11)) - {3} | {130, KILLED}

CONFIG = """\
default_provider = "memory"
[providers.memory]
package = "vdictl.testing.memory"
cloud = "{cloud}"
[providers.local]
engine = "/nonexistent/engine"
"""


class TooLong(KeyboardInterrupt):
    """Nobody waits so long: somebody presses Ctrl-C."""


@dataclass
class WallClock:
    """The clock of the machines: the cloud's own, and a wall clock that may be wrong by `offset` seconds."""

    true: MovableClock
    offset: float = 0.0
    patience: int = 2000  #: so many sleeps in one command, then somebody presses Ctrl-C
    slept: int = 0

    def now(self) -> datetime:
        return self.true.now() + timedelta(seconds=self.offset)

    def monotonic(self) -> float:
        return self.true.monotonic()

    def sleep(self, seconds: float) -> None:
        self.slept += 1
        if self.slept > self.patience:
            raise TooLong
        self.true.sleep(max(0.0, seconds))


@dataclass
class Sky:
    """One account of the cloud in memory, for as long as the test lasts."""

    cloud: Cloud
    name: str
    clock: WallClock

    @property
    def api(self) -> Api:
        """The vendor's own tool."""
        return Api(self.cloud)

    def calm(self) -> None:
        """No more faults, and what goes on by itself ends."""
        self.cloud.tap = None
        with self.cloud.store.change() as state:
            state["faults"] = []
        self.clock.true.advance(60)

    def cut(self, calls: int, error: Callable[[], BaseException], *, once: bool = False, when: str = "before") -> None:
        """Raise `error` at the call after so many: from then on at each, as for a process that is dead, or `once`."""
        done = 0

        def tap(_: str, moment: str) -> None:
            nonlocal done
            if moment == when:
                done += 1
                if done == calls + 1 or (done > calls and not once):
                    raise error()

        self.cloud.tap = tap


@contextlib.contextmanager
def sky(pace: Pace | None = None) -> Iterator[Sky]:
    """A cloud of its own."""
    name, clock = f"generated-{secrets.token_hex(4)}", MovableClock()
    cloud = CLOUDS[name] = Cloud(clock=clock, pace=pace or Pace(boot=3.0, task=1.0, build=10.0, page=2))
    try:
        yield Sky(cloud, name, WallClock(clock))
    finally:
        del CLOUDS[name]


@dataclass
class Machine:
    """A machine of somebody: a home, settings, and command lines that are typed there."""

    folder: Path
    sky: Sky
    user: str = "alice"
    environment: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)  #: all that was printed, of every command

    def __post_init__(self) -> None:
        for name in ("home", "work", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(CONFIG.format(cloud=self.sky.name))
        self.environment = {
            "HOME": str(self.folder / "home"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "PATH": "/nonexistent",
            "USER": self.user,
            **self.environment,
        }

    @property
    def config(self) -> Path:
        return self.folder / "home/.config/vdictl/config.toml"

    @property
    def state(self) -> Path:
        return self.folder / "home/.local/state/vdictl"

    def __call__(self, *words: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Result:
        """Run it. A bug, and a code that is not ours, fail here with the traceback."""
        self.sky.clock.slept = 0
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        given = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape")), encoding="utf-8")
        with contextlib.ExitStack() as stack:
            stack.enter_context(_signals())
            stack.enter_context(contextlib.chdir(self.folder / "work"))
            stack.enter_context(mock.patch.dict(os.environ, {**self.environment, **(env or {})}, clear=True))
            stack.enter_context(mock.patch("vdictl.core.context.SystemClock", lambda: self.sky.clock))
            # Whether a person could work there is asked of real programs; that has tests of its own.
            stack.enter_context(mock.patch("vdictl.core.usability.Usability.reached", lambda *_: True))
            for name, stream in (("stdin", given), ("stdout", out), ("stderr", err)):
                stack.enter_context(mock.patch.object(sys, name, stream))
            try:
                code = main(list(words))
            except Killed:
                code = KILLED
        result = Result(code, _text(out), _text(err))
        self.said += [result.out, result.err]
        assert code in CODES and "Traceback" not in result.err, f"{words}: {code}\n{result.err}\n{self.bugs()}"
        return result

    def bugs(self) -> str:
        """The tracebacks that were written, newest last."""
        return "\n".join(file.read_text() for file in sorted(self.state.glob("bug-*.log")))


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """A verb leaves its own handlers behind when it was interrupted: its process would end."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
