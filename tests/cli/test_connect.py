"""`vdictl connect`: by a shell, a viewer, a tunnel. The page itself needs a real desktop: tests/integration."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.front import Vdictl, until

VIEWER = """#!/bin/sh
echo "$@" > {log}
exec {python} - "$@" <<'END'
import socket, sys
host, _, port = sys.argv[-1].rpartition("::")
with socket.create_connection((host, int(port)), timeout=10) as link:
    open({log!r}, "ab").write(link.recv(12))
END
"""


def fake_viewer(vdictl: Vdictl, python: str) -> Path:
    """A VNC viewer that notes what it was called with and what the server greets it with."""
    log, folder = vdictl.folder / "viewer.log", vdictl.folder / "bin"
    folder.mkdir()
    program = folder / "xtigervncviewer"
    program.write_text(VIEWER.format(log=str(log), python=python))
    program.chmod(0o755)
    vdictl.env["PATH"] = f"{folder}:{vdictl.env['PATH']}"
    return log


def held(vdictl: Vdictl, *words: str) -> tuple[subprocess.Popen[bytes], int]:
    """A connect that holds a tunnel, and the port of its near end."""
    process = vdictl.start("connect", *words)
    assert process.stdout is not None
    line = process.stdout.readline().decode().strip()
    assert line.startswith("vnc://127.0.0.1:"), line
    return process, int(line.rpartition(":")[2])


def test_a_tunnel_is_held_until_ctrl_c(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    process, port = held(vdictl, "--print")
    for _ in range(2):  # a connection that ends does not end the tunnel
        with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
            assert link.recv(12) == b"RFB 003.008\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert b"until Ctrl-C" in said
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_the_near_end_can_be_chosen_and_must_be_free(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = vdictl("connect", "--print", "--port", str(taken.getsockname()[1]))
    assert refused.code == 9


def test_a_shell_with_its_exit_code(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q", "--env", "COLOUR=blue")
    shell = vdictl("connect", "--shell", stdin='echo "it is $COLOUR"; exit 7\n')
    assert (shell.code, shell.out) == (7, "it is blue\n")
    assert vdictl("connect", "--shell", "--vnc").code == 2


def test_a_native_viewer_is_given_the_tunnel(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    log = fake_viewer(vdictl, sys.executable)
    opened = vdictl.ok("connect", "--vnc", env={"DISPLAY": ":99"})
    assert opened.out == ""
    assert log.read_text().endswith("RFB 003.008\n")
    assert "127.0.0.1::" in log.read_text()


def test_without_a_screen_it_says_why_and_prints_where(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    log = fake_viewer(vdictl, sys.executable)
    process, _ = held(vdictl, "--vnc")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert b"no screen" in said
    assert not log.exists()


def test_one_that_does_not_run_is_told_how_to_start(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    vdictl.ok("stop")
    refused = vdictl("connect")
    assert refused.code == 9
    assert "vdictl start desktop" in refused.err


def test_a_desktop_that_goes_does_not_take_the_tunnel_down_with_a_traceback(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    process, port = held(vdictl, "--print")
    vdictl.ok("exec", "desktop", "vdictl-guest", "break", "display")
    vdictl.ok("destroy")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.recv(100)
    until(lambda: process.poll() is None)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=10)
    assert b"Traceback" not in said
