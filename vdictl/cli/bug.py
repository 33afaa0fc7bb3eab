"""An error that nobody expected: a bug. Its traceback goes to a file, never to the terminal."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from vdictl import __version__
from vdictl.cli.reporting import show_error
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import VdictlError
from vdictl.core import paths
from vdictl.core.scrubbing import Scrubber, known_secrets, said


class Bug(VdictlError):
    """A bug in vdictl."""

    exit_code, slug = 3, "bug"


def report(error: Exception, argv: list[str], wishes: Wishes) -> int:
    """Write the traceback to a log file, and name it. Gives the exit code."""
    log = _write(error, argv)
    bug = Bug(
        f"This is a bug in vdictl: {type(error).__name__}.",
        details=f"The traceback is in {log}." if log else "The traceback could not be written anywhere.",
        advice="Please report it with that file. Nothing that was begun is lost: vdictl list",
    )
    show_error(bug, as_json=wishes.output == "json" or bool(wishes.fields))
    return bug.exit_code


def _write(error: Exception, argv: list[str]) -> Path | None:
    """No values of local variables, and only the verb of the command line: no secret gets in."""
    verb = next((word for word in argv if not word.startswith("-")), "")
    text = f"vdictl {__version__} {verb}\n" + _scrubbed(error, [word for word in argv if word != verb])
    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in (paths.state_dir(dict(os.environ)), Path(tempfile.gettempdir())):
        try:
            file = paths.make_private(folder) / name
            file.touch(mode=0o600, exist_ok=False)
            file.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return file
    return None


def _scrubbed(error: Exception, words: list[str]) -> str:
    """The traceback; what its messages quote of the command line, and of what that names, is taken out."""
    environment = dict(os.environ)
    scrubber = Scrubber((*known_secrets(None, None, environment), *said(words, environment)))
    lines = "".join(traceback.format_exception(error)).splitlines(keepends=True)
    return "".join(line if line.startswith('  File "') else scrubber.text(line) for line in lines)
