"""Run a provider's `Command` to its end and take what it says."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from vdictl.contract.errors import Unavailable, Unsupported, VdictlError
from vdictl.contract.model import Command

TOO_OLD = "This desktop was made by an older vdictl, and what runs inside does not know this."
ANEW = "Make it anew; its home is kept: vdictl destroy NAME; vdictl create NAME"


def is_usage(said: bytes) -> bool:
    """Whether the guest says how it is used: it does so where it does not know a command."""
    return b"usage: vdictl-guest" in said


def output(command: Command, *, stdin: bytes = b"", timeout: float) -> bytes:
    """What the command writes to stdout.

    Raises:
        Unavailable: it could not be started, gave no answer within `timeout` seconds, or failed; `details` has the
        end of its stderr. Unsupported: the guest inside is older than this vdictl and does not know it.
    """
    try:
        done = subprocess.run(
            command.argv,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            env=dict(command.environment) or None,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"No answer from inside the desktop within {timeout:.0f} seconds.") from error
    except OSError as error:
        raise Unavailable(f"{command.argv[0]} could not be started.", details=str(error)) from error
    if done.returncode != 0:
        if is_usage(done.stderr):
            raise Unsupported(TOO_OLD, advice=ANEW)
        tail = done.stderr.decode(errors="replace")[-500:].strip()
        raise Unavailable(f"A command inside the desktop ended with {done.returncode}.", details=tail)
    return done.stdout


def answer(command: Command, *, stdin: bytes = b"", timeout: float) -> dict[str, Any]:
    """What the command writes to stdout, as one JSON object."""
    text = output(command, stdin=stdin, timeout=timeout)
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Unavailable("The desktop answered something that is no JSON.", details=ascii(text[:200])) from error
    if not isinstance(data, dict):
        raise VdictlError("The desktop answered with another form of JSON.", details=ascii(text[:200]))
    return data
