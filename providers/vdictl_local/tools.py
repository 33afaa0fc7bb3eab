"""What every verb works with: the engine, the ledger, the machine; and one lock a desktop, so that two do one step."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vdictl.contract.errors import NotFound
from vdictl.engine.engine import Engine
from vdictl.engine.errors import CommandFailed, EngineError, NoSuchObject, NotRunning
from vdictl_local.errors import PROVIDER, changing
from vdictl_local.ledger import LONG, Ledger
from vdictl_local.names import Who
from vdictl_local.plans import Machine
from vdictl_local.world import Holding, World


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a provider that is open has."""

    engine: Engine
    ledger: Ledger
    machine: Machine
    state_dir: Path
    since: datetime  #: when the provider was opened: a build that failed before is tried again, once

    def read(self) -> World:
        """Everything, fresh."""
        return self.ledger.read()

    def remove_containers(self, *ids: str) -> None:
        """Remove them whatever they do, TERM first where the engine offers it; already gone is success."""
        if not ids:
            return
        soft = ("--time", "1") if self.engine.kind == "podman" else ()
        left = list(ids)
        for last in (False, True):
            answers = self.engine.settle(*(("rm", "--force", *soft, one) for one in left), timeout=LONG)
            failed = {one: told for one, told in zip(left, answers, strict=True) if _failed(told)}
            left = [one for one, told in failed.items() if _worth_another(told)]
            for told in failed.values():
                if isinstance(told, EngineError) and (last or not _worth_another(told)):
                    with changing():
                        raise told
            if not left:
                return

    def start_container(self, container: str) -> None:
        """Start it. Podman, killed within a start, leaves parts of it in the runtime that a cleanup takes away."""
        with changing():
            try:
                self.engine.run("start", container, timeout=LONG)
            except CommandFailed:
                if self.engine.kind != "podman":
                    raise
                self.engine.call("container", "cleanup", container, timeout=LONG)
                self.engine.run("start", container, timeout=LONG)

    def clear_leftover(self, name: str) -> bool:
        """Whether there was one: Podman, killed within a `run`, leaves storage under the container's name.

        Its lists do not show it, and no `run` of that name succeeds any more. It is no container that could run, and
        is removed without force: one that came to be meanwhile stays.
        """
        if self.engine.kind != "podman":
            return False
        if self.engine.call("container", "exists", name).exit_code == 0:
            return False
        if self.engine.call("container", "exists", "--external", name).exit_code != 0:
            return False
        with changing(), suppress(NoSuchObject):
            self.engine.run("rm", name, timeout=LONG)
        return True

    @contextmanager
    def alone(self, who: Who) -> Iterator[bool]:
        """Whether nobody else on this machine does a step for this desktop now. Never waits.

        The marks alone keep two from doing harm; this keeps them from doing the same work twice. So a folder that
        cannot be written is no reason to stop.
        """
        try:
            file = self._lock_file(who)
        except OSError:
            yield True
            return
        try:
            yield file is not None
        finally:
            if file is not None:
                os.close(file)

    def _lock_file(self, who: Who) -> int | None:
        """A byte of one file stands for a desktop: so no file is left behind by who is killed."""
        path = self.state_dir / "local.lock"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        place = int.from_bytes(hashlib.sha256(who.container.encode()).digest()[:7], "big")
        wanted = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)  # struct flock, fcntl(2)
        try:
            # Of the open file, not of the process: threads keep each other out too, and exec'd engines inherit none.
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
        except OSError as error:
            os.close(descriptor)
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return None
            raise
        return descriptor


def _failed(told: str | EngineError) -> bool:
    return isinstance(told, EngineError) and not isinstance(told, NoSuchObject)


def _worth_another(told: str | EngineError) -> bool:
    """Podman, killed while it made a container, left it mounted: the second removal finds that out.

    And a container that ends by itself while it is being stopped is "not running": the second finds it ended.
    """
    return isinstance(told, NotRunning) or (
        isinstance(told, CommandFailed) and "device or resource busy" in told.stderr
    )


def require(world: World, key: str) -> Holding:
    """The desktop of this key.

    Raises:
        NotFound: the lists, which were complete, do not have it.
    """
    holding = world.holdings.get(key)
    if holding is None:
        raise NotFound("This desktop is not there (any more).", details=f"key {key}", provider=PROVIDER)
    return holding
