"""A user without any rights, made for a test and taken away after it, who runs the real command."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.cli.front import ROOT, Vdictl

_PROGRAMS = ("useradd", "userdel", "setpriv", "podman", "newuidmap")


@dataclass
class Ordinary(Vdictl):
    """The command, run by another user, with a Python that this user may start."""

    user: str = ""
    python: str = sys.executable

    def argv(self, *words: str) -> list[str]:
        """As the system gets it."""
        return [*self.become(), self.python, "-m", "vdictl", *words]

    def become(self) -> list[str]:
        """What stands before a command for the user to run it. Neither a session nor a process comes in between."""
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups", "--"]

    def podman(self, *words: str, stdin: int = subprocess.DEVNULL) -> str:
        """What the user's Podman says, asked with what vdictl found that it needs here."""
        needs = json.loads((self.state / "local/engine.json").read_text())["extra"]
        argv = [*self.become(), "podman", *words]
        done = subprocess.run(
            argv, env=self.env | needs, cwd=self.work, stdin=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout


@contextmanager
def ordinary_user() -> Iterator[Ordinary]:
    """Make one, with ranges of subordinate ids; left out, with the reason, where that can't be."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"not root, who could make a user, or not installed: {', '.join(missing) or 'nothing'}")
    name = f"vdt{secrets.token_hex(4)}"
    # Not under pytest's folder: that is root's alone, and overlay needs a real disk.
    folder = Path(tempfile.mkdtemp(prefix="vdictl-user-", dir="/var/tmp"))
    _do("useradd", "--system", "--no-create-home", "--home-dir", str(folder / "home"), "--user-group", name)
    try:
        _give_ranges(name)
        vdictl = Ordinary(folder, env={"USER": name, "PYTHONPATH": str(folder / "program")}, user=name)
        vdictl.config.write_text("")
        _lay_out(folder / "program")
        _do("chown", "--recursive", f"{name}:{name}", str(folder))
        vdictl.python = _python(vdictl)
        yield vdictl
    finally:
        _end_all(pwd.getpwnam(name).pw_uid)
        _do("userdel", name)
        shutil.rmtree(folder, ignore_errors=True)


def _do(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _give_ranges(name: str) -> None:
    """65536 ids of each kind, above all that are given away; `useradd` gives none to a system's user."""
    texts = [Path(file).read_text() if Path(file).exists() else "" for file in ("/etc/subuid", "/etc/subgid")]
    rows = [line.split(":") for text in texts for line in text.splitlines() if line.count(":") == 2]
    first = max([100000, *(int(start) + int(count) for _, start, count in rows)])
    span = f"{first}-{first + 65535}"
    _do("usermod", "--add-subuids", span, "--add-subgids", span, name)


def _lay_out(folder: Path) -> None:
    """The program and what it stands on, copied: our own folders may be closed to others."""
    for source in (ROOT / "vdictl", ROOT / "providers/vdictl_local"):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    seen: set[str] = set()
    wanted = [*_requirements("vdictl")]
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        wanted += _requirements(name)
        for file in importlib.metadata.files(name) or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), folder / file)


def _requirements(name: str) -> Iterator[str]:
    for text in importlib.metadata.requires(name) or ():
        needs = Requirement(text)
        if needs.marker is None or needs.marker.evaluate({"extra": "local" if name == "vdictl" else ""}):
            yield needs.name


def _python(vdictl: Ordinary) -> str:
    """One that the user may start: ours may lie in root's home."""
    for python in (sys.executable, "/usr/bin/python3", shutil.which("python3") or ""):
        test = [*vdictl.become(), python, "-c", "import sys; sys.exit(sys.version_info[:2] < (3, 11))"]
        if python and subprocess.run(test, cwd="/", capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip("no Python of 3.11 or newer that an ordinary user could start")


def _end_all(uid: int) -> None:
    """Podman leaves a process that holds the user's namespace; whatever runs as this user is the test's."""
    end = time.monotonic() + 60
    while left := [int(one.name) for one in Path("/proc").glob("[0-9]*") if _runs_as(one, uid)]:
        assert time.monotonic() < end, left
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _runs_as(process: Path, uid: int) -> bool:
    try:
        return process.stat().st_uid == uid and ") Z " not in (process / "stat").read_text()
    except OSError:
        return False
