"""ssh, scp and rsync into hardened desktops without a port, by what `vdictl ssh-config` writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_main_job import Shell

pytestmark = pytest.mark.engine


@pytest.fixture
def shell(desktop_engine: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    for program in ("ssh", "scp", "rsync"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install openssh-client rsync)")
    fleet = f"ssh-{uuid.uuid4().hex[:6]}"
    run = Shell({**os.environ, **desktop_engine, "VDICTL_FLEET": fleet, "VDICTL_OWNER": "person"}, tmp_path)
    yield run
    run("destroy", "--all", "--yes", "--with-volumes", "--ignore-not-found")


def near(shell: Shell, *argv: str, code: int = 0) -> str:
    """A program of this machine's, as the person runs it: without any variable of vdictl's but the engine."""
    told = shell.environment.items()
    environment = {name: value for name, value in told if not name.startswith(("VDICTL_", "XDG_"))}
    if engine := shell.environment.get("VDICTL_ENGINE"):
        environment["VDICTL_ENGINE"] = engine
    done = subprocess.run(
        argv, capture_output=True, text=True, env=environment, cwd=shell.folder, timeout=120, check=False
    )
    assert done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


def test_ssh_scp_and_rsync_reach_a_desktop(shell: Shell) -> None:
    shell("create", "web", "--flavor", "minimal")
    shell("ssh-config", "--output-file", "config")
    ssh = ("ssh", "-F", "config", "-o", "BatchMode=yes")
    said = near(shell, *ssh, "web.vdictl", 'id -un; echo "$DISPLAY"; tty; cat /proc/self/status | grep CapEff')
    assert said.split()[:2] == ["user", ":0"] and said.split()[-1] == "0" * 16
    near(shell, *ssh, "web.vdictl", "exit 3", code=3)
    assert "/dev/pts" in near(shell, *ssh, "-tt", "web.vdictl", "tty")

    (shell.folder / "folder").mkdir()
    data = os.urandom(1_000_000)
    (shell.folder / "folder/blob").write_bytes(data)
    near(shell, "scp", "-F", "config", "-q", "folder/blob", "web.vdictl:")
    near(shell, "rsync", "-a", "-e", "ssh -F config", "folder", "web.vdictl:")
    near(shell, "rsync", "-a", "-e", "ssh -F config", "web.vdictl:folder/blob", "back")
    assert (shell.folder / "back").read_bytes() == data
    assert near(shell, *ssh, "web.vdictl", "cmp blob folder/blob && echo same") == "same\n"

    shell("restart", "web")
    assert near(shell, *ssh, "web.vdictl", "echo again") == "again\n"  # the same host key
    shell("destroy", "web", "--with-volumes")
    near(shell, *ssh, "web.vdictl", "true", code=255)
    shell("create", "web", "--flavor", "minimal", "-q")
    assert near(shell, *ssh, "web.vdictl", "echo anew") == "anew\n"  # another one, told anew by the desktop itself


def test_a_wrong_host_key_ends_it(shell: Shell) -> None:
    shell("create", "web", "--flavor", "minimal", "-q")
    shell("ssh-config", "web", "--output-file", "config")
    config = shell.folder / "config"
    [line] = [line for line in config.read_text().splitlines() if "UserKnownHostsFile" in line]
    near(shell, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "wrong")
    pinned = shell.folder / "pinned"
    pinned.write_text("web.vdictl " + (shell.folder / "wrong.pub").read_text())
    config.write_text(config.read_text().replace(line, f"    UserKnownHostsFile {pinned}"))
    near(shell, "ssh", "-F", "config", "-o", "BatchMode=yes", "web.vdictl", "true", code=255)
