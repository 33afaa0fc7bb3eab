"""What all lists have alike: sorting, columns, CSV, narrow terminals, odd encodings; and `list`'s filters and watch."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import select
import signal
import subprocess

import pytest

from tests import published
from tests.cli.front import Vdictl, until
from vdictl.cli.spreadsheet import write
from vdictl.cli.widths import clip, fold, pad, width


@pytest.fixture
def three(vdictl: Vdictl) -> Vdictl:
    """Three desktops: alpha, the oldest, stopped; beta; gamma, of another plan."""
    vdictl.ok("create", "alpha", "--no-wait", "-q", "--label", "team=blue")
    vdictl.ok("stop", "alpha", "-q")
    vdictl.ok("create", "beta", "--no-wait", "-q", "--ttl", "3h", "--label", "team=blue", "--label", "note==1+1")
    vdictl.ok("create", "gamma", "--no-wait", "-q", "--plan", "mem-4c-16gb")
    return vdictl


def test_filters(three: Vdictl) -> None:
    assert three.names("--state", "stopped") == ["alpha"]
    assert three.names("--state", "stopped", "--state", "running") == ["alpha", "beta", "gamma"]
    assert three.names("--state", "running", "--selector", "team=blue") == ["beta"]
    assert "no such desktop" in three.ok("list", "--state", "parked").err
    assert three("list", "--state", "up").code == 2
    three.ok("create", "far", "--no-wait", "-q", "--fleet", "other")
    three.ok("create", "theirs", "--no-wait", "-q", "--fleet", "other", "--owner", "bob")
    assert three.names("--all-fleets") == ["alpha", "beta", "far", "gamma"]
    assert three.names("--all-fleets", "-A") == ["theirs", "alpha", "beta", "far", "gamma"]
    assert three.ok("list", "--all-fleets").out.split()[:2] == ["NAME", "FLEET"]


def test_sorting(three: Vdictl) -> None:
    assert three.names("--sort", "-name") == ["gamma", "beta", "alpha"]
    assert three.names("--sort", "state") == ["beta", "gamma", "alpha"]
    assert three.names("--sort", "-price")[0] == "gamma"
    assert three.names("--sort", "created") == ["alpha", "beta", "gamma"]  # a field that is no column
    assert three.names("--sort", "expires")[0] == three.names("--sort", "-expires")[0] == "beta"  # never goes last
    refused = three("list", "--sort", "nmae")
    assert refused.code == 2 and "There are: name, provider, state" in refused.err
    plans = [row["name"] for row in three.ok("plans", "--sort", "-memory", "-o", "json").data]
    assert plans[0] == "mem-8c-32gb" and plans[-1] == "mem-1c-1gb"


def test_columns(three: Vdictl) -> None:
    assert three.ok("list", "--columns", "state,name,id,labels").out.splitlines()[1].split()[:2] == ["stopped", "alpha"]
    assert three.ok("list", "--columns", "name").out.split() == ["NAME", "alpha", "beta", "gamma"]
    refused = three("list", "--columns", "name,colour")
    assert refused.code == 2 and "'colour'" in refused.err and "price" in refused.err
    assert three("list", "--columns", "name", "-o", "json").code == 2
    for words in (
        ("plans",),
        ("images", "list"),
        ("snapshot", "list"),
        ("volume", "list"),
        ("providers",),
        ("regions",),
    ):
        column = {"plans": "plan", "images": "image", "regions": "region", "providers": "provider"}.get(words[0], "age")
        three.ok(*words, "--sort", f"-{column}", "--columns", column)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_is_what_a_spreadsheet_reads_and_runs_nothing(three: Vdictl) -> None:
    told = three.ok("list", "-o", "csv").out
    found = rows(told)
    assert [row["name"] for row in found] == ["alpha", "beta", "gamma"]
    assert found[0].keys() == three.ok("list", "-o", "json").data[0].keys()
    assert json.loads(found[1]["labels"]) == {"note": "=1+1", "team": "blue"}
    assert three.ok("list", "-o", "csv", "--columns", "name,state").out == (
        "name,state\r\nalpha,stopped\r\nbeta,running\r\ngamma,running\r\n"
    )
    for words in (("plans",), ("images", "list"), ("volume", "list"), ("providers",), ("show", "beta"), ("config",)):
        assert rows(three.ok(*words, "-o", "csv").out), words
    assert three.ok("snapshot", "list", "-o", "csv").out == ""
    stream = io.StringIO()
    write([{"a": '=cmd|"x"', "b": "-1", "c": -1, "d": None, "e": True, "f": "one\ntwo, three"}], stream)
    assert stream.getvalue() == 'a,b,c,d,e,f\r\n"\'=cmd|""x""",\'-1,-1,,true,"one\ntwo, three"\r\n'


