#!/usr/bin/env python3
"""Record docs/demo.cast from real commands on this machine's engine, and take the picture docs/desktop.png.

Commands run at a terminal of their own, in a fleet of their own that is taken away at the end; what they print and when
is as it was. That they are typed is played. Tokens are masked. Then `scripts/cast.py` draws docs/demo.svg.

Usage: .venv/bin/python scripts/record.py [--only-picture]
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import sys
import tempfile
import termios
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
COLUMNS, ROWS = 88, 22
COMMANDS = (
    "vdictl create",
    "vdictl list",
    "vdictl exec desktop -- sh -c 'echo hello > note.txt; cat /etc/debian_version'",
    "vdictl snapshot create desktop before",
    "vdictl exec desktop rm note.txt",
    "vdictl snapshot restore desktop before --yes",
    "vdictl exec desktop cat note.txt",
    "vdictl destroy desktop --with-volumes --with-snapshots",
)
KEY, ENTER, AFTER = 0.035, 0.3, 1.0  # seconds: a key, before Enter, before the next prompt
PROMPT = "\x1b[1m$\x1b[0m "
SECRET = re.compile(r"(token=)[\w-]{8,}")
NOTES = (
    "# Notes\n\nA desktop, made by one command:\n\n    vdictl create\n\nand taken away by one:\n\n    vdictl destroy\n"
)
WINDOWS = """printf %s "$NOTES" > notes.md
printf 'grep PRETTY /etc/os-release; id; free -h; exec bash' > look.sh
setsid xfce4-terminal --geometry=80x18+60+100 --hide-scrollbar -x bash look.sh &
setsid mousepad notes.md &"""
MOST_SECONDS = 120.0

Event = tuple[float, str]


class Recorder:
    """A stage for commands: an owner, a fleet and folders that are used for this only."""

    def __init__(self, folder: Path) -> None:
        """Nothing has run."""
        self._now = 0.0
        self._environment = os.environ | {
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
            "LINES": str(ROWS),
            "VDICTL_FLEET": f"demo-{uuid.uuid4().hex[:6]}",
            "VDICTL_OWNER": "you",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "providers"))),
        }

    def play(self, line: str) -> Iterator[Event]:
        """Type the line, run it, and give what is seen."""
        yield self._now, PROMPT
        for key in line:
            self._now += KEY
            yield self._now, key
        self._now += ENTER
        yield self._now, "\r\n"
        begun, shown_at = time.monotonic(), self._now
        for at, text in self._run(line):
            yield shown_at + at - begun, text
        self._now = shown_at + time.monotonic() - begun + AFTER

    def vdictl(self, *words: str) -> str:
        """Run it with no terminal; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "vdictl", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"vdictl {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def _run(self, line: str) -> Iterator[Event]:
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        argv = [sys.executable, "-m", *shlex.split(line)]
        process = subprocess.Popen(
            argv, env=self._environment, stdin=far, stdout=far, stderr=far, start_new_session=True
        )
        os.close(far)
        while select.select([near], [], [], 600)[0]:
            try:
                part = os.read(near, 65536)
            except OSError:  # the far end is closed
                break
            if not part:
                break
            yield time.monotonic(), part.decode()
        os.close(near)
        if process.wait(60):
            raise SystemExit(f"{line}: exit code {process.returncode}")


def masked(events: list[Event]) -> list[Event]:
    """No token, also where a reader got it in two parts."""
    whole: list[Event] = []
    for at, text in events:
        if whole and re.search(r"token=[\w-]*$", whole[-1][1]):
            whole[-1] = (whole[-1][0], whole[-1][1] + text)
        else:
            whole.append((at, text))
    return [(at, SECRET.sub(r"\1***", text)) for at, text in whole]


def write_cast(events: list[Event]) -> None:
    """As an asciicast, version 2."""
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "vdictl: a desktop, made and taken away"}
    lines = [json.dumps(head), *(json.dumps([round(at, 3), "o", text]) for at, text in events)]
    (DOCS / "demo.cast").write_text("\n".join(lines) + "\n", encoding="utf-8")


def take_picture(stage: Recorder, folder: Path) -> None:
    """A desktop with two windows; the picture is taken when it has stopped changing."""
    stage.vdictl("create", "picture", "--option", "geometry=1280x800", "--env", f"NOTES={NOTES}")
    file = folder / "picture.png"

    def look() -> bytes:
        stage.vdictl("screenshot", "picture", str(file))
        return file.read_bytes()

    empty = look()
    stage.vdictl("exec", "picture", "--", "sh", "-c", WINDOWS.replace("&", ">/dev/null 2>&1 </dev/null &"))
    seen, end = [empty], time.monotonic() + MOST_SECONDS
    while len(seen) < 4 or len({*seen[-3:]}) > 1 or seen[-1] == empty:
        if time.monotonic() > end:
            raise SystemExit("the desktop does not come to rest")
        time.sleep(1.0)
        seen.append(look())
    (DOCS / "desktop.png").write_bytes(seen[-1])


def main() -> int:
    """Record, picture, and tidy up."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage = Recorder(folder)
        try:
            if "--only-picture" not in sys.argv:
                write_cast(masked([event for line in COMMANDS for event in stage.play(line)]))
            take_picture(stage, folder)
        finally:
            everything = ("--with-volumes", "--with-snapshots", "--ignore-not-found")
            stage.vdictl("destroy", "--all", "--yes", *everything)
    return subprocess.run([sys.executable, ROOT / "scripts/cast.py"], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
