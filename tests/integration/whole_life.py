"""One whole life of a desktop by the real command, on whichever engine the command finds."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.front import Vdictl
from tests.integration.test_cli_local import session, visit


def live(vdictl: Vdictl) -> None:
    """From `create` to `destroy`, with what is done in between: looked at, worked in, copied, kept, brought back."""
    made = vdictl.ok("create", "--flavor", "minimal", "-o", "json").data
    assert made["usable"] is True
    look_around_inside(vdictl)
    meet_the_page(vdictl)
    work(vdictl)
    keep_and_bring_back(vdictl)
    assert vdictl.ok("stop", "-o", "json").data["state"] == "stopped"
    vdictl.ok("start")
    assert vdictl.ok("health", "-o", "json").data["usable"] is True
    vdictl.ok("destroy", "--with-volumes", "--with-snapshots")
    assert vdictl("destroy").code == 4


def look_around_inside(vdictl: Vdictl) -> None:
    """The hardening, as a program of the desktop meets it."""
    text = vdictl.ok("exec", "desktop", "cat", "/proc/self/status").out
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
    assert status["Uid"].split() == ["1000"] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")] == [0] * 5
    writing = "for p in /etc /usr /var /home /run /tmp ~; do touch $p/x 2>/dev/null && echo $p; done; true"
    assert vdictl.ok("exec", "desktop", "sh", "-c", writing).out.split() == ["/run", "/tmp", "/home/user"]


def meet_the_page(vdictl: Vdictl) -> None:
    """The link opens the page to who has the token, and to nobody else."""
    with link(vdictl) as url:
        token = url.partition("#token=")[2]
        assert len(token) >= 22  # 128 bits
        assert visit(url, "x" * len(token))[0] in (401, 403)
        status, cookie = visit(url, token)
        assert status in (200, 204)
        assert session(url, cookie) == 200
        assert session(url, "") in (401, 403)
    assert vdictl.ok("screenshot", "x.png", "-o", "json").data["width"] == 1280


@contextmanager
def link(vdictl: Vdictl) -> Iterator[str]:
    """What `connect --print` says; where a tunnel stands behind it, it stays open meanwhile."""
    process = vdictl.start("connect", "--print")
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        assert url.startswith("http://127.0.0.1:"), process.stderr and process.stderr.read()
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


def work(vdictl: Vdictl) -> None:
    """Streams, exit codes, signals and files go through."""
    assert vdictl.ok("exec", "desktop", "cat", stdin="through and back\n").out == "through and back\n"
    assert vdictl("exec", "desktop", "sh", "-c", "exit 4").code == 4
    waiting = vdictl.start("exec", "desktop", "sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done")
    assert waiting.stdout is not None and waiting.stdout.readline() == b"ready\n"
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 5
    (vdictl.work / "there").write_bytes(data := os.urandom(1 << 18))
    vdictl.ok("cp", "there", "desktop:")
    vdictl.ok("cp", "desktop:there", "back")
    assert (vdictl.work / "back").read_bytes() == data
    assert "Xvnc" in vdictl.ok("logs").out


def keep_and_bring_back(vdictl: Vdictl) -> None:
    """A snapshot, and a restore that undoes what came after it."""
    vdictl.ok("exec", "desktop", "sh", "-c", "echo before > note")
    assert vdictl.ok("snapshot", "create", "desktop", "first", "-o", "json").data["complete"]
    vdictl.ok("exec", "desktop", "sh", "-c", "echo after > note; rm there")
    vdictl.ok("snapshot", "restore", "desktop", "first", "--yes")
    assert vdictl.ok("exec", "desktop", "sh", "-c", "cat note; ls there").out == "before\nthere\n"
