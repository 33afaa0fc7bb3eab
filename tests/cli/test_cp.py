"""`vdictl cp`: which side is where, both ways, streams. What copying itself does is proved in tests/unit/connect."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.front import SECONDS, Vdictl, until


@pytest.fixture
def made(vdictl: Vdictl) -> Vdictl:
    """With a desktop called `desktop`, and some files."""
    vdictl.ok("create", "desktop", "--no-wait")
    folder = vdictl.work / "folder" / "below"
    folder.mkdir(parents=True)
    (folder / "b").write_bytes(bytes(range(256)))
    (vdictl.work / "a:b").write_text("with a colon\n")
    (vdictl.work / "a").write_text("a\n")
    return vdictl


def home(vdictl: Vdictl) -> list[str]:
    return sorted(vdictl.ok("exec", "desktop", "find", ".", "-type", "f").out.split())


def test_there_and_back(made: Vdictl) -> None:
    done = made.ok("cp", "folder", "a", "desktop:")
    assert done.out == "" and "copied" in done.err
    assert home(made) == ["./a", "./folder/below/b"]
    made.ok("cp", "desktop:folder", "back")
    assert (made.work / "back/below/b").read_bytes() == bytes(range(256))
    made.ok("cp", ":a", "only")  # the only desktop
    assert (made.work / "only").read_text() == "a\n"


def test_into_a_folder_under_a_new_name_and_its_contents(made: Vdictl) -> None:
    made.ok("exec", "desktop", "mkdir", "Documents")
    made.ok("cp", "a", "desktop:Documents")
    made.ok("cp", "a", "desktop:Documents/new name")
    made.ok("cp", "folder/.", "desktop:Documents/")
    assert made.ok("exec", "desktop", "ls", "Documents").out.splitlines() == ["a", "below", "new name"]


def test_a_path_here_with_a_colon(made: Vdictl) -> None:
    made.ok("cp", "./a:b", "desktop:c")
    assert made.ok("exec", "desktop", "cat", "c").out == "with a colon\n"
    made.ok("cp", "desktop:c", f"{made.work}/x:y")
    assert (made.work / "x:y").exists()


def test_streams_carry_any_bytes(made: Vdictl) -> None:
    data = bytes(range(256)) * 1000

    def run(*words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            made.argv(*words), input=data, env=made.env, capture_output=True, timeout=SECONDS, check=True
        )

    run("cp", "-", "desktop:data")
    back = run("cp", "desktop:data", "-")
    assert back.stdout == data  # and nothing else
    run("cp", "-q", "desktop:data", "-", "-o", "json")


def test_a_record_of_each_on_request(made: Vdictl) -> None:
    data = made.ok("cp", "a", "folder", "desktop:", "-o", "json", "-q").data
    assert [(row["name"], row["source"], row["files"], row["bytes"]) for row in data] == [
        ("desktop", "a", 1, 2),
        ("desktop", "folder", 1, 256),
    ]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("a", "b"), 2, "Exactly one side"),
        (("desktop:a", "other:b"), 2, "Exactly one side"),
        (("desktop:a", "other:b", "c"), 2, "Exactly one side"),
        (("a", "desktop:a", "desktop:b"), 2, "Exactly one side"),
        (("-", "a", "desktop:"), 2, "one file"),
        (("desktop:a", "desktop:b", "-"), 2, "one file"),
        (("My Desktop:a", "b"), 2, "./My Desktop:a"),
        (("a", "nobody:b"), 4, "nobody"),
        (("missing", "desktop:"), 4, "missing"),
        (("desktop:missing", "."), 4, "missing"),
        (("a",), 2, "Missing argument"),
        (("a", "a", "desktop:no/such/folder"), 4, "no/such/folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(made: Vdictl, words: tuple[str, ...], code: int, says: str) -> None:
    done = made("cp", *words)
    assert done.code == code and says in done.err and "Traceback" not in done.err
    assert home(made) == []


def test_a_desktop_that_does_not_run(made: Vdictl) -> None:
    made.ok("stop", "desktop")
    done = made("cp", "a", "desktop:")
    assert done.code == 9 and "vdictl start desktop" in done.err


def test_an_existing_file_is_kept_when_the_copy_fails(made: Vdictl) -> None:
    made.ok("cp", "a", "desktop:kept")
    assert made("cp", "folder", "desktop:kept").code == 9  # a folder onto a file
    assert made.ok("exec", "desktop", "cat", "kept").out == "a\n"
    assert Path(made.work / "a").read_text() == "a\n"


def test_ctrl_c_leaves_nothing_half(made: Vdictl) -> None:
    process = subprocess.Popen(
        made.argv("cp", "-", "desktop:stream"),
        env=made.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(b"x" * 1_000_000)
    process.stdin.flush()
    assert b"copying" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130 and b"Nothing is left half" in err
    until(lambda: made("exec", "desktop", "ls", "-A").out == "")