def test_a_narrow_terminal_shows_what_matters_and_says_what_it_left_out(three: Vdictl) -> None:
    for columns in ("20", "40", "60", "100"):
        shown = three("list", tty=True, env={"COLUMNS": columns, "NO_COLOR": "1"}).out
        table = [line for line in shown.splitlines() if not line.startswith("No room")]
        assert all(width(line) <= int(columns) for line in table), shown
        assert table[0].startswith("NAME") and "alpha" in table[1]
        assert ("No room for " in shown) == (columns != "100")
    for verb in ("providers", "plans", "config"):
        shown = three(verb, "-q", tty=True, env={"COLUMNS": "40", "NO_COLOR": "1"}).out
        assert max(map(width, shown.splitlines())) <= 40, shown


def test_letters_of_two_cells_keep_the_columns_in_line(vdictl: Vdictl) -> None:
    vdictl.ok("create", "a", "--no-wait", "-q", "--label", "who=字字字字字字字字字字字字字字字字字字字字")
    vdictl.ok("create", "b", "--no-wait", "-q", "--label", "who=😀😀❤\ufe0f")
    words = ("list", "--columns", "labels,name", "--sort", "name")
    piped = vdictl.ok(*words).out.splitlines()
    assert len({width(line) for line in piped}) <= 2 and piped[1].endswith(" a") and piped[2].endswith(" b")
    narrow = vdictl(*words, tty=True, env={"COLUMNS": "40", "NO_COLOR": "1"}).out.splitlines()
    assert max(map(width, narrow)) <= 40 and len(narrow) == 4  # the long one goes on in a second line


