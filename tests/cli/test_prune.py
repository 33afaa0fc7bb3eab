"""`vdictl snapshot prune`: which ones go, and that they are shown first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.front import Vdictl

DAY = 86400.0


@pytest.fixture
def made(vdictl: Vdictl) -> Vdictl:
    """Two desktops with three snapshots each, which are one, two and three days old."""
    for desktop in ("desktop", "other"):
        vdictl.ok("create", desktop, "--no-wait")
        for name in ("c", "b", "a"):
            vdictl.ok("snapshot", "create", desktop, name)
    ages = {"a": 1, "b": 2, "c": 3}

    def age(state: dict[str, Any]) -> None:
        for each in state["snapshots"].values():
            each["created"] -= ages[each["name"]] * DAY - 60

    change(vdictl, age)
    return vdictl


def change(vdictl: Vdictl, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the cloud's own state."""
    file = vdictl.folder / "cloud/state.json"
    state = json.loads(file.read_text())
    edit(state)
    file.write_text(json.dumps(state))


def left(vdictl: Vdictl) -> set[str]:
    return {f"{s['desktop_name'][0]}{s['name']}" for s in vdictl.ok("snapshot", "list", "-o", "json").data}


def test_the_newest_stay_of_each_desktop(made: Vdictl) -> None:
    done = made.ok("snapshot", "prune", "--keep", "1", "--yes", "-o", "json")
    assert [row["result"] for row in done.data] == ["deleted"] * 4
    assert left(made) == {"da", "oa"}
    again = made.ok("snapshot", "prune", "--keep", "1", "--yes")
    assert again.out == "" and "no snapshot to delete" in again.err
    made.ok("snapshot", "prune", "desktop", "--keep", "0", "--yes")
    assert left(made) == {"oa"}


def test_by_age_of_one_desktop(made: Vdictl) -> None:
    made.ok("snapshot", "prune", "desktop", "--older-than", "36h", "--yes", "-q")
    assert left(made) == {"da", "oa", "ob", "oc"}
    made.ok("snapshot", "prune", "--older-than", "2m", "--keep", "2", "--yes", "-q")  # both rules must give it up
    assert left(made) == {"da", "oa", "ob"}


def test_it_is_shown_first_and_nothing_goes_without_a_yes(made: Vdictl) -> None:
    dry = made.ok("snapshot", "prune", "--keep", "2", "--dry-run", "-o", "json")
    assert {(s["desktop_name"], s["name"]) for s in dry.data} == {("desktop", "c"), ("other", "c")}
    asked = made("snapshot", "prune", "--keep", "2")
    assert asked.code == 2 and "desktop/c" in asked.err and "--yes" in asked.err
    no = made("snapshot", "prune", "--keep", "2", tty=True, stdin="n\n")
    assert no.code == 2 and "Delete these 2 snapshots? [y/N]" in no.out
    assert len(left(made)) == 6


def test_half_made_ones_go_once_nobody_works_on_them(made: Vdictl) -> None:
    def half(state: dict[str, Any]) -> None:
        for each in state["snapshots"].values():
            if each["name"] == "a":
                each["until"] += 30 * DAY
        for machine in state["machines"].values():
            if machine["name"].endswith("other"):  # there the cloud still copies
                task = json.loads(machine["label"])["op"]["token"]
                machine["task"] = {"request": task, "until": machine["created"] + 30 * DAY, "then": ""}

    change(made, half)
    made.ok("snapshot", "prune", "--keep", "5", "--yes")
    assert left(made) == {"db", "dc", "oa", "ob", "oc"}
    made.ok("snapshot", "prune", "--keep", "1", "--yes")
    assert left(made) == {"db", "oa", "ob"}  # the half one does not count as kept


def test_wrong_usage(made: Vdictl) -> None:
    assert made("snapshot", "prune").code == 2
    assert made("snapshot", "prune", "--older-than", "soon").code == 2
    assert made("snapshot", "prune", "--keep", "-1").code == 2
    assert made("snapshot", "prune", "A B", "--keep", "1").code == 2
    assert len(left(made)) == 6


def test_after_a_failure_the_others_go(made: Vdictl) -> None:
    made.configure(memory='faults = "auth-failed:delete_snapshot:1"')
    done = made("snapshot", "prune", "desktop", "--keep", "1", "--yes", "-o", "json")
    assert done.code == 7 and sorted(row["result"] for row in done.data) == ["deleted", "failed"]
