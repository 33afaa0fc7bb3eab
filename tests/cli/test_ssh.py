"""`vdictl ssh-config` and what ssh then runs; tests/integration/test_local_ssh.py logs in to real desktops."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.front import Vdictl

WHY = "no ssh-keygen is installed here (Debian: apt-get install openssh-client)"
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason=WHY)


def settings(vdictl: Vdictl, config: Path, host: str) -> dict[str, str]:
    """What ssh itself makes of the file."""
    argv = ["ssh", "-F", str(config), "-G", host]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=vdictl.env)
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def test_a_block_for_each_desktop_that_ssh_understands(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q")
    vdictl.ok("create", "other", "-q")
    shown = vdictl.ok("ssh-config").out
    assert shown.count("Host ") == 2 and "Host web.vdictl\n" in shown
    config = vdictl.work / "config"
    config.write_text(shown)
    seen = settings(vdictl, config, "web.vdictl")
    key = vdictl.state / "ssh/id_ed25519"
    assert (seen["user"], seen["identityfile"], seen["identitiesonly"]) == ("user", str(key), "yes")
    assert (seen["stricthostkeychecking"], seen["hostkeyalias"]) == ("true", "web.vdictl")
    assert key.stat().st_mode & 0o777 == 0o600 and key.parent.stat().st_mode & 0o777 == 0o700
    assert vdictl.ok("ssh-config", "web").out.count("Host ") == 1
    assert "AAAA" not in shown and "PRIVATE" not in shown


def test_what_ssh_runs_writes_the_host_key_and_is_the_connection(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q")
    [block] = vdictl.ok("ssh-config", "web", "-o", "json").data
    options = block["options"]
    argv = shlex.split(options["ProxyCommand"].replace("%%", "%"))
    done = subprocess.run(argv, capture_output=True, text=True, env=vdictl.env, cwd="/", check=False, timeout=60)
    public = " ".join((vdictl.state / "ssh/id_ed25519.pub").read_text().split()[:2])
    assert (done.returncode, done.stdout) == (0, f"SSH-2.0-memory\n{public}\n"), done.stderr
    known = Path(options["UserKnownHostsFile"].strip('"'))
    assert known.read_text().startswith("web.vdictl ssh-ed25519 AAAA")
    assert known.stat().st_mode & 0o777 == 0o600


def test_a_file_is_written_whole_for_its_owner_alone(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q")
    written = vdictl.folder / "home/.ssh/config.d/vdictl"
    done = vdictl.ok("ssh-config", "--write")
    assert done.out == f"{written}\n" and f"Include {written}" in done.err
    assert [path.stat().st_mode & 0o777 for path in (written, written.parent, written.parent.parent)] == [
        0o600,
        0o700,
        0o700,
    ]
    (written.parent.parent / "config").write_text(f"Include {written}\n")
    assert settings(vdictl, written.parent.parent / "config", "web.vdictl")["user"] == "user"
    vdictl.ok("create", "second", "-q")
    vdictl.ok("ssh-config", "--write", "-q")
    assert written.read_text().count("Host ") == 2
    vdictl.ok("ssh-config", "second", "--output-file", "mine")
    assert (vdictl.work / "mine").read_text().count("Host ") == 1
    assert vdictl("ssh-config", "--write", "--output-file", "x").code == 2


def test_the_key_is_made_once_and_half_a_pair_anew(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q")
    key = vdictl.state / "ssh/id_ed25519"
    vdictl.ok("ssh-config")
    first = key.read_text()
    vdictl.ok("ssh-config")
    assert key.read_text() == first
    key.with_suffix(".pub").unlink()
    vdictl.ok("ssh-config")
    assert key.read_text() != first and key.with_suffix(".pub").exists()


def test_one_that_does_not_run_is_told(vdictl: Vdictl) -> None:
    assert vdictl.ok("ssh-config").out == ""
    assert vdictl("ssh-config", "web").code == 4
    assert vdictl("ssh-config", "No Name").code == 2
    vdictl.ok("create", "web", "-q")
    vdictl.ok("stop", "web")
    assert "Host web.vdictl" in vdictl.ok("ssh-config").out  # it may be started later
    refused = vdictl("ssh-proxy", "web")
    assert refused.code == 9 and "vdictl start web" in refused.err and refused.out == ""
    assert vdictl("ssh-proxy", "web", "--host", "two words").code == 2
