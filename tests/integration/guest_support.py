"""A desktop of the guest's own, run as a provider runs it: for the tests of what is inside."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vdictl.engine.build import BuildContext, ensure_started
from vdictl.engine.discovery import open_engine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineError
from vdictl.guest import context

HARDENED = (
    "--read-only", "--tmpfs", "/tmp:rw,exec,nosuid,nodev,mode=1777", "--tmpfs", "/run:rw,exec,nosuid,nodev,mode=1777",
    "--cap-drop=ALL", "--cap-add=SYS_CHROOT", "--security-opt=no-new-privileges", "--memory", "2g",
    "--pids-limit", "2048", "--shm-size=256m",
)  # fmt: skip


def engine_or_skip(state: Path) -> Engine:
    """The machine's engine; the test is left out, with the reason, where none answers."""
    try:
        return open_engine(dict(os.environ), state_dir=state)
    except EngineError as error:
        pytest.skip(f"no container engine answers here: {error}")


def built(engine: Engine, wanted: BuildContext, state: Path, seconds: float = 900) -> str:
    """The image's tag once it is there."""
    end = time.monotonic() + seconds
    status = ensure_started(engine, wanted, state_dir=state)
    while status.state == "running" and time.monotonic() < end:
        time.sleep(0.5)
        status = ensure_started(engine, wanted, state_dir=state)
    assert status.state == "done", f"{status.reason}\n{status.tail}"
    return wanted.tag


class Guest:
    """One running container."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name

    def exec(self, *argv: str, input: bytes | None = None) -> str:
        """Output of a command inside; raises CommandFailed."""
        return self.engine.run("exec", *(["-i"] if input is not None else []), self.name, *argv, input=input)

    def code(self, *argv: str, input: bytes | None = None) -> int:
        """Exit code of a command inside."""
        stdin = ["-i"] if input is not None else []
        return self.engine.call("exec", *stdin, self.name, *argv, input=input).exit_code

    def run(self, *argv: str) -> str:
        """Output of a command in the session's environment."""
        return self.exec("vdictl-guest", "run", "--", *argv)

    def probe(self) -> dict[str, Any]:
        """What the guest says of itself."""
        return json.loads(self.exec("vdictl-guest", "probe"))  # type: ignore[no-any-return]

    def access(self) -> dict[str, str]:
        """Token and password."""
        return json.loads(self.exec("vdictl-guest", "access"))  # type: ignore[no-any-return]

    def receive(self, parcel: dict[str, Any]) -> dict[str, Any]:
        """Deliver inputs."""
        return json.loads(self.exec("vdictl-guest", "receive", input=json.dumps(parcel).encode()))  # type: ignore[no-any-return]

    def url(self) -> str:
        """Of the page, without the token."""
        port = self.engine.run("port", self.name, "6080/tcp").strip().rpartition(":")[2]
        return f"http://127.0.0.1:{port}"

    def exit_code(self) -> int | None:
        """None while it runs."""
        running, code = self.engine.run(
            "inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", self.name
        ).split()
        return None if running == "true" else int(code)

    def popen(self, *argv: str) -> subprocess.Popen[bytes]:
        """A command inside with its streams in our hands."""
        return self.engine.popen(
            "exec", "-i", self.name, *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def until(self, done: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """Probe until `done` holds."""
        end = time.monotonic() + seconds
        while True:
            now = self.probe()
            if done(now):
                return now
            assert time.monotonic() < end, f"not within {seconds} s: {now}\n{self.logs()}"
            time.sleep(0.2)

    def until_well(self, seconds: float = 90) -> dict[str, Any]:
        """Probe until all rungs are good."""
        return self.until(well, seconds)

    def logs(self) -> str:
        """What the container has said."""
        done = self.engine.call("logs", self.name)
        return done.stdout + done.stderr


def well(now: dict[str, Any]) -> bool:
    """Whether every rung that the flavor has is good."""
    rungs = [now[name] for name in ("display", "window_manager", "code", "page", "inputs") if now[name] is not None]
    return all(rung["ok"] for rung in rungs)


@contextmanager
def started(
    engine: Engine, tag: str, *more: str, network: tuple[str, ...] = ("-p", "127.0.0.1::6080")
) -> Iterator[Guest]:
    """A hardened desktop from an image; it is gone with its volumes afterwards."""
    name = f"vdictl-test-guest-{secrets.token_hex(4)}"
    volumes = [f"{name}-home", f"{name}-state"]
    flags = [*HARDENED, *(["--read-only-tmpfs=false"] if engine.kind == "podman" else [])]
    engine.run(
        "run", "-d", "--name", name, "--hostname", "desk", *flags, "-v", f"{volumes[0]}:/home/user",
        "-v", f"{volumes[1]}:/var/lib/vdictl", *network, "-e", f"VDICTL_KEY={name}", *more, tag,
    )  # fmt: skip
    try:
        yield Guest(engine, name)
    finally:
        engine.call("rm", "-f", name)
        engine.call("volume", "rm", *volumes)


def image(engine: Engine, state: Path, flavor: str) -> str:
    """The flavor's image, built if need be."""
    return built(engine, context(flavor), state)
