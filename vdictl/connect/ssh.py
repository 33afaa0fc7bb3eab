"""What ssh needs to reach desktops: a key pair of ours, host keys that were told or pinned, and blocks of settings."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vdictl.contract.errors import AuthFailed, NotConfigured, Unavailable, VdictlError
from vdictl.contract.model import Endpoint
from vdictl.core import paths
from vdictl.core.private import Draft

DOMAIN: Final = "vdictl"  #: `ssh NAME.vdictl`
USER: Final = "user"
_KEYGEN_SECONDS: Final = 60.0
_SCAN_SECONDS: Final = 15
_INSTALL: Final = "Install OpenSSH's client (Debian: apt-get install openssh-client)."


@dataclass(frozen=True, kw_only=True)
class Block:
    """The settings of one host."""

    host: str
    options: Mapping[str, str]

    def text(self) -> str:
        """As it stands in ssh's configuration."""
        return "\n".join([f"Host {self.host}", *(f"    {name} {value}" for name, value in self.options.items())]) + "\n"


@dataclass(frozen=True)
class Keys:
    """A folder with a key pair of vdictl's own and the host keys of desktops. Deleting it loses nothing."""

    folder: Path

    @classmethod
    def of(cls, state_dir: Path) -> Keys:
        """Where it is."""
        return cls(state_dir / "ssh")

    @property
    def private(self) -> Path:
        """The key that opens desktops, without a passphrase: who reads it can do no more than who may run vdictl."""
        return self.folder / "id_ed25519"

    def known_hosts(self, *parts: str) -> Path:
        """The file with the host key of one desktop; `parts` tell it from others."""
        return self.folder / "hosts" / "_".join(parts)

    def public(self) -> str:
        """Type and text of the public key; the pair is made on first use.

        Raises:
            NotConfigured: there is no ssh-keygen. VdictlError: the folder cannot be written.
        """
        file = self.private.with_suffix(".pub")
        if not (self.private.exists() and file.exists()):
            self._make()
        return " ".join(file.read_text(encoding="utf-8").split()[:2])

    def trust(self, file: Path, host: str, key: str) -> None:
        """Write the host key that ssh is to expect."""
        self._make_folder(file.parent)
        with Draft(file, replace=True) as draft:
            draft.finish(f"{host} {key}\n")

    def _make(self) -> None:
        self._make_folder(self.folder)
        self.private.unlink(missing_ok=True)  # half a pair: ssh-keygen would ask
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vdictl", "-f", str(self.private)]
        done = _run(argv, timeout=_KEYGEN_SECONDS)
        if done.returncode:
            raise VdictlError("The key for SSH cannot be made.", details=done.stderr.strip()[-500:])

    @staticmethod
    def _make_folder(folder: Path) -> None:
        try:
            paths.make_private(folder)
        except OSError as error:
            raise VdictlError(f"{folder} cannot be made.", details=error.strerror or str(error)) from error


def proxied(host: str, keys: Keys, known_hosts: Path, command: Sequence[str]) -> Block:
    """A desktop without a port for SSH: `command` makes the connection, and writes the host key before."""
    import shlex  # only here

    options = {
        "User": USER,
        "ProxyCommand": shlex.join(command).replace("%", "%%"),
        "IdentityFile": _path(keys.private),
        "IdentitiesOnly": "yes",
        **_pinned(host, known_hosts),
    }
    return Block(host=host, options=options)


def direct(host: str, endpoint: Endpoint, keys: Keys, known_hosts: Path) -> Block:
    """A desktop with a port for SSH. Where its fingerprint is known its host key is fetched, compared and kept.

    Raises:
        AuthFailed: what answers there has another key. Unavailable: nothing answers.
    """
    options = {"HostName": endpoint.host, "Port": str(endpoint.port)}
    if endpoint.username:
        options["User"] = endpoint.username
    if endpoint.fingerprint:
        keys.trust(known_hosts, host, _fetched(endpoint))
        options |= _pinned(host, known_hosts)
    return Block(host=host, options=options)


def text(blocks: Iterable[Block]) -> str:
    """A whole file."""
    head = "# Written by vdictl (vdictl ssh-config); changes are overwritten.\n\n"
    return head + "\n".join(block.text() for block in blocks)


def _pinned(host: str, file: Path) -> dict[str, str]:
    return {
        "HostKeyAlias": host,
        "UserKnownHostsFile": _path(file),
        "GlobalKnownHostsFile": "none",
        "StrictHostKeyChecking": "yes",
    }


def _fetched(endpoint: Endpoint) -> str:
    argv = ["ssh-keyscan", "-T", str(_SCAN_SECONDS), "-p", str(endpoint.port), endpoint.host]
    rows = [line.split() for line in _run(argv, timeout=_SCAN_SECONDS + 5.0).stdout.splitlines() if line[:1] != "#"]
    found = [" ".join(row[1:3]) for row in rows if len(row) >= 3]
    if not found:
        raise Unavailable(f"No SSH server answers at {endpoint.host}:{endpoint.port}.")
    for key in found:
        told = _run(["ssh-keygen", "-l", "-f", "-"], timeout=_KEYGEN_SECONDS, stdin=f"{key}\n").stdout.split()
        if endpoint.fingerprint in told[1:2]:
            return key
    raise AuthFailed(
        f"The SSH server at {endpoint.host}:{endpoint.port} has another host key than this desktop.",
        details=f"Expected: {endpoint.fingerprint}.",
        advice="Somebody may stand in between. Do not log in there.",
    )


def _run(argv: Sequence[str], *, timeout: float, stdin: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise NotConfigured(f"{argv[0]} is not on this machine.", advice=_INSTALL) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{argv[0]} gave no answer.", details=type(error).__name__) from error


def _path(path: Path) -> str:
    return '"' + str(path).replace("%", "%%").replace('"', '\\"') + '"'
