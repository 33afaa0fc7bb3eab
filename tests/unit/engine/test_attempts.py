"""The lock, the log and the words of a build."""

from __future__ import annotations

import fcntl
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from vdictl.engine import attempts as module
from vdictl.engine.attempts import SIGN, Attempts
from vdictl.engine.leftovers import marked


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    made = Attempts.of(tmp_path, "podman", "localhost/vdictl/xfce:0123")
    made.folder.mkdir(parents=True)
    return made


@pytest.mark.parametrize("tag", ["../../etc/passwd", "a" * 5000, "-rf", "a\nb", "ü/💥:1", "..", ""])
def test_any_tag_has_a_safe_folder(tmp_path: Path, tag: str) -> None:
    folder = Attempts.of(tmp_path, "podman", tag).folder
    assert folder.parent == tmp_path / "builds"
    assert len(folder.name) < 120
    folder.mkdir(parents=True)


def test_two_tags_never_share_a_folder(tmp_path: Path) -> None:
    tags = ["a/b:1", "a_b:1", "a/b_1", "a/b:1 "]
    assert len({Attempts.of(tmp_path, "podman", tag).folder for tag in tags}) == len(tags)
    assert Attempts.of(tmp_path, "docker", "a").folder != Attempts.of(tmp_path, "podman", "a").folder


def test_the_lock(attempts: Attempts) -> None:
    assert not attempts.running()
    held = attempts.lock()
    assert held is not None
    assert attempts.running()
    assert attempts.lock() is None
    os.close(held)
    assert not attempts.running()


def test_looking_does_not_take_the_lock_away(attempts: Attempts) -> None:
    looking = attempts._flock(fcntl.LOCK_SH)
    assert looking is not None
    assert not attempts.running()
    os.close(looking)


@pytest.mark.parametrize(
    ("line", "step", "total", "text"),
    [
        ("STEP 3/12: RUN apt-get update", 3, 12, "installing packages"),
        ("Step 3/12 : RUN apt-get update", 3, 12, "installing packages"),
        ("#8 [3/7] RUN echo", 3, 7, "setting up"),
        ("#8 [stage-0 3/7] RUN echo", 3, 7, "setting up"),
        (f"{SIGN}base: pulling x", 0, 0, "base: pulling x"),
    ],
)
def test_progress(attempts: Attempts, line: str, step: int, total: int, text: str) -> None:
    attempts.log.write_text(f"STEP 1/12: FROM x\n{line}\nsome output of it\n\xff\n")
    now = attempts.progress()
    assert (now.step, now.total, now.text) == (step, total, text)


def test_progress_of_nothing(attempts: Attempts) -> None:
    assert attempts.progress().text == "starting"
    assert attempts.tail() == ""


def test_only_the_end_of_a_huge_log_is_read(attempts: Attempts) -> None:
    attempts.log.write_text("STEP 1/2: a\n" + "x" * 1_000_000 + "\nSTEP 2/2: b\nlast")
    assert attempts.progress().step == 2
    assert attempts.tail(1) == "last"


def test_failures(attempts: Attempts) -> None:
    assert attempts.failure() is None
    attempts.begin()
    attempts.fail("no space", "free some")
    failure = attempts.failure()
    assert failure
    assert (failure.reason, failure.advice, failure.boot) == ("no space", "free some", module.boot_id())
    assert failure.when.utcoffset() == timedelta(0)
    assert abs(failure.when - datetime.now(failure.when.tzinfo)) < timedelta(seconds=60)
    assert attempts.begin() == 0
    assert attempts.failure() is None


def test_attempts_that_ended_without_a_word_are_counted(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [attempts.begin() for _ in range(4)] == [0, 1, 2, 3]
    monkeypatch.setattr(module, "boot_id", lambda: "another boot")
    assert attempts.begin() == 0
    attempts.begin()
    attempts.done()
    assert attempts.begin() == 0


def test_damaged_files_are_as_none(attempts: Attempts) -> None:
    for text in ("", "{", "[]", '{"reason": 1}', '{"reason":"a","advice":"b","when":"x","boot":""}'):
        (attempts.folder / "failure.json").write_text(text)
        (attempts.folder / "attempt.json").write_text(text)
        assert attempts.failure() is None
    assert attempts.begin() == 0


def test_each_layer_bears_our_label() -> None:
    made = marked(b"ARG BASE=x\nFROM ${BASE} AS a\nRUN true\nFROM a", "localhost/vdictl/xfce:0123").decode()
    assert made.splitlines() == [
        "ARG BASE=x",
        "FROM ${BASE} AS a",
        "LABEL vdictl.build=localhost/vdictl/xfce",
        "RUN true",
        "FROM a",
        "LABEL vdictl.build=localhost/vdictl/xfce",
    ]
