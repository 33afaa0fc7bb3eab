"""Image builds against the real Podman: one a tag, seen by all, killed at each stage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.engine_rooms import Context, Room, finish, give_base, podman_room, recipe
from vdictl.engine.base import BASE_TAG
from vdictl.engine.build import ensure_started, look
from vdictl.engine.objects import image_id

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with podman_room() as made:
        give_base(made)
        yield made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def tidy(room: Room, *contexts: Context) -> None:
    """Nothing of the builds is left but what is named."""
    for context in contexts:
        room.engine.call("rmi", "--force", context.tag)
    assert external(room) == []
    images = json.loads(room.engine.run("images", "--all", "--format", "json"))
    assert [row["Id"] for row in images if not row.get("Names")] == []


def external(room: Room) -> list[str]:
    rows = json.loads(room.engine.run("ps", "--all", "--external", "--format", "json"))
    return [row["Id"] for row in rows if row["State"] == "storage"]


def test_a_build_with_progress_and_then_no_build(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t1:1", "RUN echo hello; sleep 1", "RUN echo again; sleep 0.5")
    assert look(room.engine, context, state_dir=state).state == "absent"
    begun = time.monotonic()
    first = ensure_started(room.engine, context, state_dir=state)
    assert time.monotonic() - begun < 2, "it must not wait for the build"
    assert (first.state, first.started_now) == ("running", True)
    status, texts = finish(room, context, state)
    assert status.state == "done"
    assert status.image_id == image_id(room.engine, context.tag)
    assert any(text.startswith("3/4 setting up") and "hello" in text for text in texts)
    assert not ensure_started(room.engine, context, state_dir=state).started_now
    tidy(room, context)


def test_one_build_for_twenty_callers(room: Room, state: Path, tmp_path: Path) -> None:
    """Each caller is a process of its own; the build writes down each time it runs."""
    context = recipe("localhost/vdictl/t2:1", "RUN date +%s%N > /when; sleep 1")
    program = (
        "import sys, json, pathlib\n"
        "from vdictl.engine.build import ensure_started\n"
        "from vdictl.engine.engine import Engine\n"
        "from tests.integration.engine_rooms import Context\n"
        "import os\n"
        f"engine = Engine('podman', {room.engine.binary!r}, dict(os.environ))\n"
        f"context = Context({context.tag!r}, {dict(context.files)!r})\n"
        f"status = ensure_started(engine, context, state_dir=pathlib.Path({str(state)!r}))\n"
        "print(status.state, status.started_now)\n"
    )
    root = Path(__file__).parents[2]
    env = {**room.engine.env, "PYTHONPATH": str(root)}

    def call(_number: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True, timeout=120
        ).stdout.strip()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(call, range(20)))
    assert answers.count("running True") == 1
    assert set(answers) <= {"running True", "running False", "done False"}
    assert finish(room, context, state)[0].state == "done"
    (log,) = state.glob("builds/*t2_1*/log")
    assert log.read_text().count("STEP 1/") == 1
    tidy(room, context)


def test_a_parent_is_built_first_and_its_progress_is_shown(room: Room, state: Path) -> None:
    parent = recipe("localhost/vdictl/t3:p", "RUN echo of the parent; sleep 1; touch /parent")
    child = recipe("localhost/vdictl/t3:c", "RUN echo of the child; test -e /parent", parent=parent)
    status, texts = finish(room, child, state)
    assert status.state == "done", status
    assert any("setting up" in text and "RUN echo of the parent" in text for text in texts)
    assert image_id(room.engine, parent.tag)
    tidy(room, child, parent)


def test_a_parent_that_fails_fails_the_child_with_its_reason(room: Room, state: Path) -> None:
    parent = recipe("localhost/vdictl/t4:p", "RUN exit 42")
    child = recipe("localhost/vdictl/t4:c", "RUN true", parent=parent)
    status, _ = finish(room, child, state)
    assert status.state == "failed"
    assert "42" in status.reason
    assert parent.tag in status.reason
    tidy(room)


def test_a_failure_stays_until_asked_again(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t5:1", "RUN echo the last words; exit 7")
    status, _ = finish(room, context, state)
    assert status.state == "failed"
    assert "7" in status.reason
    assert "the last words" in status.tail
    assert status.log
    assert status.log.exists()
    assert "the last words" in str(status.error().details)
    again = ensure_started(room.engine, context, state_dir=state)
    assert (again.state, again.started_now) == ("failed", False)
    assert look(room.engine, context, state_dir=state, since=datetime.now(UTC)).state == "absent"
    retried = ensure_started(room.engine, context, state_dir=state, retry=True)
    assert retried.started_now
    assert finish(room, context, state)[0].state == "failed"
    newer = ensure_started(room.engine, context, state_dir=state, since=datetime.now(UTC))
    assert newer.started_now
    finish(room, context, state)
    tidy(room)


def test_apt_that_finds_no_package_says_so(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t6:1", "RUN apt-get install -y no-such-package-at-all")
    status, _ = finish(room, context, state)
    assert status.state == "failed"
    assert "Unable to locate package no-such-package-at-all" in status.reason


def builder_of(state: Path) -> int:
    """The process that holds a build's lock and is ours."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"vdictl.engine.builder" in words and str(state) in str((folder / "fd/1").readlink()):
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no builder is running")


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def test_a_builder_that_is_killed_is_finished_by_the_engine(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t7:1", "RUN echo here we are; sleep 2", "RUN true")
    ensure_started(room.engine, context, state_dir=state)
    until(lambda: "here we are" in look(room.engine, context, state_dir=state).tail)
    os.kill(builder_of(state), signal.SIGKILL)
    status = ensure_started(room.engine, context, state_dir=state)
    assert (status.state, status.started_now) == ("running", False), "the engine still works on it"
    assert finish(room, context, state)[0].state == "done"
    tidy(room, context)


def test_a_builder_and_its_engine_killed_leave_nothing(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t8:1", "RUN true", "RUN echo here we are; sleep 3", "RUN true")
    ensure_started(room.engine, context, state_dir=state)
    until(lambda: "here we are" in look(room.engine, context, state_dir=state).tail)
    builder = builder_of(state)
    engines = children_of(builder)
    assert engines
    for pid in (builder, *engines):
        os.kill(pid, signal.SIGKILL)
    until(lambda: look(room.engine, context, state_dir=state).state == "absent")
    assert external(room), "the test means to leave working containers behind"
    time.sleep(1.1)  # working containers bear whole seconds, and only older ones are taken for left over
    assert ensure_started(room.engine, context, state_dir=state).started_now
    assert finish(room, context, state)[0].state == "done"
    tidy(room, context)


def test_a_builder_that_is_always_killed_is_given_up(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t9:1", "RUN echo here we are; sleep 1")
    for _ in range(3):
        assert ensure_started(room.engine, context, state_dir=state).started_now
        until(lambda: "here we are" in look(room.engine, context, state_dir=state).tail)
        builder = builder_of(state)
        for pid in (builder, *children_of(builder)):  # the builder first: it must not see how its engine ends
            os.kill(pid, signal.SIGKILL)
        until(lambda: look(room.engine, context, state_dir=state).state == "absent")
    status, _ = finish(room, context, state)
    assert status.state == "failed"
    assert "killed 3 times" in status.reason
    assert ensure_started(room.engine, context, state_dir=state, retry=True).started_now
    assert finish(room, context, state)[0].state == "done"
    time.sleep(1.1)
    other = recipe("localhost/vdictl/t9:2", "RUN true")
    finish(room, other, state)
    tidy(room, context, other)


def test_a_builder_told_to_stop_stops_its_engine_and_says_so(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t10:1", "RUN echo here we are; sleep 30")
    ensure_started(room.engine, context, state_dir=state)
    until(lambda: "here we are" in look(room.engine, context, state_dir=state).tail)
    os.kill(builder_of(state), signal.SIGTERM)
    until(lambda: look(room.engine, context, state_dir=state).state == "failed", 30)
    assert "stopped by a signal" in look(room.engine, context, state_dir=state).reason


def test_a_full_disk_is_said(room: Room, state: Path, tmp_path: Path) -> None:
    """The engine's storage is on a small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    small = room.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(small)], check=True)
    try:
        conf = tmp_path / "storage.conf"
        conf.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{small}/g"\nrunroot = "{small}/r"\n')
        tar = room.folder / "base.tar"
        room.engine.run("save", "--output", str(tar), BASE_TAG, timeout=300)
        engine = type(room.engine)(
            "podman",
            room.engine.binary,
            {**room.engine.env, "CONTAINERS_STORAGE_CONF": str(conf)},
            traits=room.engine.traits,
        )
        engine.run("load", "--input", str(tar), timeout=300)
        context = recipe("localhost/vdictl/t11:1", "RUN head -c 400M /dev/zero > /big")
        status, _ = finish(Room(engine, state, small), context, state)
        assert status.state == "failed"
        assert "no space left" in status.reason
        assert "Free some space" in status.advice
        engine.call("rmi", "--all", "--force")
    finally:
        subprocess.run(["umount", "--recursive", str(small)], check=False)


def test_nothing_secret_is_written_down(room: Room, state: Path) -> None:
    context = recipe("localhost/vdictl/t12:1", "RUN env")
    engine = type(room.engine)(
        "podman", room.engine.binary, {**room.engine.env, "API_KEY": "s3cret"}, traits=room.engine.traits
    )
    status, _ = finish(Room(engine, state, room.folder), context, state)
    assert status.state == "done"
    texts = [file.read_bytes() for file in state.rglob("*") if file.is_file()]
    assert texts
    assert not any(b"s3cret" in text for text in texts)
    tidy(room, context)
