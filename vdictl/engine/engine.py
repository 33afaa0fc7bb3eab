"""Runs an engine's command line: no shell, no threads, a time limit on each call, and Ctrl-C cuts no call in two."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, Literal, NamedTuple

from vdictl.engine.errors import EngineError, EngineHung, EngineMissing, EngineUnreachable, HostLacks, translate
from vdictl.engine.redact import redact

Kind = Literal["podman", "docker"]
Stream = int | IO[bytes] | None

_GRACE = 2.0  # seconds between SIGTERM and SIGKILL for a program that does not answer
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Completed(NamedTuple):
    """How one command of the engine ended."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What was learnt about an engine on this host. Empty texts: not known.

    `limits`: memory, cpu and pids limits are enforced. `ports`: a port can be published; where not, only
    `--network none` works. `cgroup_version`: "1" or "2". `remote`: where the engine is, if that is another machine
    ("user@host"); then `cpus`, `memory_mib` and `arch` are that machine's, and published ports are on it, not here.
    """

    version: str = ""
    rootless: bool = False
    cgroup_version: str = ""
    limits: bool = True
    ports: bool = True
    remote: str = ""
    cpus: int = 0
    memory_mib: int = 0
    arch: str = ""


@dataclass(frozen=True, slots=True)
class Engine:
    """Podman or Docker, found at `binary`, started with exactly the environment `env`; `timeout` is in seconds.

    `facts` is the file in which discovery remembers this engine; it is removed where the engine does not answer.
    """

    kind: Kind
    binary: str
    env: Mapping[str, str] = field(repr=False)
    timeout: float = 60.0
    traits: Traits = Traits()
    facts: Path | None = None

    def run(self, *args: str, input: bytes | None = None, timeout: float | None = None) -> str:
        """Run one command to its end and return its standard output.

        Raises EngineMissing, EngineHung, EngineUnreachable, or the CommandFailed that its text stands for. If
        KeyboardInterrupt comes while waiting, the command itself goes on undisturbed: it has a session of its own.
        """
        return self.check(self.call(*args, input=input, timeout=timeout))

    def call(self, *args: str, input: bytes | None = None, timeout: float | None = None) -> Completed:
        """Like `run`, but an exit code other than 0 is the caller's business. Raises EngineMissing and EngineHung."""
        return self._collect([self._start(args, input)], timeout)[0]

    def together(self, *argvs: Sequence[str], timeout: float | None = None) -> list[str]:
        """Run several commands at the same time; outputs in the order asked. All have ended before any error."""
        return [self.check(done) for done in self.call_together(*argvs, timeout=timeout)]

    def settle(self, *argvs: Sequence[str], timeout: float | None = None) -> list[str | EngineError]:
        """Like `together`, but a failure stands as its error in the place of its output, and nothing is raised."""
        return [
            done.stdout if done.exit_code == 0 else self.error(done)
            for done in self.call_together(*argvs, timeout=timeout)
        ]

    def check(self, done: Completed) -> str:
        """The standard output of a command that ended well; raises its error where it did not."""
        if done.exit_code != 0:
            raise self.error(done)
        return done.stdout

    def error(self, done: Completed) -> EngineError:
        """The error that a command's exit code and text stand for."""
        error = translate(done.argv, done.exit_code, done.stderr)
        if isinstance(error, EngineUnreachable | HostLacks):
            self._forget()
        return error

    def call_together(self, *argvs: Sequence[str], timeout: float | None = None) -> list[Completed]:
        """Run several commands at the same time, whatever their exit codes. Raises EngineMissing and EngineHung."""
        return self._collect([self._start(argv, None) for argv in argvs], timeout)

    def popen(
        self,
        *args: str,
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = None,
        stderr: Stream = None,
        interactive: bool = False,
        keep: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a command whose streams pass through (exec, logs, cp, volume export); the caller waits for it.

        `interactive` leaves it in the terminal's foreground group, so that it may read the terminal and gets Ctrl-C.
        `keep`: descriptors that it inherits.
        Raises EngineMissing.
        """
        try:
            return subprocess.Popen(
                [self.binary, *args],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                env=self._environment(),
                start_new_session=not interactive,
                pass_fds=keep,
            )
        except OSError as error:
            self._forget()
            raise _missing(self.binary, error) from error

    def _forget(self) -> None:
        # What discovery remembers has proved wrong, so the next run is to look again.
        if self.facts is not None:
            with contextlib.suppress(OSError):
                self.facts.unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        # Podman looks for conmon, runc and its helpers along PATH; without one it can't start anything.
        return {"PATH": _DEFAULT_PATH, **self.env}

    def _start(self, args: Sequence[str], input: bytes | None) -> _Call:
        stdin = _scratch(input) if input is not None else None
        out, err = _scratch(), _scratch()
        try:
            child = self.popen(*args, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err)
        except EngineError:
            out.close()
            err.close()
            raise
        finally:
            if stdin:
                stdin.close()
        return _Call((self.binary, *args), child, out, err)

    def _collect(self, calls: Sequence[_Call], timeout: float | None) -> list[Completed]:
        limit = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + limit
        hung = [call for call in calls if not call.ended(deadline)]
        if hung:
            _kill(hung)
            for call in calls:
                call.out.close()
                call.err.close()
            self._forget()
            raise _hung(hung[0].argv, limit)
        return [call.result() for call in calls]


class _Call(NamedTuple):
    """A command under way. Its output goes to memory files and not to pipes.

    A pipe would be held open by a grandchild (conmon) after the command ended, and would kill the command by SIGPIPE
    where we are interrupted: a file does neither.
    """

    argv: tuple[str, ...]
    child: subprocess.Popen[bytes]
    out: BinaryIO
    err: BinaryIO

    def ended(self, deadline: float) -> bool:
        """Wait until it has ended or the deadline (of the monotonic clock) has passed."""
        return _wait(self.child, max(0.0, deadline - time.monotonic()))

    def result(self) -> Completed:
        return Completed(self.argv, self.child.returncode, _text(self.out), _text(self.err))


def _scratch(content: bytes | None = None) -> BinaryIO:
    # Memory where the kernel has it: a full disk must not keep us from reading the error that says so.
    file: BinaryIO
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("vdictl-engine"), "w+b")
    else:
        import tempfile

        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    if content is not None:
        file.write(content)
        file.flush()
        file.seek(0)
    return file


def _text(file: BinaryIO) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def _wait(child: subprocess.Popen[bytes], seconds: float) -> bool:
    # Popen.wait(timeout) polls with pauses of up to 50 ms, as long as a whole call takes; a pidfd wakes at once.
    if child.poll() is not None:
        return True
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(child.pid)
        except OSError:
            pass
        else:
            try:
                poller = select.poll()
                poller.register(descriptor, select.POLLIN)
                if poller.poll(seconds * 1000):
                    child.wait()
                    return True
                return child.poll() is not None
            finally:
                os.close(descriptor)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill(calls: Sequence[_Call]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        # SIGKILL goes to those whose first process has ended too: its children may be deaf to SIGTERM.
        for call in calls:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(call.child.pid, number)
        deadline = time.monotonic() + _GRACE
        for call in calls:
            call.ended(deadline)


def _hung(argv: Sequence[str], limit: float) -> EngineHung:
    return EngineHung(
        f"the container engine gave no answer within {limit:g} s",
        details=f"killed: {' '.join(redact(argv))}",
        advice="The engine or its storage may be stuck; see `vdictl doctor`, then try again.",
    )


def _missing(binary: str, error: OSError) -> EngineMissing:
    return EngineMissing(
        f"the container engine {binary} can't be started",
        details=str(error),
        advice="Install Podman (on Debian and Ubuntu: apt-get install podman), or see `vdictl doctor`.",
    )
