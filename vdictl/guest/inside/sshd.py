"""One SSH connection on standard input and output, by an unprivileged sshd that lets in one key and no password.

Who may run programs inside may do everything already: the key only makes the two ends sure of each other.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from . import environment, places, records
from .settings import Settings

_SSHD = "/usr/sbin/sshd"
_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/]{60,100}={0,2}")

#: The folders above are 0700, but /run is for everybody: sshd's own look at modes would refuse that.
_CONFIG = """\
HostKey {host_key}
AuthorizedKeysFile {keys}
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
AllowUsers user
StrictModes no
X11Forwarding no
PermitTunnel no
PermitUserRC no
PrintMotd no
PrintLastLog no
PidFile none
LogLevel ERROR
Subsystem sftp /usr/lib/openssh/sftp-server
ForceCommand exec vdictl-guest ssh-session
"""


class Refused(Exception):
    """Why no connection can be served."""


def host_key() -> str:
    """The public half of this desktop's host key, which is made on first use."""
    public = places.SSH_HOST_KEY.with_suffix(".pub")
    with records.alone(places.SSH_HOST_KEY):
        if not public.exists():
            _make_host_key(public)
    return " ".join(public.read_text().split()[:2])


def _make_host_key(public: Path) -> None:
    """The public half comes last: where it is, both are whole."""
    with tempfile.TemporaryDirectory(dir=places.RUN) as folder:
        fresh = Path(folder, "key")
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(fresh)]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        records.write(places.SSH_HOST_KEY, fresh.read_bytes())
        records.write(public, fresh.with_suffix(".pub").read_bytes())


def serve(key: str) -> NoReturn:
    """Become the sshd of one connection, for whom `key` (a public key's type and text) is. Raises `Refused`."""
    if not _KEY.fullmatch(key):
        raise Refused("not an ed25519 public key")
    if not os.access(_SSHD, os.X_OK):
        raise Refused("this image has no sshd")
    host_key()
    places.SSH.mkdir(mode=0o700, exist_ok=True)
    stem = sha256(key.encode()).hexdigest()[:16]
    keys, config = places.SSH / f"{stem}.keys", places.SSH / f"{stem}.config"
    records.write(keys, f"restrict,pty,port-forwarding,agent-forwarding {key}\n".encode())
    records.write(config, _CONFIG.format(host_key=places.SSH_HOST_KEY, keys=keys).encode())
    os.execv(_SSHD, [_SSHD, "-i", "-e", "-f", str(config)])  # noqa: S606


def session() -> NoReturn:
    """What a login runs: the person's shell in the session's environment, or the command that was asked for."""
    env = environment.session(Settings.load().flavor)
    command = env.pop("SSH_ORIGINAL_COMMAND", None)
    shell = env["SHELL"]
    os.chdir(places.home())
    # A dash in front of its name makes a login shell, as sshd itself does.
    argv = [f"-{Path(shell).name}"] if command is None else [shell, "-c", command]
    os.execve(shell, argv, env)  # noqa: S606
