"""The process that builds one image: started by `build.ensure_started` with its lock; writes down how it ended."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from vdictl.engine import leftovers
from vdictl.engine.attempts import Attempts
from vdictl.engine.base import BASE_TAG, ensure_base
from vdictl.engine.build import LOCK_DESCRIPTOR, ensure_started
from vdictl.engine.engine import Engine, Traits
from vdictl.engine.errors import BuildFailed, DiskFull, EngineError, translate
from vdictl.engine.objects import image_id

_MOST_KILLED = 3
_POLL = 0.3  # seconds between looks at the parent's build
_ROOM = "Free some space, for example with `podman system prune` or `docker system prune`, then try again."
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True, slots=True)
class Packed:
    """A build context that came as JSON."""

    tag: str
    base: str
    files: Mapping[str, bytes]
    build_args: Mapping[str, str] = field(default_factory=dict)
    parent: Packed | None = None
    wants_ca: bool = False

    @classmethod
    def unpack(cls, data: Mapping[str, Any]) -> Packed:
        """The reverse of `build.pack`."""
        return cls(
            tag=data["tag"],
            base=data["base"],
            files={name: base64.b64decode(content) for name, content in data["files"].items()},
            build_args=data["build_args"],
            parent=cls.unpack(data["parent"]) if data["parent"] else None,
            wants_ca=data["wants_ca"],
        )


@dataclass(frozen=True, slots=True)
class Job:
    """What this process was started for. `killed`: how many builders before it were, one after the other."""

    engine: Engine
    context: Packed
    state_dir: Path
    killed: int

    @property
    def attempts(self) -> Attempts:
        """What is on disk about the builds of this tag."""
        return Attempts.of(self.state_dir, self.engine.kind, self.context.tag)


def main() -> int:
    """Build what standard input says. 0: the image is there; 1: it is written down why not."""
    signal.signal(signal.SIGTERM, _stop)
    job = _read_job(json.load(sys.stdin))
    attempts = job.attempts
    try:
        if job.killed >= _MOST_KILLED:
            raise BuildFailed(
                job.context.tag,
                f"it was killed {job.killed} times before it could end (too little memory?)",
                advice="See the machine's log (`dmesg`) for what killed it.",
            )
        _work(job)
    except EngineError as error:
        _fail(attempts, error.brief, error.advice, error.details)
        return 1
    except OSError as error:
        _fail(attempts, f"building {job.context.tag} failed: {error}", _ROOM if error.errno == 28 else "", "")
        return 1
    except SystemExit:
        _fail(attempts, f"building {job.context.tag} was stopped by a signal", "Start it again.", "")
        return 1
    finally:
        shutil.rmtree(attempts.work, ignore_errors=True)
    attempts.done()
    return 0


def _read_job(data: Mapping[str, Any]) -> Job:
    about = data["engine"]
    engine = Engine(about["kind"], about["binary"], dict(os.environ), about["timeout"], Traits(**data["traits"]))
    return Job(engine, Packed.unpack(data["context"]), Path(data["state_dir"]), data["killed"])


def _work(job: Job) -> None:
    context, attempts = job.context, job.attempts
    shutil.rmtree(attempts.work, ignore_errors=True)
    # Rootless Podman's first call leaves a process behind for good. It must not be the build, which holds the lock.
    if image_id(job.engine, context.tag):
        return
    leftovers.clear(job.engine, attempts.say)
    base = _base(job)
    folder = attempts.work / "context"
    _unpack_files(folder, context)
    attempts.say(f"building {context.tag}")
    try:
        code = _engine_build(job, folder, base)
    finally:
        leftovers.prune(job.engine)
    if code != 0:
        raise _build_error(job, code)
    attempts.say("built")


def _base(job: Job) -> str:
    context, attempts = job.context, job.attempts
    if context.parent is not None:
        _build_parent(job, context.parent)
        return context.parent.tag
    if not re.search(r"(^|/)debian:bookworm-slim$", context.base):
        return context.base
    shared = Attempts.of(job.state_dir, job.engine.kind, BASE_TAG)
    # Two flavors at once need one base: the second waits here.
    while (lock := shared.lock()) is None:
        attempts.say("base: another build is making it")
        while shared.running():
            time.sleep(_POLL)
    try:
        return ensure_base(job.engine, context.base, work=attempts.work / "base", log=attempts.log, say=attempts.say)
    finally:
        os.close(lock)


def _build_parent(job: Job, parent: Packed) -> None:
    job.attempts.say(f"first {parent.tag}")
    retry = True  # once: an old failure of the parent's is no reason not to try for this one
    while True:
        status = ensure_started(job.engine, parent, state_dir=job.state_dir, retry=retry)
        retry = False
        if status.state == "done":
            return
        if status.state == "failed":
            raise status.error()
        time.sleep(_POLL)


def _unpack_files(folder: Path, context: Packed) -> None:
    for name, content in context.files.items():
        target = (folder / name).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise BuildFailed(context.tag, f"a file of its context lies outside of it: {name!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(leftovers.marked(content, context.tag) if name == "Containerfile" else content)


def _engine_build(job: Job, folder: Path, base: str) -> int:
    """Run the build to its end; its exit code. It holds the lock too: where we are killed, it ends its work alone."""
    engine, context = job.engine, job.context
    argv = ["build", "--tag", context.tag, "--file", str(folder / "Containerfile"), "--force-rm"]
    arguments = {**context.build_args, **({} if context.parent else {"BASE": base})}
    argv += [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    if engine.kind == "podman" and not engine.traits.ports:
        argv += ["--network", "host"]  # no network of its own can be had here (see hosts.no_tun)
    if context.wants_ca and engine.kind == "podman":
        argv += _ca_secret(engine.env)
    with job.attempts.log.open("ab") as log:
        child = engine.popen(*argv, str(folder), stdout=log, stderr=log, keep=(LOCK_DESCRIPTOR,))
    try:
        return child.wait()
    except SystemExit:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        raise


def _ca_secret(env: Mapping[str, str]) -> list[str]:
    """The machine's own certificates for programs that fetch over TLS while building; they don't stay in the image."""
    for file in (env.get("SSL_CERT_FILE"), env.get("NODE_EXTRA_CA_CERTS"), *_BUNDLES):
        if file and Path(file).is_file():
            return ["--secret", f"id=ca,src={file}"]
    return []


_UNREACHED = re.compile(r"Temporary failure resolving '[^']*'|Could not resolve '[^']*'|Could not connect to \S+")


def _build_error(job: Job, code: int) -> BuildFailed:
    tail = job.attempts.tail(40)
    error = translate((job.engine.binary, "build"), code, tail)
    if isinstance(error, DiskFull):
        return BuildFailed(job.context.tag, "no space left on the disk", tail=tail, log=job.attempts.log, advice=_ROOM)
    reason = _reason(job.attempts.tail(400), code)
    return BuildFailed(job.context.tag, reason, tail=tail, log=job.attempts.log, advice=error.advice)


def _reason(tail: str, code: int) -> str:
    """What went wrong in one sentence: apt's own words where it was apt, else the engine's last."""
    if unreached := _UNREACHED.search(tail):  # apt goes on with what it has, and its last words mislead
        return f"inside the build the network does not answer: {unreached[0]}"
    for line in reversed(tail.splitlines()):
        if line.startswith("E: ") and "Sub-process" not in line:
            return f"apt: {line[3:]}"
    for line in reversed(tail.splitlines()):
        if line.startswith(("Error:", "ERROR:", "error:")) or "returned a non-zero code" in line:
            return re.sub(r"^(?i:error): ", "", line)[:300]
    return f"the engine ended with exit code {code}"


def _fail(attempts: Attempts, reason: str, advice: str, details: str) -> None:
    try:
        if details:
            attempts.say(details.replace("\n", f"\n{' ' * 4}"))
        attempts.say(f"failed: {reason}")
    except OSError:
        pass  # a full disk: the failure below may still find room in a block that is there
    attempts.fail(reason, advice)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
