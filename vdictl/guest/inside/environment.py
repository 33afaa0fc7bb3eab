"""The environment that a person's programs run in: the session, and what `vdictl-guest run` starts."""

from __future__ import annotations

import os
import re

from . import places, records

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
#: What belongs to this desktop and not to its person; a delivered value must not break the way in.
_OURS = ("DISPLAY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "HOME", "USER", "LOGNAME")


def bus_address() -> str:
    """A fixed one, so that a shell from outside finds the session's bus."""
    return f"unix:path={places.runtime_dir() / 'bus'}"


def valid_name(name: object) -> bool:
    """Whether an environment variable can be called so."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def delivered() -> dict[str, str]:
    """The variables that the creating machine delivered (`--env`)."""
    kept = records.read_json(places.ENVIRONMENT)
    return {name: value for name, value in kept.items() if valid_name(name) and isinstance(value, str)}


def session(flavor: str) -> dict[str, str]:
    """All of it: what the container has, what a session needs, what was delivered."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("VDICTL_")}
    home = str(places.home())
    ours = {
        "HOME": home,
        "USER": "user",
        "LOGNAME": "user",
        "XDG_RUNTIME_DIR": str(places.runtime_dir()),
    }
    defaults = {
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "PATH": f"{home}/.local/bin:{_PATH}",
    }
    if flavor != "code":
        ours |= {"DISPLAY": places.DISPLAY, "DBUS_SESSION_BUS_ADDRESS": bus_address()}
        # No accessibility bus: nobody reads it, and each GTK program would wait for it.
        defaults |= {"XDG_SESSION_TYPE": "x11", "NO_AT_BRIDGE": "1"}
    if flavor == "xfce":  # what `startxfce4` would set; without it the menu is empty
        defaults |= {"XDG_CURRENT_DESKTOP": "XFCE", "XDG_MENU_PREFIX": "xfce-", "DESKTOP_SESSION": "xfce"}
    if flavor == "minimal":
        defaults |= {"XAPPLRESDIR": str(places.SHARE)}
    env.pop("container", None)
    env["PATH"] = defaults.pop("PATH")
    given = {name: value for name, value in delivered().items() if name not in _OURS}
    return {**defaults, **env, **given, **ours}
