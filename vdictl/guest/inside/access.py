"""What opens this desktop: the token of its page and the password of its VNC. They live as long as the state volume."""

from __future__ import annotations

import secrets
import string
import subprocess
from dataclasses import asdict, dataclass

from . import places, records

_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True)
class Access:
    """Both are secrets."""

    token: str  #: 256 random bits, safe in a URL's fragment
    password: str  #: VNC authentication takes 8 characters, not more

    def __repr__(self) -> str:
        return "Access(***)"


def ensure() -> Access:
    """The access that is there; made on the first start."""
    kept = records.read_json(places.ACCESS)
    token, password = kept.get("token"), kept.get("password")
    if isinstance(token, str) and isinstance(password, str) and len(token) >= 22 and len(password) == 8:
        return Access(token=token, password=password)
    made = Access(token=secrets.token_urlsafe(32), password="".join(secrets.choice(_LETTERS) for _ in range(8)))
    records.write_json(places.ACCESS, asdict(made))
    return made


def write_vnc_password(password: str) -> None:
    """The file that the display server reads; the password goes through a pipe, never through an argument."""
    done = subprocess.run(["tigervncpasswd", "-f"], input=password.encode() + b"\n", capture_output=True, check=True)
    records.write(places.VNC_PASSWORD, done.stdout)
