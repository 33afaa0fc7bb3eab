"""Another machine with a container engine, as far as one machine can show it: a real sshd, and Podman's service.

All is as between two machines but the kernel: other keys, another home, no variable of ours on the far side.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from vdictl.engine.engine import Engine

_SSHD = "/usr/sbin/sshd"
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/id.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PidFile none
LogLevel ERROR
MaxStartups 200
"""


@contextmanager
def far_machine(engine: Engine, folder: Path) -> Iterator[dict[str, str]]:
    """Variables with which Podman reaches `engine`'s storage over SSH; left out, with the reason, where it can't be."""
    _skip_unless_possible(engine)
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(_CONFIG.format(port=port, folder=folder))
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd will not start without
    service = f"unix://{folder}/podman.sock"
    sshd = subprocess.Popen([_SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL)
    podman = engine.popen("system", "service", "--time", "0", service, stderr=subprocess.DEVNULL)
    try:
        _until_there(folder / "podman.sock", port)
        far = f"ssh://root@127.0.0.1:{port}{folder}/podman.sock"
        yield {"HOME": str(home), "CONTAINER_HOST": far, "CONTAINER_SSHKEY": str(folder / "id")}
    finally:
        for process in (sshd, podman):
            process.terminate()
            process.wait(60)


def without_engine_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What the near machine has: nothing that was meant for this one's engine."""
    return {name: value for name, value in environment.items() if not name.startswith(("CONTAINER", "DOCKER"))}


def _skip_unless_possible(engine: Engine) -> None:
    if engine.kind != "podman":
        pytest.skip("the far machine of these tests runs Podman's service")
    if os.getuid() != 0:
        pytest.skip("an sshd that lets somebody log in wants root here")
    for program in (_SSHD, "ssh-keygen"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install openssh-server)")


def _until_there(path: Path, port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
                if link.recv(4) == b"SSH-" and path.exists():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("the far machine never answered")
