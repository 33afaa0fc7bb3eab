"""What runs in each flavor, as data: programs, what they wait for, and whose death means what."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from . import environment, places, x11
from .settings import Settings

#: keep: start it again; group: its end ends the whole display, which starts again; leave: its death stays and shows.
Policy = Literal["keep", "group", "leave"]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One supervised program."""

    name: str
    argv: tuple[str, ...]
    env: Callable[[], Mapping[str, str]]  #: asked at each start: inputs may have come in between
    policy: Policy = "keep"
    display: bool = False  #: belongs to the display's group
    needs: tuple[Callable[[], bool], ...] = ()


def services(settings: Settings, session_may_start: Callable[[], bool]) -> tuple[Service, ...]:
    """All of a flavor, in the order in which they are begun."""

    def env() -> Mapping[str, str]:
        return environment.session(settings.flavor)

    page = Service(name="page", argv=("vdictl-guest", "serve"), env=env)
    if settings.flavor == "code":
        return (page, Service(name="code", argv=_code_server(), env=env, needs=(session_may_start,)))
    bus_up = _is_socket(places.runtime_dir() / "bus")
    needs = (display_up, bus_up, session_may_start)
    session = [
        Service(
            name=name, argv=tuple(shlex.split(line)), env=env, policy=policy, display=True,
            needs=(*needs, *_MORE_NEEDS.get(name, ())),
        )
        for name, line, policy in _SESSIONS.get(settings.flavor, _SESSIONS["minimal"])
    ]  # fmt: skip
    # The bus starts programs on demand, which take its environment: so it too waits for the inputs.
    bus = replace(_bus(env), needs=(display_up, session_may_start))
    return (_display(settings, env), bus, page, *session)


_TERMINAL = "xterm -class XTerm -geometry 100x28+60+48 -title Terminal"

#: The window manager is a service of ours in both: XFCE's own session manager would revive it unseen, again and again.
_SESSIONS: Mapping[str, tuple[tuple[str, str, Policy], ...]] = {
    "xfce": (
        ("window-manager", "xfwm4 --sm-client-disable", "leave"),
        ("settings", "xfsettingsd --no-daemon --disable-wm-check", "keep"),
        ("session", "xfce4-session", "group"),
    ),
    # Openbox starts the terminal itself: a window that asks to be shown while Openbox begins is never shown at all,
    # and nothing of Openbox's that can be seen from outside tells when that time is over.
    "minimal": (("window-manager", f"openbox --sm-disable --startup '{_TERMINAL}'", "leave"),),
}


def _display(settings: Settings, env: Callable[[], Mapping[str, str]]) -> Service:
    argv = (
        "Xtigervnc", places.DISPLAY, "-rfbport", "-1", "-rfbunixpath", str(places.RFB), "-rfbunixmode", "384",
        "-SecurityTypes", "VncAuth", "-PasswordFile", str(places.VNC_PASSWORD), "-nolisten", "tcp", "-noreset",
        "-desktop", settings.name or "desktop", "-geometry", settings.geometry, "-depth", "24",
        "-AcceptSetDesktopSize", "-AlwaysShared", "-MaxCutText", str(16 * 1024 * 1024), "-s", "0",
        "-Log", "*:stderr:10",  # not a page of figures at the end of each connection
        # All clients come over one socket and so look like one host: a wrong password must not lock out the right one.
        "-BlacklistThreshold", "1000000",
    )  # fmt: skip
    return Service(name="display", argv=argv, env=env, policy="group", display=True)


def _bus(env: Callable[[], Mapping[str, str]]) -> Service:
    address = f"--address={environment.bus_address()}"
    argv = ("dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", address)
    return Service(name="bus", argv=argv, env=env, policy="group", display=True)


def _code_server() -> tuple[str, ...]:
    return (
        "/opt/code/bin/node", "/opt/code/bin/code-server", "--socket", str(places.CODE), "--socket-mode", "600",
        "--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust",
        "--disable-getting-started-override", str(places.home()),
    )  # fmt: skip


def display_up() -> bool:
    """Whether the display server takes clients."""
    return places.X_SOCKET.exists() and _asked(lambda _: True)


def settings_up() -> bool:
    """Whether the themes and fonts are told (XSETTINGS)."""
    return _asked(lambda display: display.has_owner("_XSETTINGS_S0"))


def _asked(question: Callable[[x11.XConnection], bool]) -> bool:
    try:
        with x11.XConnection(timeout=0.2) as display:
            return question(display)
    except x11.XError:
        return False


#: Without its settings daemon, XFCE's programs take GTK's default theme and keep half of it.
_MORE_NEEDS: Mapping[str, tuple[Callable[[], bool], ...]] = {"session": (settings_up,)}


def _is_socket(path: Path) -> Callable[[], bool]:
    def there() -> bool:
        try:
            return stat.S_ISSOCK(path.stat().st_mode)
        except OSError:
            return False

    return there
