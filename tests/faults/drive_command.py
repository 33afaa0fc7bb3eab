"""The real command on the cloud in memory, killed or interrupted at a call: `drive_command.py HOW N WORDS...`.

`HOW`: "kill" (SIGKILL), "int" (SIGINT), "int2" (SIGINT, and again at the next call), "count" (writes the number of
calls to the file N).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from vdictl.cli.main import run
from vdictl.testing.memory.cloud import Cloud

HOW, NUMBER = sys.argv[1], sys.argv[2]
calls = 0


def tap(_: str, moment: str) -> None:
    """At each call."""
    global calls  # noqa: PLW0603 - one process, one count
    calls += moment == "before"
    if HOW == "count":
        Path(NUMBER).write_text(str(calls))
    elif HOW == "kill" and calls == int(NUMBER):
        os.kill(os.getpid(), signal.SIGKILL)
    elif moment == "before" and calls in (int(NUMBER), int(NUMBER) + (HOW == "int2")):
        os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Put the tap on every cloud, and run."""
    make = Cloud.__init__

    def tapped(self: Cloud, **given: object) -> None:
        make(self, **given)  # type: ignore[arg-type]  # as the original's
        self.tap = tap

    Cloud.__init__ = tapped  # type: ignore[method-assign]  # this process is there for nothing else
    sys.argv = ["vdictl", *sys.argv[3:]]
    run()


if __name__ == "__main__":
    main()
