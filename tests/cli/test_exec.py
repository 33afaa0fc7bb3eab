"""`vdictl exec` and `vdictl logs`: streams, terminal, signals and exit codes go through."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterable

import pytest

from tests.cli.front import SECONDS, Vdictl

TRAP = """
trap 'echo caught; exit 5' INT TERM HUP
echo ready
i=0; while [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done
echo never
"""


@pytest.fixture
def made(vdictl: Vdictl) -> Vdictl:
    """With a desktop called `desktop`."""
    vdictl.ok("create", "desktop", "--no-wait")
    return vdictl


def test_the_commands_own_options_and_streams(made: Vdictl) -> None:
    done = made("exec", "desktop", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.code, done.out) == (7, "out\n")
    assert done.err == "err\n"


def test_what_follows_the_name_is_the_commands(made: Vdictl) -> None:
    for words in (("-o", "json"), ("--json", "x"), ("-q",), ("--help",), ("--",), ("-p", "memory")):
        printed = made.ok("exec", "desktop", "printf", "%s|", *words).out
        assert printed == "".join(f"{word}|" for word in words)
    assert made.ok("exec", "desktop", "--", "echo", "a").out == "a\n"
    assert made.ok("exec", "--", "echo", "a").out == "a\n"  # the only one
    assert made.ok("exec", "-p", "memory", "--no-tty", "--", "echo", "--", "a").out == "-- a\n"
    assert made.ok("exec", "-p", "memory", "-q", "desktop", "echo", "a").out == "a\n"


def test_without_a_name_the_only_one_is_meant(made: Vdictl) -> None:
    made.ok("create", "second", "--detach")
    several = made("exec", "--", "echo", "a")
    assert several.code == 2 and "desktop (memory), second (memory)" in several.err
    for words in ((), ("--",), ("desktop",), ("desktop", "--")):
        none = made("exec", *words)
        assert none.code == 2 and "Which command?" in none.err and "connect --shell" in none.err


def test_stdin_goes_through_and_ends(made: Vdictl) -> None:
    assert made.ok("exec", "desktop", "sh", "-c", "cat; echo end", stdin="a\nb").out == "a\nbend\n"
    million = subprocess.run(
        made.argv("exec", "desktop", "wc", "-c"),
        input=bytes(range(256)) * 4096,
        env=made.env,
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    assert million.stdout.strip() == b"1048576"


@pytest.mark.parametrize(
    ("command", "code"), [("exit 0", 0), ("exit 4", 4), ("exit 255", 255), ("kill -9 $$", 137), ("kill $$", 143)]
)
def test_the_exit_code_is_the_commands(made: Vdictl, command: str, code: int) -> None:
    done = made("exec", "desktop", "sh", "-c", command)
    assert (done.code, done.err) == (code, "")


def test_a_command_that_is_not_there_is_127(made: Vdictl) -> None:
    assert made("exec", "desktop", "no-such-command").code == 127


def test_vdictls_own_failures_say_vdictl(made: Vdictl) -> None:
    missing = made("exec", "nobody", "true")
    assert missing.code == 4 and missing.err.startswith("vdictl: ")
    as_json = made("exec", "-o", "json", "nobody", "true")
    assert as_json.error["error"] == "not-found" and as_json.error["code"] == 4
    assert made("exec", "desktop").code == 2
    assert made("exec").code == 2
    assert made("exec", "../desktop", "true").code == 2
    made.ok("stop", "desktop")
    stopped = made("exec", "desktop", "true")
    assert stopped.code == 9 and stopped.err.startswith("vdictl: ") and "vdictl start desktop" in stopped.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_command_and_not_us(made: Vdictl, number: signal.Signals) -> None:
    process = made.start("exec", "desktop", "sh", "-c", TRAP)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, err) == (5, b"caught\n", b"")


def at_a_terminal(vdictl: Vdictl, words: Iterable[str], answers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str]:
    """Run on a terminal of its own, and type each answer when its question has been printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(vdictl.work)
        os.execve(vdictl.argv()[0], vdictl.argv(*words), vdictl.env | {"TERM": "xterm"})
    shown, end, left = b"", time.monotonic() + SECONDS, list(answers)
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        if left and left[0][0] in shown:
            os.write(terminal, left.pop(0)[1])
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_the_terminal_goes_through(made: Vdictl) -> None:
    code, shown = at_a_terminal(made, ["exec", "desktop", "sh", "-c", "test -t 0 && test -t 1 && exit 6"], [])
    assert (code, shown) == (6, "")


def test_ctrl_c_at_a_terminal_reaches_the_command_once_and_not_us(made: Vdictl) -> None:
    code, shown = at_a_terminal(made, ["exec", "desktop", "sh", "-c", TRAP], [(b"ready", b"\x03")])
    assert code == 5
    assert shown.count("caught") == 1 and "vdictl" not in shown


def test_a_closed_pipe_ends_the_command(made: Vdictl) -> None:
    line = f"{' '.join(made.argv('exec', 'desktop', 'yes'))} | head -n 1"
    done = subprocess.run(["sh", "-c", line], env=made.env, capture_output=True, timeout=SECONDS, check=False)
    assert done.stdout == b"y\n" and b"Traceback" not in done.stderr


# -- logs -------------------------------------------------------------------------------------------------------------


def test_logs_print_what_it_said(made: Vdictl) -> None:
    made.ok("restart", "desktop", "--no-wait")
    whole = made.ok("logs", "desktop").out.splitlines()
    assert len(whole) == 2 and whole[0].endswith("start_machine")
    assert made.ok("logs").out.splitlines() == whole  # the only one
    assert made.ok("logs", "desktop", "--tail", "1").out.splitlines() == whole[-1:]
    assert made.ok("logs", "desktop", "-n", "0").out == ""
    assert made("logs", "desktop", "--tail", "-1").code == 2
    assert made("logs", "nobody").code == 4


def test_what_it_said_on_either_stream_is_data(made: Vdictl) -> None:
    line = f"{' '.join(made.argv('logs', 'desktop'))} 2>&-"
    done = subprocess.run(["sh", "-c", line], env=made.env, capture_output=True, timeout=SECONDS, check=False)
    assert done.stdout.splitlines()[0].endswith(b"start_machine")


def test_following_ends_with_ctrl_c(made: Vdictl) -> None:
    process = made.start("logs", "desktop", "-f")
    assert process.stdout is not None and b"start_machine" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (130, b"")


def test_head_has_seen_enough(made: Vdictl) -> None:
    made.ok("restart", "desktop", "--no-wait")
    line = f"set -o pipefail; {' '.join(made.argv('logs', 'desktop'))} | head -n 1"
    done = subprocess.run(["bash", "-c", line], env=made.env, capture_output=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
