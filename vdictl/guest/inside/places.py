"""Where things are, seen from inside. Tests move them by setting `VDICTL_ROOT`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("VDICTL_ROOT", "/"))
RUN = ROOT / "run/vdictl"
STATE = ROOT / "var/lib/vdictl"
SHARE = ROOT / "usr/share/vdictl"
PAGE = Path(__file__).resolve().parent.parent / "page"

RFB = RUN / "rfb.sock"
CODE = RUN / "code.sock"
VNC_PASSWORD = RUN / "vnc-password"
SETTINGS = RUN / "desktop.json"
ENDING = RUN / "ending"  #: why the desktop is going down, written just before
ACTIVITY = RUN / "activity"  #: its mtime is the last sign of a person, where there is no X server to ask

ACCESS = STATE / "access.json"
EXPIRES = STATE / "expires"
ENVIRONMENT = STATE / "env.json"
DELIVERY = STATE / "delivery.json"
INPUTS = STATE / "inputs.json"
FIRST_BOOT_LOG = STATE / "first-boot.log"
MACHINE_ID = STATE / "machine-id"
SHARES = STATE / "shares.json"
SSH_HOST_KEY = STATE / "ssh-host-key"
SSH = RUN / "ssh"  #: keys that were let in, and sshd's settings

PAGE_PORT = 6080
DISPLAY = ":0"
X_SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - where every X client looks
X_LOCK = Path("/tmp/.X0-lock")  # noqa: S108
X_SOCKET = X_SOCKETS / "X0"
ICE_SOCKETS = Path("/tmp/.ICE-unix")  # noqa: S108


def runtime_dir() -> Path:
    """XDG_RUNTIME_DIR: on tmpfs, for this user alone. Not in /run/user, which an image's package may have made."""
    return RUN / "user"


def home() -> Path:
    """The user's home, which is a volume."""
    return Path(os.environ.get("HOME", "/home/user"))
