"""What tests of the local provider on a real engine share: an engine, a tiny image, and a fleet that is cleaned up."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, Snapshot
from vdictl.contract.provider import Settings
from vdictl.engine.build import ensure_started
from vdictl.engine.discovery import open_engine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineError
from vdictl.engine.objects import image_id, list_images, snapshot_of_everything
from vdictl.guest import BASE
from vdictl_local.errors import whole
from vdictl_local.provider import LocalProvider

BUILD_SECONDS = 600.0
SETTLE_SECONDS = 60.0

#: Stands where a desktop would: it halts on TERM, says it is well, and needs a second to build.
_GUEST = b"""#!/bin/sh
case "$1" in
  init) trap 'kill $!; exit 0' TERM; sleep infinity & wait;;
  access) echo '{"token": "a-token-of-the-test", "password": "12345678"}';;
  probe) end=$(cat /var/lib/vdictl/expires 2>/dev/null || echo "${VDICTL_EXPIRES:-never}")
    echo '{"idle_seconds": 1.5, "inputs": {"state": "none", "ok": true}, "expires": '"${end##never}"'}' |
      sed 's/: }/: null}/';;
  expire) echo "$2" > /var/lib/vdictl/expires;;
  rfb) echo "RFB 003.008";;
  run) shift 2; cd "$HOME" && exec "$@";;
  *) exit 2;;
esac
"""
_CONTAINERFILE = f"""ARG BASE={BASE}
FROM ${{BASE}}
COPY vdictl-guest /usr/bin/vdictl-guest
RUN chmod 0755 /usr/bin/vdictl-guest && useradd --uid 1000 --no-create-home --home-dir /home/user user \\
 && install -d -o user -g user /home/user && install -d -o user -g user -m 0700 /var/lib/vdictl
ENV HOME=/home/user
USER user
CMD ["vdictl-guest", "init"]
LABEL vdictl.image=minimal vdictl.guest=1
""".encode()


@dataclass(frozen=True, kw_only=True)
class TinyImage:
    """A build context that needs nothing but the base."""

    tag: str = f"localhost/vdictl-test/tiny:{hashlib.sha256(_CONTAINERFILE + _GUEST).hexdigest()[:8]}"
    base: str = BASE
    files: Mapping[str, bytes] = field(
        default_factory=lambda: {"Containerfile": _CONTAINERFILE, "vdictl-guest": _GUEST}
    )
    build_args: Mapping[str, str] = field(default_factory=dict)
    parent: None = None


def engine_or_skip(state_dir: Path, *, environment: Mapping[str, str] | None = None) -> Engine:
    """The engine of this machine (`VDICTL_ENGINE` picks one); without one the test is left out and says why."""
    given = dict(environment or os.environ)
    try:
        return open_engine(given, state_dir=state_dir, prefer=given.get("VDICTL_ENGINE"), timeout=60.0)
    except EngineError as error:
        pytest.skip(f"no container engine answers here: {error.brief}")


def open_local(fleet: str, state_dir: Path, environment: Mapping[str, str]) -> LocalProvider:
    """The provider as the core opens it, with the engine that the environment names."""
    chosen = {"engine": environment["VDICTL_ENGINE"]} if environment.get("VDICTL_ENGINE") else {}
    settings = Settings(fleet=fleet, values=chosen, state_dir=state_dir, environment=dict(environment))
    return LocalProvider.open(settings, timeout=60.0)


def tiny_image(engine: Engine, state_dir: Path) -> str:
    """The tag of the tiny image, built if need be."""
    image = TinyImage()
    deadline = time.monotonic() + BUILD_SECONDS
    while time.monotonic() < deadline:
        status = ensure_started(engine, image, state_dir=state_dir)
        if status.state == "done":
            return image.tag
        assert status.state == "running", f"{status.reason}\n{status.tail}"
        time.sleep(0.5)
    raise AssertionError("the tiny image was not built in time")


@dataclass
class Bench:
    """One fleet of its own on the real engine."""

    engine: Engine
    state_dir: Path
    image: str
    fleet: str = field(default_factory=lambda: f"t-{secrets.token_hex(4)}")
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def open(self, *, fleet: str | None = None, environment: Mapping[str, str] | None = None) -> LocalProvider:
        """One more provider, as another process would have it."""
        return open_local(fleet or self.fleet, self.state_dir, environment or self.environment)

    def spec(self, name: str = "one", **more: Any) -> DesktopSpec:
        """A small desktop from the tiny image."""
        given: dict[str, Any] = {"owner": "alice", "fleet": self.fleet, "image": self.image, "memory_mib": 256} | more
        return DesktopSpec(name=name, **given)

    def make(self, provider: LocalProvider, name: str = "one", *, token: str = "", **more: Any) -> Desktop:
        """A desktop, finished."""
        return self.settle(provider, provider.create(self.spec(name, **more), token=token or secrets.token_hex(8)))

    def settle(self, provider: LocalProvider, desktop: Desktop) -> Desktop:
        """Advance until nothing is open."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            desktop = provider.desktop(desktop.key)
            if desktop.operation is None:
                return desktop
            if desktop.due:
                provider.advance(desktop)
            time.sleep(0.1)
        raise AssertionError(f"never settled: {desktop}")

    def snapshot(self, provider: LocalProvider, desktop: Desktop, name: str) -> Snapshot:
        """A snapshot, finished."""
        self.settle(provider, provider.snapshot_create(desktop, name, token=secrets.token_hex(8)))
        return next(one for one in provider.snapshots() if one.name == name and one.desktop_key == desktop.key)

    def sh(self, provider: LocalProvider, desktop: Desktop, script: str) -> str:
        """The output of a script inside, as the desktop's user."""
        command = provider.exec(desktop, ["sh", "-c", script])
        done = subprocess.run(
            command.argv, env=dict(command.environment), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self) -> list[str]:
        """Names of all that bears this fleet's label."""
        label = f"vdictl.fleet={self.fleet}"
        containers, volumes = whole(lambda: snapshot_of_everything(self.engine, label))
        images = whole(lambda: list_images(self.engine, label=label))
        named = [one.name for one in containers] + [one.name for one in volumes]
        return sorted([*named, *(tag for one in images for tag in one.tags)])

    def sweep(self) -> None:
        """Remove the fleet by the engine alone, whatever a test left."""
        label = f"vdictl.fleet={self.fleet}"
        containers, volumes = whole(lambda: snapshot_of_everything(self.engine, label))
        for container in containers:
            self.engine.call("rm", "--force", container.id)
        for volume in volumes:
            self.engine.call("volume", "rm", "--force", volume.name)
        for image in whole(lambda: list_images(self.engine, label=label)):
            self.engine.call("image", "rm", "--force", image.id)


def bench(state_dir: Path, environment: Mapping[str, str] | None = None) -> Bench:
    """A fleet on the engine of this machine with the tiny image; left out, with the reason, where there is none."""
    given = dict(environment or os.environ)
    engine = engine_or_skip(state_dir, environment=given)
    return Bench(engine=engine, state_dir=state_dir, image=tiny_image(engine, state_dir), environment=given)


def raises(action: Callable[[], object]) -> VdictlError:
    """The error of ours that the action ends with."""
    try:
        action()
    except VdictlError as error:
        return error
    raise AssertionError("it did not fail")


__all__ = ["Bench", "TinyImage", "bench", "engine_or_skip", "image_id", "raises", "tiny_image"]
