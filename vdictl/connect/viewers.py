"""Find what shows a desktop on this machine: a browser for the page, a native viewer for VNC; or say why there is none.

No secret is ever an argument: a browser gets the path of a redirect file (`redirect.write`), a native viewer that of a
password file, and one that cannot read such a file asks the person.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final, TypeAlias

from vdictl.connect import children
from vdictl.contract.model import Command

_BROWSERS: Final = (
    *("xdg-open", "x-www-browser", "sensible-browser", "gio"),  # what the person or the system has chosen
    *("firefox", "firefox-esr", "chromium", "chromium-browser", "google-chrome", "microsoft-edge", "brave-browser"),
    *("falkon", "epiphany"),
)
_TEXT_BROWSERS: Final = frozenset({"w3m", "lynx", "links", "elinks", "www-browser"})


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A program that shows the desktop."""

    name: str
    command: Command
    asks: bool = False  #: it asks for the password, which must be told to the person


@dataclass(frozen=True, kw_only=True)
class NoViewer:
    """Why nothing can be opened here, as a sentence; the link is what remains."""

    reason: str


Found: TypeAlias = Viewer | NoViewer


def find_browser(file: Path, environment: Mapping[str, str], *, platform: str = sys.platform) -> Found:
    """What opens the redirect file. `$BROWSER` wins, also in an SSH session: who sets it knows why."""
    chosen = _from_variable(environment.get("BROWSER", ""), str(file), environment)
    if chosen:
        return chosen
    if _wsl(environment):
        return _wsl_browser(file, environment)
    if platform == "darwin":
        return _viewer("open", ("open", str(file)), environment)
    if platform == "win32":
        return _viewer("start", ("cmd", "/c", "start", "", str(file)), environment)
    reason = _no_screen(environment)
    if reason:
        return NoViewer(reason=reason)
    for name in _BROWSERS:
        if _which(name, environment):
            return _viewer(name, (name, *(["open"] if name == "gio" else []), str(file)), environment)
    return NoViewer(reason="No browser was found on this machine.")


def find_vnc_viewer(
    host: str, port: int, password_file: Path | None, environment: Mapping[str, str], *, platform: str = sys.platform
) -> Found:
    """A native viewer for VNC at `host`:`port` (a tunnel's near end). TigerVNC first: it reads the password file.

    `password_file` holds `des.password_file`, mode 0600; `None`: the server wants no password.
    """
    if platform == "darwin" and not _wsl(environment):
        return Viewer(name="Screen Sharing", command=_command(("open", f"vnc://{host}:{port}"), environment), asks=True)
    reason = _no_screen(environment)
    if reason:
        return NoViewer(reason=reason)
    for name, arguments, reads in _vnc_programs(host, port, password_file):
        if _which(name, environment):
            asks = password_file is not None and not reads
            return Viewer(name=name, command=_command((name, *arguments), environment), asks=asks)
    return NoViewer(reason="No VNC viewer was found on this machine. TigerVNC's fits best: tigervnc-viewer.")


def launch(viewer: Viewer, *, wait: float = 1.5) -> str:
    """Start it and let it run on its own. Gives "" back, or why it failed within `wait` seconds.

    It outlives us and is not ours to end. Its words go nowhere: browsers are talkative, and the terminal is not theirs.
    """
    command = viewer.command
    try:
        child = subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(command.environment) or None,
            start_new_session=True,
        )
    except OSError as error:
        return f"{viewer.name} could not be started: {error.strerror}."
    try:
        code = child.wait(wait)
    except subprocess.TimeoutExpired:
        child.returncode = 0  # it runs, and nobody waits for it any longer: Popen need not warn
        return ""
    # Windows' Explorer says 1 also when it has opened the file.
    return f"{viewer.name} ended with {code}." if code and viewer.name != "explorer.exe" else ""


def run(viewer: Viewer) -> tuple[int, str]:
    """Start a viewer and wait until the person closes it: its exit code and the end of what it said."""
    child = children.start(viewer.command)
    try:
        _, said = child.communicate()
    finally:
        children.end(child)
    return child.returncode, children.words(said)


def _vnc_programs(host: str, port: int, password_file: Path | None) -> Sequence[tuple[str, tuple[str, ...], bool]]:
    """Program, arguments, and whether it reads the password file. `::` means a port where `:` means a display."""
    there = f"{host}::{port}"
    # Shared, or the page in the browser would be thrown out.
    reading = ("-shared", "-passwd", str(password_file), there) if password_file else ("-shared", there)
    return (
        ("xtigervncviewer", reading, True),
        ("vncviewer", reading, True),  # TigerVNC's and TightVNC's understand it alike
        ("xtightvncviewer", reading, True),
        ("ssvncviewer", reading, True),
        ("remmina", ("-c", f"vnc://{host}:{port}"), False),
        ("krdc", (f"vnc://{host}:{port}",), False),
        ("gvncviewer", (f"{host}::{port}",), False),
        ("vinagre", (f"vnc://{host}:{port}",), False),
    )


def _no_screen(environment: Mapping[str, str]) -> str:
    """Why a window cannot be opened here; "" if it can."""
    screen = environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY")
    remote = environment.get("SSH_CONNECTION") or environment.get("SSH_TTY")
    if environment.get("CI", "").lower() not in ("", "0", "false"):
        return "This is a CI job: nobody would see a window."
    if remote and not screen:
        return "This is an SSH session: a window would open on the machine at its far end, if at all."
    if not screen:
        return "This machine has no screen (neither DISPLAY nor WAYLAND_DISPLAY is set)."
    return ""


def _from_variable(value: str, file: str, environment: Mapping[str, str]) -> Viewer | None:
    """`$BROWSER`: alternatives parted by colons, `%s` is the address. One that reads in the terminal is no desktop."""
    for alternative in value.split(":"):
        try:
            words = shlex.split(alternative)
        except ValueError:
            continue
        if not words or Path(words[0]).name in _TEXT_BROWSERS or not _which(words[0], environment):
            continue
        arguments = [word.replace("%s", file) for word in words[1:]]
        if not any("%s" in word for word in words):
            arguments.append(file)
        return _viewer(Path(words[0]).name, (words[0], *arguments), environment)
    return None


def _wsl(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("WSL_DISTRO_NAME"))


def _wsl_browser(file: Path, environment: Mapping[str, str]) -> Found:
    """Windows' browser. `wslview` translates paths itself; Explorer wants them as Windows sees them."""
    if _which("wslview", environment):
        return _viewer("wslview", ("wslview", str(file)), environment)
    if _which("explorer.exe", environment):
        there = PureWindowsPath(rf"\\wsl.localhost\{environment['WSL_DISTRO_NAME']}", *file.parts[1:])
        return _viewer("explorer.exe", ("explorer.exe", str(there)), environment)
    return NoViewer(reason="Windows' programs cannot be reached from this WSL.")


def _viewer(name: str, argv: tuple[str, ...], environment: Mapping[str, str]) -> Viewer:
    return Viewer(name=name, command=_command(argv, environment))


def _command(argv: tuple[str, ...], environment: Mapping[str, str]) -> Command:
    return Command(argv=argv, environment=environment)


def _which(name: str, environment: Mapping[str, str]) -> str | None:
    return shutil.which(name, path=environment.get("PATH", ""))
