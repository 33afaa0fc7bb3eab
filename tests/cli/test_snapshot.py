"""`vdictl snapshot`: take, list, delete, restore, clone."""

from __future__ import annotations

import re

import pytest

from tests.cli.front import Vdictl


@pytest.fixture
def made(vdictl: Vdictl) -> Vdictl:
    """With a desktop called `desktop` that has a file."""
    vdictl.ok("create", "desktop", "--no-wait")
    vdictl.ok("exec", "desktop", "sh", "-c", "echo before > file")
    return vdictl


def content(vdictl: Vdictl, name: str = "desktop") -> str:
    return vdictl.ok("exec", name, "cat", "file").out.strip()


def test_restore_brings_the_home_back(made: Vdictl) -> None:
    taken = made.ok("snapshot", "create", "desktop", "first")
    assert "first" in taken.out and "desktop" in taken.out
    made.ok("exec", "desktop", "sh", "-c", "echo after > file")
    restored = made.ok("snapshot", "restore", "desktop", "first", "--yes", "-o", "json")
    assert (restored.data["name"], restored.data["state"], restored.data["usable"]) == ("desktop", "running", True)
    assert content(made) == "before"


def test_a_snapshot_without_a_name_is_called_by_the_time(made: Vdictl) -> None:
    first = made.ok("snapshot", "create", "-o", "name").out.strip()  # of the only desktop
    assert re.fullmatch(r"\d{8}-\d{6}", first)
    record = made.ok("snapshot", "create", "desktop", "second", "-o", "json").data
    assert (record["name"], record["desktop_name"], record["complete"]) == ("second", "desktop", True)
    assert made.ok("snapshot", "list", "-o", "name").out.split() == [first, "second"]


def test_a_name_that_is_taken_is_a_conflict(made: Vdictl) -> None:
    made.ok("snapshot", "create", "desktop", "first")
    assert made("snapshot", "create", "desktop", "first").code == 9
    assert len(made.ok("snapshot", "list", "-o", "json").data) == 1


def test_a_clone_is_a_desktop_of_its_own(made: Vdictl) -> None:
    made.ok("snapshot", "create", "desktop", "first")
    made.ok("exec", "desktop", "sh", "-c", "echo after > file")
    clone = made.ok("snapshot", "clone", "desktop", "first", "second", "-o", "json").data
    assert (clone["name"], clone["usable"], clone["plan"]) == ("second", True, "mem-1c-1gb")
    assert (content(made, "second"), content(made)) == ("before", "after")
    again = made.ok("snapshot", "clone", "desktop", "first", "second", "-o", "json").data
    assert again["key"] == clone["key"]
    assert made("snapshot", "clone", "desktop", "nothing", "third").code == 4
    assert made.names() == ["desktop", "second"]


def test_they_outlive_the_desktop(made: Vdictl) -> None:
    made.ok("snapshot", "create", "desktop", "first")
    made.ok("destroy", "desktop", "--with-volumes")
    assert made.ok("snapshot", "list", "desktop", "-o", "name").out == "first\n"
    made.ok("snapshot", "clone", "desktop", "first", "anew")
    assert content(made, "anew") == "before"
    made.ok("snapshot", "delete", "desktop", "first")
    assert made.ok("snapshot", "list", "-o", "json").data == []


def test_several_are_deleted_only_when_told_so(made: Vdictl) -> None:
    for name in ("a", "b", "c"):
        made.ok("snapshot", "create", "desktop", name)
    asked = made("snapshot", "delete", "desktop", "a", "b")
    assert asked.code == 2 and "a, b" in asked.err and "--yes" in asked.err
    missing = made("snapshot", "delete", "desktop", "a", "nothing", "--yes")
    assert missing.code == 4 and "nothing" in missing.err
    assert len(made.ok("snapshot", "list", "-o", "json").data) == 3  # nothing was done
    done = made.ok("snapshot", "delete", "desktop", "a", "b", "nothing", "--yes", "--ignore-not-found", "-o", "json")
    assert [(row["name"], row["result"]) for row in done.data] == [("a", "deleted"), ("b", "deleted")]
    made.ok("snapshot", "delete", "desktop", "c")  # one needs no question
    assert made("snapshot", "delete", "desktop", "c").code == 4
    made.ok("snapshot", "delete", "desktop", "c", "--ignore-not-found")
    assert made("snapshot", "delete", "desktop").code == 2


def test_at_a_terminal_it_asks(made: Vdictl) -> None:
    made.ok("snapshot", "create", "desktop", "first")
    made.ok("exec", "desktop", "sh", "-c", "echo after > file")
    no = made("snapshot", "restore", "desktop", "first", tty=True, stdin="n\n")
    assert no.code != 0 and "What is in its home now is lost. [y/N]" in no.out
    assert content(made) == "after"
    assert made("snapshot", "restore", "desktop", "first", tty=True, stdin="y\n").code == 0
    assert content(made) == "before"


def test_restore_without_a_terminal_needs_yes_and_what_is_missing_comes_first(made: Vdictl) -> None:
    made.ok("snapshot", "create", "desktop", "first")
    assert made("snapshot", "restore", "desktop", "first").code == 2
    assert made("snapshot", "restore", "desktop", "nothing").code == 4
    assert made("snapshot", "restore", "nobody", "first").code == 4


def test_bulk_goes_on_after_a_failure(made: Vdictl) -> None:
    for name in ("a", "b"):
        made.ok("snapshot", "create", "desktop", name)
    made.configure(memory='faults = "auth-failed:delete_snapshot:1"')
    done = made("snapshot", "delete", "desktop", "a", "b", "--yes", "-o", "json")
    assert done.code == 7 and done.error["error"] == "partial"
    assert sorted(row["result"] for row in done.data) == ["deleted", "failed"]


@pytest.mark.parametrize("bad", ["../x", "a b", "-x", "x" * 300, "A", "\U0001f5a5", "a\nb"])
def test_bad_names_are_refused_and_nothing_is_made(made: Vdictl, bad: str) -> None:
    for words in (("create", "desktop", bad), ("restore", "desktop", bad, "--yes"), ("clone", "desktop", "a", bad)):
        done = made("snapshot", *words)
        might_be_an_id = words[0] == "restore" and bad == "A"
        assert done.code == (4 if might_be_an_id else 2), (words, done)
        assert "Traceback" not in done.err and len(done.err) < 600
    assert made.ok("snapshot", "list", "-o", "json").data == []


def test_the_list(made: Vdictl) -> None:
    none = made.ok("snapshot", "list", "desktop")
    assert none.out == "" and "vdictl snapshot create desktop" in none.err
    assert made("snapshot", "list", "nobody").code == 4
    made.ok("snapshot", "create", "desktop", "first")
    header, row = made.ok("snapshot", "list").out.splitlines()
    assert header.split() == ["DESKTOP", "SNAPSHOT", "PROVIDER", "COMPLETE", "SIZE", "AGE"]
    assert row.split()[:4] == ["desktop", "first", "memory", "yes"]
    assert made.ok("snapshot", "list", "--owner", "another", "-o", "json").data == []
    assert made.ok("snapshot", "list", "--owner", "another", "-A", "-o", "name").out == "first\n"
    assert "snapshot" in made("snapshot").err and made("snapshot").code == 2
