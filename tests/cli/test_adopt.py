"""adopt: machines that somebody made with the vendor's own tool, on the reference provider."""

from __future__ import annotations

from tests.cli import planting
from tests.cli.front import Vdictl


def test_a_machine_by_hand_becomes_a_desktop(vdictl: Vdictl) -> None:
    machine = planting.machine(vdictl)
    (seen,) = vdictl.ok("adopt", "--list", "-o", "json").data
    assert (seen["id"], seen["name"], seen["plan"]) == (machine, "legacy", "mem-1c-1gb")
    assert vdictl.names() == []
    taken = vdictl.ok("adopt", machine, "--label", "team=blue", "-o", "json").data
    assert (taken["name"], taken["id"], taken["labels"]) == ("legacy", machine, {"team": "blue"})
    assert vdictl.ok("adopt", "--list", "-o", "json").data == []
    vdictl.ok("start", "legacy")
    assert vdictl.ok("exec", "legacy", "printf", "here").out == "here"
    vdictl.ok("destroy", "legacy")
    assert vdictl.names() == []


def test_what_cannot_be_adopted_is_told(vdictl: Vdictl) -> None:
    machine = planting.machine(vdictl)
    vdictl.ok("create", "legacy")
    mine = vdictl.ok("show", "legacy", "-o", "json").data["id"]
    for words, code in (([machine], 9), ([mine, "new"], 4), (["none", "new"], 4), ([], 2), ([machine, "-x"], 2)):
        assert vdictl("adopt", "--", *words).code == code, words
    assert vdictl.names() == ["legacy"]
    vdictl.ok("adopt", machine, "new")
    assert vdictl.names() == ["legacy", "new"]


def test_who_cannot_names_who_can(vdictl: Vdictl) -> None:
    told = vdictl("adopt", "--list", "-p", "local")
    assert told.code == 6 and "memory" in told.err
