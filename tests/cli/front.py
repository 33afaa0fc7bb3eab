"""The front door: the real command in a process of its own, with a home of its own and the cloud in memory."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import published

ROOT = Path(__file__).parents[2]
SECONDS = 60.0  #: a run may take so long

CONFIG = """\
default_provider = "memory"
{settings}
[providers.memory]
package = "vdictl.testing.memory"
state = "{state}"
boot = "0.02"
task = "0.02"
build = "0.05"
{memory}
[providers.local]
engine = "/nonexistent/engine"
"""


@dataclass(frozen=True)
class Result:
    """How a run ended. On a terminal (`tty`) all output is in `out`."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The last line of stderr as JSON: an error under `-o json`."""
        return json.loads(self.err.splitlines()[-1])


@dataclass
class Vdictl:
    """Runs `vdictl`. Call it with the words of the command line."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        for name in ("home", "run", "cloud", "work"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        self.env = {
            "HOME": str(self.folder / "home"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "USER": "tester",
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "providers"))),
            **self.env,
        }
        self.configure()

    @property
    def work(self) -> Path:
        """The folder in which the commands run."""
        return self.folder / "work"

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "home/.config/vdictl/config.toml"

    @property
    def state(self) -> Path:
        """Journal and logs."""
        return self.folder / "home/.local/state/vdictl"

    def configure(self, settings: str = "", memory: str = "") -> None:
        """Write the config: lines at its top, and lines for the memory provider (`faults = "..."`)."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        state = self.folder / "cloud/state.json"
        self.config.write_text(CONFIG.format(settings=settings, memory=memory, state=state), encoding="utf-8")

    def __call__(
        self, *words: str, env: Mapping[str, str] | None = None, stdin: str | None = None, tty: bool = False
    ) -> Result:
        """Run to the end. `stdin` is what is piped in, or with `tty` typed at a terminal; without it, there is none."""
        if tty:
            return self._at_a_terminal(words, env or {}, stdin or "")
        done = subprocess.run(
            self.argv(*words),
            cwd=self.work,
            env=self.env | dict(env or {}),
            input=(stdin or "").encode(),
            capture_output=True,
            timeout=self.seconds,
            check=False,
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        published.check_run(words, result.out, result.err)
        return result

    def ok(self, *words: str, **given: Any) -> Result:
        """As a call, and it must succeed."""
        result = self(*words, **given)
        assert result.code == 0, f"vdictl {' '.join(words)}: {result.code}\n{result.out}\n{result.err}"
        return result

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Begin a run and give its process: for signals. Text of both streams comes through pipes."""
        return subprocess.Popen(
            self.argv(*words),
            cwd=self.work,
            env=self.env | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def argv(self, *words: str) -> list[str]:
        """The command line as the system gets it."""
        return [sys.executable, "-m", "vdictl", *words]

    def names(self, *words: str) -> list[str]:
        """The names that `list` gives."""
        return self.ok("list", "-o", "name", *words).out.split()

    def _at_a_terminal(self, words: tuple[str, ...], env: Mapping[str, str], typed: str) -> Result:
        near, far = pty.openpty()
        process = subprocess.Popen(
            self.argv(*words),
            cwd=self.work,
            env=self.env | {"TERM": "xterm", "COLUMNS": "200"} | dict(env),
            stdin=far,
            stdout=far,
            stderr=far,
            start_new_session=True,
        )
        os.close(far)
        os.write(near, typed.encode())
        try:
            shown = _read_all(near, time.monotonic() + self.seconds)
            code = process.wait(self.seconds)
        finally:
            process.kill()
            process.wait()
            os.close(near)
        return Result(code, shown.decode(errors="replace").replace("\r\n", "\n"), "")


def _read_all(terminal: int, end: float) -> bytes:
    shown = b""
    while (left := end - time.monotonic()) > 0 and select.select([terminal], [], [], left)[0]:
        try:
            if not (part := os.read(terminal, 65536)):
                break
        except OSError:  # the far end is closed: Linux says EIO
            break
        shown += part
    return shown


def until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait until it holds; fails when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
