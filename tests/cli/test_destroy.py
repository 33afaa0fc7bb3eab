"""`vdictl destroy`."""

from __future__ import annotations

import signal

import pytest

from tests.cli.front import Vdictl, until


def make(vdictl: Vdictl, *names: str, label: str = "") -> None:
    for name in names:
        vdictl.ok("create", name, "--no-wait", "-q", *(["--label", label] if label else []))


def test_the_only_one_goes_without_a_question_and_its_home_stays(vdictl: Vdictl) -> None:
    make(vdictl, "web")
    vdictl.ok("exec", "web", "sh", "-c", "echo kept > file")
    gone = vdictl.ok("destroy")
    assert "The home web stays and costs 0.001 EUR/hour" in gone.err
    assert vdictl.names() == []
    make(vdictl, "web")
    assert vdictl.ok("exec", "web", "cat", "file").out == "kept\n"
    assert "home" not in vdictl.ok("destroy", "web", "--with-volumes").err
    make(vdictl, "web")
    assert vdictl("exec", "web", "cat", "file").code != 0


def test_snapshots_stay_unless_told(vdictl: Vdictl) -> None:
    make(vdictl, "web")
    vdictl.ok("snapshot", "create", "web", "before")
    assert "The snapshot web/before stays" in vdictl.ok("destroy").err
    assert vdictl.ok("snapshot", "list", "-o", "name").out == "before\n"
    make(vdictl, "db")
    vdictl.ok("snapshot", "create", "db", "mine")
    vdictl.ok("destroy", "db", "--with-snapshots")
    assert vdictl.ok("snapshot", "list", "-o", "name").out == "before\n"


def test_without_a_name_several_are_a_question_of_which(vdictl: Vdictl) -> None:
    make(vdictl, "a", "b")
    refused = vdictl("destroy")
    assert refused.code == 2
    assert "a (memory), b (memory)" in refused.err
    assert vdictl.names() == ["a", "b"]


@pytest.mark.parametrize("words", [["a", "b"], ["[ab]"], ["a*"], ["--selector", "team=blue"], ["--all"]])
def test_more_than_one_named_needs_yes_without_a_terminal(vdictl: Vdictl, words: list[str]) -> None:
    make(vdictl, "a", "b", label="team=blue")
    refused = vdictl("destroy", *words)
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert "  a  memory" in refused.err
    assert vdictl.names() == ["a", "b"]
    vdictl.ok("destroy", *words, "--yes")
    assert vdictl.names() == (["b"] if words == ["a*"] else [])


def test_a_terminal_is_asked_and_no_is_the_default(vdictl: Vdictl) -> None:
    make(vdictl, "a", "b")
    for typed in ("\n", "n\n", "maybe\n"):
        refused = vdictl("destroy", "--all", tty=True, stdin=typed)
        assert refused.code == 2, refused.out
        assert "Destroy these 2 desktops?" in refused.out
    assert vdictl.names() == ["a", "b"]
    assert vdictl("destroy", "--all", tty=True, stdin="y\n").code == 0
    assert vdictl.names() == []


def test_on_a_terminal_a_named_one_is_not_asked_about_and_a_meant_one_is(vdictl: Vdictl) -> None:
    make(vdictl, "a")
    assert vdictl("destroy", tty=True, stdin="n\n").code == 2
    assert vdictl("destroy", "a", tty=True).code == 0
    assert vdictl.names() == []


@pytest.mark.parametrize("words", [["nope"], ["a", "nope"], ["z*"], ["--selector", "team=red"]])
def test_what_is_not_there_is_4_before_any_question_and_changes_nothing(vdictl: Vdictl, words: list[str]) -> None:
    make(vdictl, "a")
    refused = vdictl("destroy", *words, "-o", "json")
    assert (refused.code, refused.out, refused.error["error"]) == (4, "", "not-found")
    assert vdictl.names() == ["a"]
    ignored = vdictl("destroy", *words, "--ignore-not-found", "--yes", "-o", "json")
    assert ignored.code == 0
    assert [row["name"] for row in ignored.data] == (["a"] if "a" in words else [])


def test_nothing_at_all_is_4_too(vdictl: Vdictl) -> None:
    assert vdictl("destroy").code == 4
    assert vdictl("destroy", "--all", "--yes").code == 4
    assert vdictl.ok("destroy", "--ignore-not-found", "-o", "json").data == []
    assert vdictl.ok("destroy", "--all", "--yes", "--ignore-not-found", "-o", "json").data == []


