"""The journal: whole lines from many processes, put aside in time, read back whatever else stands in the files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.core.worlds import World
from vdictl.contract.errors import Invalid, NotFound, TimedOut, Unavailable, VdictlError
from vdictl.core import chronicle, journal, outlook
from vdictl.core.creating import Until
from vdictl.core.journal import KEPT, LONGEST_LINE, ROTATE_BYTES, Journal, files
from vdictl.testing.clock import MovableClock

#: One process of many: so small files are put aside that it happens all the time, and all of them are kept.
WRITER = """
import sys
from pathlib import Path
from vdictl.core import journal
from vdictl.core.clock import SystemClock
journal.ROTATE_BYTES, journal.KEPT = 20_000, 60
mine = journal.Journal(Path(sys.argv[1]), clock=SystemClock(), owner=sys.argv[2])
for number in range(int(sys.argv[3])):
    mine.note("e", operation=f"{sys.argv[2]}-{number}", doing="x" * (number * 37 % 480))
"""


def make(folder: Path) -> Journal:
    return Journal(folder, clock=MovableClock(), owner="me")


# -- writing ----------------------------------------------------------------------------------------------------------


def test_one_line_an_event_for_its_user_alone(tmp_path: Path) -> None:
    mine = make(tmp_path / "state")
    mine.note("begin", name="desktop", key="", provider="memory")
    (line,) = (json.loads(text) for text in mine.file.read_text().splitlines())
    assert (line["event"], line["by"], line["name"], line["pid"]) == ("begin", "me", "desktop", os.getpid())
    assert "key" not in line and line["time"].endswith("+00:00")
    assert mine.file.stat().st_mode & 0o777 == 0o600
    assert mine.folder.stat().st_mode & 0o777 == 0o700


def test_many_processes_lose_and_tear_no_line_also_while_files_are_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes, lines = 8, 250
    words = [sys.executable, "-c", WRITER, str(tmp_path)]
    running = [subprocess.Popen([*words, f"p{n}", str(lines)], env={"PYTHONPATH": "."}) for n in range(processes)]
    assert [process.wait(120) for process in running] == [0] * processes
    monkeypatch.setattr(journal, "KEPT", 60)
    there = [file for file in files(tmp_path) if file.exists()]
    assert 10 < len(there) <= 60, "too little was put aside to prove anything"
    told = chronicle.read(tmp_path)
    assert told.skipped == 0
    assert sorted(e.operation for e in told.events) == sorted(
        f"p{n}-{i}" for n in range(processes) for i in range(lines)
    )
    for n in range(processes):  # and each one's are in order
        own = [int(e.operation.partition("-")[2]) for e in told.events if e.owner == f"p{n}"]
        assert own == sorted(own)


@pytest.mark.parametrize("text", ["x" * 100_000, "\N{PILE OF POO}" * 10_000, "\udcff" * 10_000])
def test_no_line_is_longer_than_a_page(tmp_path: Path, text: str) -> None:
    mine = make(tmp_path)
    mine.note("end", operation="op", verb=text, key=text, name=text, provider=text, doing=text, brief=text, error=text)
    (line,) = mine.file.read_bytes().splitlines(keepends=True)
    assert len(line) <= LONGEST_LINE
    assert chronicle.read(tmp_path).events[0].operation == "op"


def test_files_are_put_aside_and_only_so_many_are_kept(tmp_path: Path) -> None:
    mine = make(tmp_path)
    for number in range(KEPT + 3):
        mine.file.write_text(json.dumps({"time": "2026-01-01T00:00:00+00:00", "event": f"e{number}"}) + "\n")
        with mine.file.open("a") as file:
            file.write(" " * ROTATE_BYTES)
        mine.note("begin")
        assert len(mine.file.read_text().splitlines()) == 1
    assert sorted(f.name for f in tmp_path.glob("*.jsonl")) == sorted(f.name for f in files(tmp_path))
    assert [e.event for e in chronicle.read(tmp_path).events] == ["e3", "e4", "e5", "e6", "begin"]


def test_a_file_that_somebody_puts_aside_in_this_moment_loses_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = make(tmp_path)
    mine.file.write_text("x" * (ROTATE_BYTES + 1))

    @contextmanager
    def after_another(_: Path) -> Iterator[bool]:
        mine.file.rename(tmp_path / "journal.1.jsonl")  # between our look and our lock
        yield True

    monkeypatch.setattr(journal, "_only_one", after_another)
    mine.note("begin")
    assert json.loads(mine.file.read_text())["event"] == "begin"


def test_who_does_not_get_the_lock_writes_on(tmp_path: Path) -> None:
    import fcntl

    mine = make(tmp_path)
    mine.file.write_text("x" * (ROTATE_BYTES + 1))
    with (tmp_path / "journal.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        mine.note("begin")
    assert not files(tmp_path)[1].exists()
    assert [e.event for e in chronicle.read(tmp_path).events] == ["begin"]


def test_a_line_cut_by_a_full_disk_swallows_none_that_comes_later(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.note("begin", operation="one")
    with mine.file.open("a") as file:
        file.write('{"time": "2026-01-01T00:0')
    mine.note("begin", operation="two")
    told = chronicle.read(tmp_path)
    assert ([e.operation for e in told.events], told.skipped) == (["one", "two"], 1)


def test_trouble_with_it_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    make(tmp_path / "file").note("begin")
    (tmp_path / "journal.jsonl").mkdir()
    make(tmp_path).note("begin")
    assert chronicle.read(tmp_path).events == []


# -- reading ----------------------------------------------------------------------------------------------------------


def test_what_is_no_event_is_skipped_and_counted(tmp_path: Path) -> None:
    mine = make(tmp_path)
    mine.note("begin", operation="good")
    foreign = [b"[" * 100_000, b"\xff\xfe\x00", b"{}", b"[1]", b"null", b'"x"', b'{"time": 5, "event": "e"}']
    foreign += [b'{"time": "2026-01-01T00:00:00", "event": "e"}', b'{"time": "2026-01-01T00:00:00Z", "event": 7}']
    with mine.file.open("ab") as file:
        file.write(b"\n\n".join(foreign) + b"\n")
        file.write(b'{"time": "2026-01-01T00:00:00Z", "event": "odd", "pid": "x", "name": 5, "new": {}}\n')
    told = chronicle.read(tmp_path)
    assert ([e.event for e in told.events], told.skipped) == (["begin", "odd"], len(foreign))


def test_the_beginning_of_a_token_will_do(tmp_path: Path) -> None:
    mine = make(tmp_path)
    for token in ("abcd1111", "abcd1111-delete", "abcd2222", "ab"):
        mine.note("begin", operation=token)
    told = chronicle.read(tmp_path)
    assert told.story("abcd1").first.operation == "abcd1111"
    assert told.story("abcd1111-delete").first.operation == "abcd1111-delete"
    assert told.story().first.operation == "ab" and told.story("ab").first.operation == "ab"
    with pytest.raises(Invalid, match="Several"):
        told.story("abcd")
    for unknown in ("abc", "zzzz"):  # the first is too short to be a beginning
        with pytest.raises(NotFound):
            told.story(unknown)
    with pytest.raises(NotFound):
        chronicle.read(tmp_path / "nowhere").story()


# -- what verbs note --------------------------------------------------------------------------------------------------


def events_of(world: World, verb: str) -> list[str]:
    told = chronicle.read(world.context.state_dir)
    return [e.event + (f" {e.outcome}" if e.outcome else "") for e in told.events if e.verb == verb]


def test_each_verb_notes_its_begin_its_steps_and_its_end(world: World) -> None:
    desktop = world.create().desktop
    assert events_of(world, "create")[0] == "begin" and "step" in events_of(world, "create")
    assert events_of(world, "create")[-2:] == ["settled", "end done"]
    operator = world.operator()
    desktop = operator.stop(desktop, grace=1.0)
    made = operator.snapshot_create(desktop, "first")
    operator.snapshot_restore(desktop, made)
    operator.snapshot_delete(made)
    for verb in ("stop", "snapshot", "restore"):
        assert (events_of(world, verb)[0], events_of(world, verb)[-1]) == ("begin", "end done"), verb
    assert events_of(world, "snapshot-delete") == ["begin", "end done"]
    operator.destroy([desktop])
    assert events_of(world, "delete")[0] == "begin" and events_of(world, "delete")[-1] == "end done"
    world.create()
    world.create()  # is there, as it should be: nothing is done, and nothing noted
    assert events_of(world, "create").count("begin") == 2


def test_how_it_ended_is_noted(world: World) -> None:
    with pytest.raises(TimedOut):
        world.create(timeout=1.0)
    assert events_of(world, "create")[-1] == "end timed-out"
    world.create()  # goes on with it
    assert events_of(world, "create")[-2:] == ["resume", "settled"] or "resume" in events_of(world, "create")
    world.create("second", until=Until.BEGUN)
    assert events_of(world, "create")[-1] == "end begun"
    (desktop,) = (d for d in world.there() if d.name == "desktop")
    world.cloud.arm("auth-failed", "write", 100)
    world.operator().destroy([desktop])
    end = chronicle.read(world.context.state_dir).events[-1]
    assert (end.event, end.outcome, end.error) == ("end", "failed", "auth-failed") and end.brief


def test_ctrl_c_and_bugs_are_ends_too(world: World) -> None:
    desktop = world.create().desktop

    def tap(name: str, when: str) -> None:
        if when == "before" and name == "delete_machine":
            raise KeyboardInterrupt

    world.cloud.tap = tap
    with pytest.raises(KeyboardInterrupt):
        world.operator().destroy([desktop])
    assert events_of(world, "delete")[-1] == "end interrupted"
    world.cloud.tap = None
    with (
        pytest.raises(ZeroDivisionError),
        world.context.journal.operation("x", token="t", key="", name="", provider=""),
    ):
        raise ZeroDivisionError
    end = chronicle.read(world.context.state_dir).events[-1]
    assert (end.outcome, end.error, end.brief) == ("failed", "bug", "ZeroDivisionError")


# -- what is left to do -----------------------------------------------------------------------------------------------


def look(world: World, operation: str = "") -> outlook.Outlook:
    return outlook.look(world.context, chronicle.read(world.context.state_dir).story(operation))


def test_what_is_left_is_what_the_provider_says_now(world: World) -> None:
    desktop = world.create(until=Until.BEGUN).desktop
    seen = look(world)
    assert seen.asked and "not finished" in seen.left and "vdictl destroy desktop" in seen.advice
    world.create()
    assert look(world).left == "Nothing is left to do: desktop is running."
    left = world.at.provider.delete(desktop)
    assert left is not None and "being destroyed" in look(world, desktop.key).left
    world.operator().destroy([desktop])
    assert look(world).left == "Nothing is left to do: desktop is gone."
    assert "removed since" in look(world, desktop.key).left


def test_of_a_killed_create_it_tells_whether_anything_came_of_it(world: World) -> None:
    world.context.journal.begin("create", token="feedbeef", key="feedbeef", name="lost", provider="memory")
    seen = look(world)
    assert "was not made" in seen.left and "vdictl gc" in seen.advice


def test_a_silent_provider_leaves_the_journal_alone(world: World) -> None:
    world.create()
    world.cloud.arm("unavailable", "any", 1000)
    seen = look(world)
    assert not seen.asked and isinstance(seen.silent, Unavailable)
    assert seen.left == "By the journal alone, nothing is left to do."
    world.context.journal.begin("create", token="feedbeef", key="feedbeef", name="lost", provider="memory")
    assert "not known" in look(world).left


def test_another_fleet_is_asked_for_what_was_done_there(world: World) -> None:
    made = world.create("far", fleet="blue")
    world.context.journal.note(
        "begin", operation="feedbeef", verb="stop", key=made.desktop.key, name="far", provider="memory", fleet="blue"
    )
    seen = look(world)
    assert seen.desktop is not None and seen.desktop.fleet == "blue"


def test_unknown_providers_are_silent_ones(world: World) -> None:
    world.context.journal.begin("create", token="feedbeef", key="feedbeef", name="lost", provider="gone-away")
    assert isinstance(look(world).silent, VdictlError)


def test_since_and_names_narrow_it(tmp_path: Path) -> None:
    clock = MovableClock()
    mine = Journal(tmp_path, clock=clock, owner="me")
    mine.note("begin", name="a", provider="x")
    clock.advance(3600)
    mine.note("begin", name="b", provider="y")
    told = chronicle.read(tmp_path)
    assert [e.name for e in told.only(since=clock.now() - timedelta(minutes=5))] == ["b"]
    assert [e.name for e in told.only(desktop="a")] == ["a"] and [e.name for e in told.only(provider="y")] == ["b"]
