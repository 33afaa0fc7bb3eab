"""Image builds as a supervised process, one a tag: started by whoever comes first, and looked at by all."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from vdictl.engine.attempts import Attempts, boot_id
from vdictl.engine.engine import Engine
from vdictl.engine.errors import BuildFailed
from vdictl.engine.objects import image_id

__all__ = ["BuildContext", "BuildState", "BuildStatus", "ensure_started", "look"]

BuildState = Literal["absent", "running", "done", "failed"]

LOCK_DESCRIPTOR = 3  # where the builder finds the lock that it inherits
_children: list[int] = []


class BuildContext(Protocol):
    """All that an image is made from. One of `files` is `Containerfile`; it begins with `ARG BASE`, `FROM ${BASE}`."""

    @property
    def tag(self) -> str:
        """The image's name; a hash of all inputs is part of it, so that an image of that name is never out of date."""

    @property
    def files(self) -> Mapping[str, bytes]:
        """Path in the context -> content."""

    @property
    def base(self) -> str:
        """What it stands on: an image's name at a registry, or the parent's tag."""

    @property
    def parent(self) -> BuildContext | None:
        """To be built before it."""

    @property
    def build_args(self) -> Mapping[str, str]:
        """More build arguments; no secrets, for they stay in the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStatus:
    """How far a build is. `step` of `total` and `text`: what goes on; `reason`, `advice`, `log`: why it failed.

    `started_now`: this very call started it.
    """

    tag: str
    state: BuildState
    image_id: str | None = None
    step: int = 0
    total: int = 0
    text: str = ""
    tail: str = ""
    log: Path | None = None
    reason: str = ""
    advice: str = ""
    started_now: bool = False

    def error(self) -> BuildFailed:
        """The failure as an error to raise."""
        return BuildFailed(self.tag, self.reason, tail=self.tail, log=self.log, advice=self.advice)


def look(engine: Engine, context: BuildContext, *, state_dir: Path, since: datetime | None = None) -> BuildStatus:
    """How far the build is; starts nothing. Some small files, and one call of the engine where nobody builds.

    While a builder works the engine is not asked: it holds its store for as long as it commits a layer, minutes on a
    busy machine, and a call would wait for that.

    A failure counts when it is of this boot and, where `since` (aware) is given, not older than that; else the state
    is `absent`. Raises what Engine.run raises.
    """
    _reap()
    attempts = Attempts.of(state_dir, engine.kind, context.tag)
    if attempts.running():
        return _running(engine, context, state_dir)
    found = image_id(engine, context.tag)
    if found:
        return BuildStatus(tag=context.tag, state="done", image_id=found)
    failure = attempts.failure()
    if failure and failure.boot == boot_id() and (since is None or failure.when >= since):
        return BuildStatus(
            tag=context.tag,
            state="failed",
            reason=failure.reason,
            advice=failure.advice,
            tail=attempts.tail(),
            log=attempts.log,
        )
    return BuildStatus(tag=context.tag, state="absent", log=attempts.log)


def ensure_started(
    engine: Engine, context: BuildContext, *, state_dir: Path, since: datetime | None = None, retry: bool = False
) -> BuildStatus:
    """See to it that the image is there or is being built. Never blocks; call it again to see how far it is.

    Starts a builder where there is no image, nobody builds it and no failure counts (see `look`); `retry` starts one
    after a failure too. The builder outlives this process. Raises what Engine.run raises, and BuildFailed where no
    process can be started.
    """
    status = look(engine, context, state_dir=state_dir, since=since)
    if status.state in ("done", "running") or (status.state == "failed" and not retry):
        return status
    attempts = Attempts.of(state_dir, engine.kind, context.tag)
    try:
        lock = attempts.lock()
    except OSError as error:
        raise BuildFailed(context.tag, f"{attempts.folder} can't be written: {error}") from error
    if lock is None:
        return _running(engine, context, state_dir)
    try:
        # It may have been finished since we looked; with the lock in hand that can't change any more.
        found = image_id(engine, context.tag)
        if found:
            return BuildStatus(tag=context.tag, state="done", image_id=found)
        _spawn(engine, context, state_dir, lock, attempts)
    finally:
        os.close(lock)
    return replace(_running(engine, context, state_dir), started_now=True)


def _running(engine: Engine, context: BuildContext, state_dir: Path) -> BuildStatus:
    attempts = Attempts.of(state_dir, engine.kind, context.tag)
    first = attempts
    parent = context.parent
    while parent is not None:
        of_parent = Attempts.of(state_dir, engine.kind, parent.tag)
        if of_parent.running():
            first = of_parent
        parent = parent.parent
    now = first.progress()
    return BuildStatus(
        tag=context.tag,
        state="running",
        step=now.step,
        total=now.total,
        text=now.text,
        tail=first.tail(),
        log=first.log,
    )


def _spawn(engine: Engine, context: BuildContext, state_dir: Path, lock: int, attempts: Attempts) -> None:
    """Start the builder in a session of its own. It inherits the lock, so that at no moment nobody holds it."""
    with contextlib.ExitStack() as stack:
        try:
            held = _clear_of_standard(os.dup(lock), stack)
            # The attempt is written down before its process is there: one that is killed at once counts too.
            killed = attempts.begin()
            job = _clear_of_standard(_job_file(_job(engine, context, state_dir, killed)), stack)
            log = _clear_of_standard(os.open(attempts.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stack)
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-m", "vdictl.engine.builder"],
                _environment(engine),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, job, 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                    (os.POSIX_SPAWN_DUP2, held, LOCK_DESCRIPTOR),
                ],
                setsid=True,
            )
        except OSError as error:
            raise BuildFailed(context.tag, f"the builder can't be started: {error}") from error
    _children.append(pid)


def _clear_of_standard(descriptor: int, stack: contextlib.ExitStack) -> int:
    # A process started with its standard streams closed gets low numbers; those are about to be overwritten.
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(descriptor)
    stack.callback(os.close, high)
    return high


def _job_file(text: bytes) -> int:
    descriptor = os.memfd_create("vdictl-build") if hasattr(os, "memfd_create") else _unlinked()
    with open(os.dup(descriptor), "wb") as file:  # noqa: PTH123 - a descriptor, no path
        file.write(text)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _unlinked() -> int:
    descriptor, name = tempfile.mkstemp()
    Path(name).unlink()
    return descriptor


def _job(engine: Engine, context: BuildContext, state_dir: Path, killed: int) -> bytes:
    job = {
        "engine": {"kind": engine.kind, "binary": engine.binary, "timeout": engine.timeout},
        "traits": asdict(engine.traits),
        "state_dir": str(state_dir.absolute()),
        "killed": killed,
        "context": pack(context),
    }
    return json.dumps(job).encode()


def pack(context: BuildContext) -> dict[str, Any]:
    """A context as JSON holds it, its parents inside; `vdictl.engine.builder` unpacks it."""
    return {
        "tag": context.tag,
        "base": context.base,
        "build_args": dict(context.build_args),
        "wants_ca": bool(getattr(context, "wants_ca", False)),
        "files": {name: base64.b64encode(content).decode() for name, content in context.files.items()},
        "parent": pack(context.parent) if context.parent else None,
    }


def _environment(engine: Engine) -> dict[str, str]:
    # The builder is to find this very package, installed or not.
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [engine.env.get("PYTHONPATH")])]
    return {"PATH": os.defpath, **engine.env, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _reap() -> None:
    # A builder outlives most callers; one that lives longer must not collect dead ones.
    for pid in _children[:]:
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:
            ended = True
        if ended:
            with contextlib.suppress(ValueError):
                _children.remove(pid)