def test_two_ways_of_selecting_are_refused(vdictl: Vdictl) -> None:
    make(vdictl, "a")
    assert vdictl("destroy", "a", "--all", "--yes").code == 2
    assert vdictl("destroy", "--all", "--selector", "a=b", "--yes").code == 2
    assert vdictl("destroy", "../a").code == 2
    assert vdictl("destroy", "*\n").code == 2
    assert vdictl.names() == ["a"]


def test_the_result_of_each_as_data(vdictl: Vdictl) -> None:
    make(vdictl, "a", "b")
    keys = {row["name"]: row["key"] for row in vdictl.ok("list", "-o", "json").data}
    gone = vdictl.ok("destroy", "a", "b", "--yes", "-o", "json", "-q")
    assert gone.err == ""
    assert [(r["name"], r["key"], r["provider"], r["result"]) for r in gone.data] == [
        ("a", keys["a"], "memory", "destroyed"),
        ("b", keys["b"], "memory", "destroyed"),
    ]


def test_after_a_failure_the_others_go_on(vdictl: Vdictl) -> None:
    make(vdictl, "a", "b", "c")
    vdictl.configure(memory='faults = "auth-failed:label_machine:1"')
    partly = vdictl("destroy", "--all", "--yes", "-o", "json")
    assert partly.code == 7
    assert sorted(row["result"] for row in partly.data) == ["destroyed", "destroyed", "failed"]
    assert partly.error["error"] == "partial"
    left = vdictl.names()
    assert [row["name"] for row in partly.data if row["result"] == "failed"] == left
    assert left[0] in partly.error["details"]
    vdictl.ok("destroy")
    assert vdictl.names() == []


def test_no_wait_leaves_the_rest_to_whoever_comes_next(vdictl: Vdictl) -> None:
    make(vdictl, "a")
    vdictl.config.write_text(vdictl.config.read_text().replace('task = "0.02"', 'task = "1"'))
    assert vdictl.ok("destroy", "--no-wait", "-o", "json").data[0]["result"] == "destroying"
    assert vdictl.ok("list", "-o", "json").data[0]["state"] == "deleting"
    vdictl.ok("wait", "a", "--for", "deleted")
    assert vdictl.names() == []


def test_a_create_while_it_goes_waits_and_makes_a_new_one(vdictl: Vdictl) -> None:
    make(vdictl, "a")
    key = vdictl.ok("show", "-o", "json").data["key"]
    vdictl.config.write_text(vdictl.config.read_text().replace('task = "0.02"', 'task = "1"'))
    vdictl.ok("destroy", "--no-wait")
    made = vdictl.ok("create", "a", "-o", "json").data
    assert made["key"] != key
    assert made["usable"] is True


def test_time_over_is_8_and_the_work_goes_on(vdictl: Vdictl) -> None:
    make(vdictl, "a")
    vdictl.configure(memory='faults = "delete-late:delete_machine:1:4"')
    late = vdictl("destroy", "--timeout", "1s")
    assert late.code == 8
    vdictl.ok("wait", "a", "--for", "deleted")


def test_ctrl_c_says_how_to_finish(vdictl: Vdictl) -> None:
    make(vdictl, "a")
    vdictl.configure(memory='faults = "delete-late:delete_machine:1:6"')
    process = vdictl.start("destroy")
    until(lambda: [row["state"] for row in vdictl.ok("list", "-o", "json").data] == ["deleting"])
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=5)
    assert process.returncode == 130
    assert b"the same destroy again" in said
    vdictl.ok("destroy", "a", "--ignore-not-found")
    assert vdictl.names() == []


def test_those_of_others_and_of_other_fleets_are_not_met(vdictl: Vdictl) -> None:
    make(vdictl, "mine")
    vdictl.ok("create", "theirs", "--owner", "bob", "-q")
    vdictl.ok("create", "far", "--fleet", "other", "-q")
    refused = vdictl("destroy", "theirs")
    assert refused.code == 4
    assert "bob" in refused.err
    assert vdictl("destroy", "far").code == 4
    vdictl.ok("destroy", "--all", "--yes")
    assert vdictl.names("-A") == ["theirs"]
    assert vdictl.names("--fleet", "other") == ["far"]
    vdictl.ok("destroy", "theirs", "--owner", "bob")
    assert vdictl.names("-A") == []
