"""exec, cp, logs, snapshot and doctor on a real desktop: what only a real engine can show."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.front import Vdictl
from tests.cli.test_exec import TRAP, at_a_terminal

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def vdictl(tmp_path_factory: pytest.TempPathFactory, desktop_engine: dict[str, str]) -> Iterator[Vdictl]:
    """The command on this machine's engine, in a fleet of its own, with one desktop for all tests of this file."""
    own = {"VDICTL_FLEET": f"t-{uuid.uuid4().hex[:8]}", "VDICTL_OWNER": "me"}
    here = Vdictl(tmp_path_factory.mktemp("inside"), env=desktop_engine | own)
    here.seconds = 900.0  # the image may have to be built
    here.config.write_text("")
    here.ok("create", "desktop", "--flavor", "minimal")
    yield here
    here("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")
    assert here.ok("list", "-o", "json").data == []


def processes(vdictl: Vdictl) -> str:
    return vdictl.ok("exec", "desktop", "ps", "-eo", "args").out


def test_the_command_runs_as_the_user_in_the_session(vdictl: Vdictl) -> None:
    shown = vdictl.ok("exec", "desktop", "sh", "-c", "echo $(id -u) $PWD $DISPLAY")
    assert shown.out == "1000 /home/user :0\n" and shown.err == ""
    for command, code in (("exit 4", 4), ("kill -9 $$", 137), ("exec no-such-command", 127)):
        assert vdictl("exec", "desktop", "sh", "-c", command).code == code
    assert vdictl("exec", "desktop", "no-such-command").code == 127


def test_bytes_go_both_ways_unchanged(vdictl: Vdictl) -> None:
    data = os.urandom(1 << 20)
    done = subprocess.run(
        vdictl.argv("exec", "desktop", "cat"), input=data, env=vdictl.env, capture_output=True, timeout=120, check=True
    )
    assert done.stdout == data


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_command_inside(vdictl: Vdictl, number: signal.Signals) -> None:
    process = vdictl.start("exec", "desktop", "sh", "-c", TRAP)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, b"caught\n")
    assert "never" not in processes(vdictl)  # nothing goes on inside


@pytest.mark.parametrize("flags", [[], ["--no-tty"]])
def test_ctrl_c_reaches_the_command_once(vdictl: Vdictl, flags: list[str]) -> None:
    code, shown = at_a_terminal(vdictl, ["exec", *flags, "desktop", "sh", "-c", TRAP], [(b"ready", b"\x03")])
    assert (code, shown.count("caught")) == (5, 1)
    assert "never" not in processes(vdictl)


def test_a_shell_at_a_terminal(vdictl: Vdictl) -> None:
    code, shown = at_a_terminal(vdictl, ["exec", "desktop", "bash"], [(b"$ ", b"echo $((6 * 7)); tty; exit 3\r")])
    assert code == 3 and "42" in shown and "/dev/pts/" in shown


def test_files_there_and_back(vdictl: Vdictl) -> None:
    folder = vdictl.work / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "with space\nand newline").write_bytes(os.urandom(1 << 20))
    (folder / "-dash").write_text("x")
    (folder / "run").write_text("#!/bin/sh\necho ran\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("run")
    vdictl.ok("cp", "folder", "desktop:")
    assert vdictl.ok("exec", "desktop", "folder/link").out == "ran\n"
    vdictl.ok("cp", "desktop:folder", "back")
    assert subprocess.run(["diff", "-r", "folder", "back"], cwd=vdictl.work, check=False).returncode == 0
    assert Path(vdictl.work / "back/link").readlink() == Path("run")
    assert vdictl("cp", "folder", "desktop:/etc/").code != 0  # a read-only system


def test_logs_are_the_guests(vdictl: Vdictl) -> None:
    logged = vdictl.ok("logs")
    assert "Xvnc" in logged.out and "Xvnc" not in logged.err  # stdout is data, whichever stream it came by inside
    assert len(vdictl.ok("logs", "--tail", "1").out.splitlines()) <= 1


def test_a_snapshot_brings_the_home_back_and_makes_another_desktop(vdictl: Vdictl) -> None:
    home = "find . -type f ! -path './.cache/*' -exec sha256sum {} + | sort"
    vdictl.ok("exec", "desktop", "sh", "-c", "head -c 300000 /dev/urandom > data; echo before > note")
    before = vdictl.ok("exec", "desktop", "sh", "-c", home).out
    assert vdictl.ok("snapshot", "create", "desktop", "first", "-o", "json").data["complete"]
    vdictl.ok("exec", "desktop", "sh", "-c", "rm data; echo after > note")
    vdictl.ok("snapshot", "clone", "desktop", "first", "second")
    assert vdictl.ok("exec", "second", "sh", "-c", home).out == before
    assert vdictl.ok("exec", "desktop", "cat", "note").out == "after\n"
    vdictl.ok("snapshot", "restore", "desktop", "first", "--yes")
    assert vdictl.ok("exec", "desktop", "sh", "-c", home).out == before
    vdictl.ok("health", "desktop")
    vdictl.ok("destroy", "second", "--with-volumes")
    vdictl.ok("snapshot", "delete", "desktop", "first")
    assert vdictl.ok("snapshot", "list", "-o", "json").data == []


def test_the_doctor_finds_nothing_wrong(vdictl: Vdictl) -> None:
    done = vdictl("doctor", "-p", "local", "-o", "json")
    found = {hop["name"]: hop for hop in done.data}
    assert done.code == 0, [hop for hop in done.data if hop["level"] == "fail"]
    assert found["desktop desktop"]["level"] == "ok" and "usable" in found["desktop desktop"]["detail"]
    assert {"engine", "network", "limits", "image", "disk", "list"} <= set(found)
