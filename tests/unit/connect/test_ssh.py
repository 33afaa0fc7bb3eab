"""Blocks of ssh's settings, a key pair, and a host key that is compared with its fingerprint, at a real sshd."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vdictl.connect.ssh import Block, Keys, direct, proxied, text
from vdictl.contract.errors import AuthFailed, Unavailable
from vdictl.contract.model import Endpoint

SSHD = "/usr/sbin/sshd"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """A real sshd that lets nobody in: its port, and its host key's fingerprint."""
    if not os.access(SSHD, os.X_OK) or shutil.which("ssh-keyscan") is None:
        pytest.skip("no sshd is installed here (Debian: apt-get install openssh-server)")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # as root it will not start without
    host = tmp_path / "host"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host)], check=True)
    told = subprocess.run(["ssh-keygen", "-lf", str(host)], check=True, capture_output=True, text=True).stdout.split()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "conf").write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nPidFile none\n")
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(tmp_path / "conf")], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port, told[1]
    process.terminate()
    process.wait(60)


def test_a_host_key_is_pinned_where_its_fingerprint_fits(server: tuple[int, str], tmp_path: Path) -> None:
    port, fingerprint = server
    keys, known = Keys.of(tmp_path / "state"), tmp_path / "state/known"
    endpoint = Endpoint(kind="ssh", host="127.0.0.1", port=port, username="root", fingerprint=fingerprint)
    block = direct("web.vdictl", endpoint, keys, known)
    assert (block.options["HostName"], block.options["Port"], block.options["User"]) == ("127.0.0.1", str(port), "root")
    assert known.read_text().startswith("web.vdictl ssh-ed25519 ")
    other = Endpoint(kind="ssh", host="127.0.0.1", port=port, fingerprint="SHA256:" + "A" * 43)
    known.unlink()
    with pytest.raises(AuthFailed):
        direct("web.vdictl", other, keys, known)
    assert not known.exists()


def test_nobody_there_is_told(tmp_path: Path) -> None:
    endpoint = Endpoint(kind="ssh", host="127.0.0.1", port=1, fingerprint="SHA256:x")
    with pytest.raises(Unavailable):
        direct("web.vdictl", endpoint, Keys.of(tmp_path), tmp_path / "known")


def test_without_a_fingerprint_ssh_asks_as_ever(tmp_path: Path) -> None:
    block = direct("web.vdictl", Endpoint(kind="ssh", host="h", port=22), Keys.of(tmp_path), tmp_path / "known")
    assert dict(block.options) == {"HostName": "h", "Port": "22"}


def test_odd_paths_survive_ssh(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path / 'a "b" 50% c')
    block = proxied("web.vdictl", keys, keys.known_hosts("local", "web"), ["my program", "100%", "it's"])
    assert block.options["ProxyCommand"] == "'my program' 100%% 'it'\"'\"'s'"
    (tmp_path / "config").write_text(text([block, Block(host="other", options={})]))
    argv = ["ssh", "-F", str(tmp_path / "config"), "-G", "web.vdictl"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    assert seen["identityfile"].replace("%%", "%") == str(keys.private)
