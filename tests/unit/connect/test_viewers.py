"""Which program is found where, and what it is told: made-up machines, real programs for starting."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vdictl.connect.viewers import NoViewer, Viewer, find_browser, find_vnc_viewer, launch, run
from vdictl.contract.model import Command

FILE = Path("/run/user/1000/vdictl/open-1.html")
Machine = Callable[..., dict[str, str]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """The environment of a machine that has these programs."""

    def make(*programs: str, **environment: str) -> dict[str, str]:
        for name in programs:
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": str(tmp_path), **environment}

    return make


def argv(found: Viewer | NoViewer) -> tuple[str, ...]:
    assert isinstance(found, Viewer), found
    return found.command.argv


def reason(found: Viewer | NoViewer) -> str:
    assert isinstance(found, NoViewer), found
    return found.reason


def test_a_browser_on_a_desktop(machine: Machine) -> None:
    both = machine("xdg-open", "firefox", DISPLAY=":0")
    assert argv(find_browser(FILE, both, platform="linux")) == ("xdg-open", str(FILE))
    wayland = {**machine("gio"), "WAYLAND_DISPLAY": "wayland-0"}
    assert argv(find_browser(FILE, {**wayland, "PATH": both["PATH"]}, platform="linux"))[0] == "xdg-open"


def test_gio_needs_its_verb(machine: Machine) -> None:
    assert argv(find_browser(FILE, machine("gio", DISPLAY=":0"), platform="linux")) == ("gio", "open", str(FILE))


def test_the_environment_goes_along(machine: Machine) -> None:
    found = find_browser(FILE, machine("firefox", DISPLAY=":7"), platform="linux")
    assert isinstance(found, Viewer)
    assert found.command.environment["DISPLAY"] == ":7"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mine", ("mine", str(FILE))),
        ("mine --new-window %s --quiet", ("mine", "--new-window", str(FILE), "--quiet")),
        ("nosuch:mine", ("mine", str(FILE))),
        ("w3m:mine", ("mine", str(FILE))),
        ("'unclosed:mine", ("mine", str(FILE))),
    ],
)
def test_browser_variable(machine: Machine, value: str, expected: tuple[str, ...]) -> None:
    environment = machine("mine", "w3m", "xdg-open", BROWSER=value, SSH_CONNECTION="x")
    assert argv(find_browser(FILE, environment, platform="linux")) == expected


def test_no_screen_has_a_reason(machine: Machine) -> None:
    assert "no screen" in reason(find_browser(FILE, machine("xdg-open"), platform="linux"))
    ssh = machine("xdg-open", SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22")
    assert "SSH session" in reason(find_browser(FILE, ssh, platform="linux"))
    ci = machine("xdg-open", DISPLAY=":99", CI="true")
    assert "CI job" in reason(find_browser(FILE, ci, platform="linux"))
    assert "CI job" in reason(find_vnc_viewer("127.0.0.1", 5900, None, ci, platform="linux"))
    text = machine("w3m", BROWSER="w3m")
    assert "no screen" in reason(find_browser(FILE, text, platform="linux"))


def test_nothing_found_has_a_reason(machine: Machine) -> None:
    bare = machine(DISPLAY=":0")
    assert "No browser" in reason(find_browser(FILE, bare, platform="linux"))
    assert "tigervnc-viewer" in reason(find_vnc_viewer("127.0.0.1", 5900, None, bare, platform="linux"))


def test_other_systems(machine: Machine) -> None:
    assert argv(find_browser(FILE, machine(), platform="darwin")) == ("open", str(FILE))
    assert argv(find_browser(FILE, machine(), platform="win32")) == ("cmd", "/c", "start", "", str(FILE))
    wsl = machine("wslview", "explorer.exe", WSL_DISTRO_NAME="Debian")
    assert argv(find_browser(FILE, wsl, platform="linux")) == ("wslview", str(FILE))


def test_windows_sees_a_wsl_path_its_own_way(machine: Machine) -> None:
    found = find_browser(FILE, machine("explorer.exe", WSL_DISTRO_NAME="Debian"), platform="linux")
    assert argv(found) == ("explorer.exe", r"\\wsl.localhost\Debian\run\user\1000\vdictl\open-1.html")
    (Path(machine()["PATH"]) / "explorer.exe").unlink()
    assert "WSL" in reason(find_browser(FILE, machine(WSL_DISTRO_NAME="Debian"), platform="linux"))


def test_vnc_viewers(machine: Machine) -> None:
    secret = Path("/run/user/1000/vdictl/password")
    everything = machine("remmina", "xtigervncviewer", "vncviewer", DISPLAY=":0")
    tiger = find_vnc_viewer("127.0.0.1", 5907, secret, everything, platform="linux")
    assert argv(tiger) == ("xtigervncviewer", "-shared", "-passwd", str(secret), "127.0.0.1::5907")
    assert isinstance(tiger, Viewer) and not tiger.asks
    open_one = find_vnc_viewer("127.0.0.1", 5907, None, everything, platform="linux")
    assert argv(open_one) == ("xtigervncviewer", "-shared", "127.0.0.1::5907")


def test_a_viewer_that_cannot_read_the_password_asks(machine: Machine) -> None:
    environment = machine("remmina", DISPLAY=":0")
    found = find_vnc_viewer("127.0.0.1", 5907, Path("/p"), environment, platform="linux")
    assert argv(found) == ("remmina", "-c", "vnc://127.0.0.1:5907")
    assert isinstance(found, Viewer) and found.asks
    without = find_vnc_viewer("127.0.0.1", 5907, None, environment, platform="linux")
    assert isinstance(without, Viewer) and not without.asks
    mac = find_vnc_viewer("127.0.0.1", 5907, Path("/p"), machine(), platform="darwin")
    assert argv(mac) == ("open", "vnc://127.0.0.1:5907")


def test_launch() -> None:
    begun = time.monotonic()
    assert launch(Viewer(name="true", command=Command(argv=("true",)))) == ""
    assert launch(Viewer(name="browser", command=Command(argv=("sh", "-c", "exit 3")))) == "browser ended with 3."
    assert "could not be started" in launch(Viewer(name="gone", command=Command(argv=("no-such-program",))))
    assert time.monotonic() - begun < 1
    assert launch(Viewer(name="long", command=Command(argv=("sleep", "1"))), wait=0.2) == ""


def test_run_waits() -> None:
    code, said = run(Viewer(name="v", command=Command(argv=("sh", "-c", "echo closed >&2; exit 4"))))
    assert (code, said) == (4, "closed")
