"""Start and end a `Command` as a child process that is ours alone."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import IO

from vdictl.contract.errors import NotConfigured, Unavailable
from vdictl.contract.model import Command

TAIL = 4096  #: bytes of stderr that are kept as evidence


def start(
    command: Command, *, stdout: int = subprocess.PIPE, stderr: int | IO[bytes] = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Start the command with a pipe for stdin, and for the others where nothing else is said, in its own session.

    Its own session, because Ctrl-C in the terminal is for us to handle, and because a program that wants to ask for
    a password finds no terminal and fails at once instead of stopping.

    Raises:
        NotConfigured: the program is not on this machine, or may not be run.
        Unavailable: the system could not start it (no memory, too many processes).
    """
    try:
        return subprocess.Popen(
            command.argv,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            env=dict(command.environment) or None,
            start_new_session=True,
            bufsize=0,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise NotConfigured(
            f"{command.argv[0]} cannot be run on this machine.",
            details=str(error),
            advice="Run `vdictl doctor` to see what is missing.",
        ) from error
    except OSError as error:
        raise Unavailable(f"{command.argv[0]} could not be started.", details=str(error)) from error


def end(child: subprocess.Popen[bytes], *, grace: float = 0.2) -> int:
    """Close its streams and wait; after `grace` seconds TERM, after one more KILL. Gives the exit code back.

    The whole process group goes, so that a helper of the child does not stay behind.
    """
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    for seconds, number in ((grace, signal.SIGTERM), (1.0, signal.SIGKILL)):
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, number)
    return child.wait()


def words(raw: bytes, limit: int = 500) -> str:
    """The end of what a program said, printable and on few lines: evidence for an error."""
    text = raw.decode(errors="replace").strip()[-limit:]
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