def test_colours_are_for_terminals_that_want_them(three: Vdictl) -> None:
    assert "\033[1mNAME" in three("list", tty=True).out
    assert "\033" not in three("list", tty=True, env={"NO_COLOR": "1"}).out
    assert "\033" not in three("list", tty=True, env={"TERM": "dumb"}).out
    assert "\033" not in three("list").out
    assert "\033[1mNAME" in three.ok("list", env={"FORCE_COLOR": "1"}).out
    assert "\033" not in three.ok("list", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out
    assert "\033" not in three("create", "delta", tty=True, env={"TERM": "dumb"}).out


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii", "utf-8"])
def test_a_code_page_that_lacks_a_letter_breaks_nothing(vdictl: Vdictl, encoding: str) -> None:
    vdictl.ok("create", "web", "--no-wait", "-q", "--label", "who=字é😀")
    env = {**vdictl.env, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for form in ("table", "json", "yaml", "csv", "name"):
        words = ["list", "-o", form, *(["--columns", "name,labels"] if form == "table" else [])]
        done = subprocess.run(vdictl.argv(*words), env=env, cwd=vdictl.work, capture_output=True, check=True)
        shown = done.stdout.decode(encoding)
        assert "web" in shown
        if form == "json":
            assert json.loads(shown)[0]["labels"] == {"who": "字é😀"}
    done = subprocess.run(vdictl.argv("show", "字"), env=env, cwd=vdictl.work, capture_output=True, check=False)
    assert done.returncode == 2 and b"Traceback" not in done.stderr


def test_widths_of_letters_that_take_two_cells_or_none() -> None:
    assert [width(text) for text in ("abc", "字", "é", "e\u0301", "😀", "❤\ufe0f", "👩\u200d💻", "👍🏽")] == [
        *(3, 2, 1, 1, 2, 2, 2, 2)
    ]
    assert clip("字字字", 5) == "字字…" and clip("abc", 3) == "abc" and clip("abcd", 3, encoding="cp437") == "ab~"
    assert pad("字", 4) == "字  " and pad("7", 3, right=True) == "  7"
    assert fold("one two three", 7) == ["one two", "three"]
    assert fold("字字字 x", 4) == ["字字", "字 x"] and fold("", 4) == [""]
    assert "".join(fold("x" * 50, 7)) == "x" * 50


def test_watch_writes_a_line_of_json_for_each_change_and_ctrl_c_is_its_end(three: Vdictl) -> None:
    process = three.start("list", "--watch", "--interval", "0.1", "-o", "json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert [row["name"] for row in first] == ["alpha", "beta", "gamma"]
    three.ok("destroy", "alpha", "-q")
    names = {row["name"] for row in first}
    while "alpha" in names:
        told = json.loads(process.stdout.readline())
        published.check(told, "desktops.json")
        names = {row["name"] for row in told}
    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b""), rest


COUNTING = """
from dataclasses import replace
from vdictl.testing.memory import MANIFEST as MEMORY
from vdictl.testing.memory.provider import MemoryProvider
MANIFEST = replace(MEMORY, name="counting", entry="counting:Counting")
def note(word):
    with open("calls", "a") as file:
        file.write(word + "\\n")
class Counting(MemoryProvider):
    def check(self):
        note("check")
        return super().check()
    def desktops(self):
        note("list")
        return super().desktops()
"""


def test_watch_asks_a_provider_for_its_list_and_nothing_else_at_each_tick(vdictl: Vdictl) -> None:
    (vdictl.folder / "counting.py").write_text(COUNTING)
    vdictl.env["PYTHONPATH"] += f":{vdictl.folder}"
    state = vdictl.folder / "cloud/state.json"
    table = f'[providers.counting]\npackage = "counting"\nboot = "0.02"\nstate = "{state}"\n'
    vdictl.config.write_text(f'default_provider = "counting"\n{table}[providers.local]\nengine = "/nonexistent"\n')
    for name in ("one", "two", "three"):
        vdictl.ok("create", name, "--no-wait", "-q")
    calls = vdictl.work / "calls"
    calls.unlink()
    process = vdictl.start("list", "--watch", "--interval", "0.1", "-o", "name")
    until(lambda: calls.exists() and len(calls.read_text().splitlines()) >= 6, seconds=60)
    process.send_signal(signal.SIGTERM)
    shown, _ = process.communicate(timeout=60)
    assert (process.returncode, shown) == (0, b"one\nthree\ntwo\n")
    words = calls.read_text().split()
    assert words[0] == "check" and set(words[1:]) == {"list"}


def test_a_watch_must_leave_some_time_between_two_looks(vdictl: Vdictl) -> None:
    assert vdictl("list", "--watch", "--interval", "0").code == 2
    assert vdictl("list", "--watch", "--interval", "0.01").code == 2


def test_watch_draws_a_terminal_anew(three: Vdictl) -> None:
    pid, near = pty.fork()
    if pid == 0:
        os.chdir(three.work)
        os.execve(three.argv()[0], three.argv("list", "--watch", "--interval", "0.2"), three.env | {"TERM": "xterm"})
    shown = b""

    def drawn_twice() -> bool:
        nonlocal shown
        while select.select([near], [], [], 0.1)[0]:
            shown += os.read(near, 65536)
        return shown.count(b"\033[H\033[1mNAME") >= 2

    until(drawn_twice, seconds=60)
    assert b"Ctrl-C ends" in shown and b"gamma" in shown
    os.write(near, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(near)
    assert os.waitstatus_to_exitcode(status) == 0
