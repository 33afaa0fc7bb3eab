"""rename, label, extend, resize: what is changed of a desktop that is there, on the reference provider."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.front import Vdictl


def shown(vdictl: Vdictl, name: str = "web") -> Any:
    return vdictl.ok("show", name, "-o", "json").data


def timer(vdictl: Vdictl, name: str = "web") -> float | None:
    """What the guest inside says of its end."""
    told = vdictl.ok("exec", name, "vdictl-guest", "probe", "--json").data["expires"]
    return None if told is None else float(told)


def hours_left(when: str) -> float:
    return (datetime.fromisoformat(when) - datetime.now(UTC)).total_seconds() / 3600


# -- rename -----------------------------------------------------------------------------------------------------------


def test_a_renamed_desktop_is_the_same_under_another_name(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--flavor", "minimal")
    vdictl.ok("exec", "web", "--", "sh", "-c", "echo kept > note")
    before = shown(vdictl)
    renamed = vdictl.ok("rename", "web", "shop", "-o", "json").data
    assert (renamed["name"], renamed["key"], renamed["home"]) == ("shop", before["key"], "web")
    assert vdictl.names() == ["shop"]
    assert vdictl.ok("exec", "shop", "cat", "note").out == "kept\n"
    assert vdictl("show", "web").code == 4
    again = vdictl.ok("create", "shop", "--flavor", "minimal", "-o", "json").data
    assert (again["how"], again["key"]) == ("found", before["key"])
    assert vdictl.ok("rename", "shop", "shop").code == 0, "its own name is as good"


def test_the_old_name_is_free_with_another_home(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web")
    vdictl.ok("rename", "web", "shop")
    refused = vdictl("create", "web")
    assert refused.code == 9 and "home web is in use" in refused.err
    vdictl.ok("create", "web", "--home", "second")
    assert vdictl.names() == ["shop", "web"]


def test_a_name_that_is_taken_or_is_none_changes_nothing(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web")
    vdictl.ok("create", "shop", "--home", "second")
    taken = vdictl("rename", "web", "shop")
    assert taken.code == 9 and "already" in taken.err
    for bad in ("-x", "a" * 300, "../x", "Grün", "a\nb", ""):
        assert vdictl("rename", "web", "--", bad).code == 2
    assert vdictl("rename", "nothing", "new").code == 4
    assert vdictl.names() == ["shop", "web"]


# -- label ------------------------------------------------------------------------------------------------------------


def test_labels_are_set_and_taken_away_one_by_one(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--label", "team=blue", "--label", "old=1")
    told = vdictl.ok("label", "web", "stage=test", "old-", "-o", "json").data
    assert [(one["name"], one["result"]) for one in told] == [("web", "labelled")]
    assert shown(vdictl)["labels"] == {"team": "blue", "stage": "test"}
    vdictl.ok("label", "team=red")  # the only one
    assert shown(vdictl)["labels"]["team"] == "red"


def test_several_are_listed_and_need_a_yes(vdictl: Vdictl) -> None:
    for name in ("ci-1", "ci-2", "web"):
        vdictl.ok("create", name, "--label", f"kind={name[:2]}")
    asked = vdictl("label", "ci-*", "seen=1")
    assert asked.code == 2 and "--yes" in asked.err and "ci-2" in asked.err
    vdictl.ok("label", "ci-*", "seen=1", "--yes")
    vdictl.ok("label", "--selector", "kind=we", "seen=2", "--yes")
    seen = {one["name"]: one["labels"]["seen"] for one in vdictl.ok("list", "-o", "json").data}
    assert seen == {"ci-1": "1", "ci-2": "1", "web": "2"}


@pytest.mark.parametrize("words", [["web"], ["web", "a=1", "a-"], ["web", "=1"], ["web", "a b=1"], ["web", "a=\x01"]])
def test_what_cannot_be_a_label_is_refused(vdictl: Vdictl, words: list[str]) -> None:
    vdictl.ok("create", "web", "--label", "team=blue")
    assert vdictl("label", *words).code == 2
    assert shown(vdictl)["labels"] == {"team": "blue"}


# -- extend -----------------------------------------------------------------------------------------------------------


def test_an_end_moves_away_and_never_nearer_by_a_length(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--ttl", "1h")
    vdictl.ok("extend", "web", "3h")
    moved = shown(vdictl)["expires"]
    assert 2.9 < hours_left(moved) <= 3
    assert timer(vdictl) == datetime.fromisoformat(moved).timestamp()
    vdictl.ok("extend", "web", "1h")
    assert shown(vdictl)["expires"] == moved, "an extend took time away"
    vdictl.ok("extend", "web", "--until", (datetime.now(UTC) + timedelta(hours=2)).isoformat())
    assert 1.9 < hours_left(shown(vdictl)["expires"]) <= 2
    vdictl.ok("extend", "--never")
    assert shown(vdictl)["expires"] is None and timer(vdictl) is None
    vdictl.ok("extend", "web", "1h")
    assert shown(vdictl)["expires"] is None


def test_a_new_end_holds_over_stop_and_start(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--ttl", "1h")
    vdictl.ok("stop", "web")
    vdictl.ok("extend", "web", "5h")
    vdictl.ok("start", "web")
    assert timer(vdictl) == datetime.fromisoformat(shown(vdictl)["expires"]).timestamp()


def test_one_whose_time_is_over_is_extended_and_started(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--ttl", "1h")
    vdictl.ok("stop", "web")
    patience = 2
    while vdictl("extend", "web", "--until", (datetime.now(UTC) + timedelta(seconds=patience)).isoformat()).code:
        patience *= 2  # a busy machine: it was over before it was asked
    while hours_left(shown(vdictl)["expires"]) > 0:
        time.sleep(0.1)
    assert vdictl("start", "web").code == 9
    vdictl.ok("extend", "web", "1h")
    assert vdictl.ok("start", "web", "-o", "json").data["state"] == "running"


@pytest.mark.parametrize("words", [[], ["web", "soon"], ["web", "--until", "2001-01-01"], ["web", "--until", "x"]])
def test_what_is_no_end_is_refused(vdictl: Vdictl, words: list[str]) -> None:
    vdictl.ok("create", "web", "--ttl", "1h")
    before = shown(vdictl)["expires"]
    assert vdictl("extend", *words).code == 2
    assert vdictl("extend", "web", "--never", "--until", "2040-01-01").code == 2
    assert shown(vdictl)["expires"] == before


# -- resize -----------------------------------------------------------------------------------------------------------


def test_another_size_becomes_what_was_asked(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--plan", "mem-1c-1gb")
    asked = vdictl("resize", "web", "--plan", "mem-2c-4gb")
    assert asked.code == 2 and "restarted" in asked.err and "--yes" in asked.err
    resized = vdictl.ok("resize", "web", "--plan", "mem-2c-4gb", "--yes", "-o", "json").data
    assert (resized["plan"], resized["state"]) == ("mem-2c-4gb", "running")
    assert vdictl.ok("create", "web", "--plan", "mem-2c-4gb", "-o", "json").data["how"] == "found"
    assert vdictl("create", "web", "--plan", "mem-1c-1gb").code == 9
    vdictl.ok("resize", "web", "--memory", "8g", "--yes")
    record = shown(vdictl)
    assert (record["plan"], record["spec"]) == ("mem-4c-16gb", {"cpus": 2.0, "memory_mib": 8192})


def test_a_size_that_cannot_be_had_changes_nothing(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--plan", "mem-1c-1gb")
    vdictl.ok("stop", "web")
    for words, code in (
        (["--plan", "none"], 2),
        (["--plan", "mem-8c-32gb"], 10),
        (["--cpus", "99"], 2),
        (["--memory", "much"], 2),
        (["--memory", ""], 2),
        (["--cpus", "nan"], 2),
        ([], 2),
    ):
        assert vdictl("resize", "web", *words).code == code, words
    assert (shown(vdictl)["plan"], shown(vdictl)["state"]) == ("mem-1c-1gb", "stopped")
    vdictl.ok("resize", "web", "--plan", "mem-2c-4gb")  # nothing runs in it: nobody is asked
    assert (shown(vdictl)["plan"], shown(vdictl)["state"]) == ("mem-2c-4gb", "stopped")


def test_the_journal_tells_what_was_changed(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web")
    vdictl.ok("label", "web", "a=1")
    vdictl.ok("rename", "web", "shop")
    lines = [json.loads(line) for line in (vdictl.state / "journal.jsonl").read_text().splitlines()]
    assert {"label", "rename"} <= {line.get("verb") for line in lines}
