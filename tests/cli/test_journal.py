"""`vdictl journal`: what was done, by whom, and what is left to do."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from tests.cli.front import Vdictl, until


def test_it_lists_what_was_done(vdictl: Vdictl) -> None:
    assert vdictl.ok("journal").err == "Nothing was noted.\n"
    vdictl.ok("create", "web", "--no-wait")
    vdictl.ok("create", "other", "--detach")
    lines = vdictl.ok("journal").out.splitlines()
    assert lines[0].split() == ["TIME", "(UTC)", "OPERATION", "BY", "PROVIDER", "NAME", "VERB", "EVENT", "DETAIL"]
    of_web = vdictl.ok("journal", "list", "--desktop", "web", "-o", "json").data
    assert [of_web[0]["event"], of_web[-1]["event"]] == ["begin", "end"]
    assert {(e["name"], e["verb"], e["by"], e["provider"]) for e in of_web} == {("web", "create", "tester", "memory")}
    one = vdictl.ok("journal", "list", "--operation", of_web[0]["operation"][:6], "--json", "event,outcome").data
    assert one[-1] == {"event": "end", "outcome": "done"}
    assert vdictl.ok("journal", "list", "--since", "2h", "-o", "json").data
    assert vdictl.ok("journal", "list", "-p", "local", "-o", "json").data == []
    assert vdictl("journal", "list", "--since", "yesterday").code == 2


def test_it_explains_an_operation_in_sentences(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait")
    shown = vdictl.ok("journal", "show").out
    assert shown.startswith("The create of the desktop web at memory (operation ")
    assert "tester asked for it" in shown and "preparing its disk" in shown and "it was done" in shown
    assert shown.endswith("Nothing is left to do: web is running.\n")
    vdictl.ok("destroy", "web")
    told = vdictl.ok("journal", "show", "-o", "json").data
    assert (told["verb"], told["desktop"], told["outcome"], told["now"]) == ("delete", "web", "done", None)
    assert told["asked"] is True and told["left"] == "Nothing is left to do: web is gone."
    assert vdictl("journal", "show", "nothing-such").code == 4


def test_of_a_killed_create_it_tells_what_is_left(vdictl: Vdictl) -> None:
    vdictl.configure(memory='latency = "0.2"')
    process = vdictl.start("create", "web")
    journal = vdictl.state / "journal.jsonl"
    until(lambda: journal.exists() and '"step"' in journal.read_text(), seconds=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    vdictl.configure()
    shown = vdictl.ok("journal", "show").out
    assert "Its end was not noted" in shown and "It is not finished: " in shown
    assert "-> Finish it: vdictl wait web" in shown and "-> Undo it: vdictl destroy web" in shown
    vdictl.ok("wait", "web", "--for", "running")
    shown = vdictl.ok("journal", "show").out
    assert "no step of it remained" in shown and "Nothing is left to do: web is running." in shown


def test_a_silent_provider_leaves_the_journal_alone_and_that_is_said(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait")
    vdictl.configure(memory='faults = "auth-failed:any:100"')
    shown = vdictl.ok("journal", "show").out
    assert "memory could not be asked: " in shown and "By the journal alone, nothing is left to do." in shown
    told = vdictl.ok("journal", "show", "-o", "json").data
    assert told["asked"] is False and told["silent"] and told["now"] is None


def test_who_acts_for_somebody_else_is_told(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait", "--owner", "anna")
    assert "tester asked for it for anna" in vdictl.ok("journal", "show").out


def test_foreign_lines_are_skipped_and_counted(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait")
    with (vdictl.state / "journal.jsonl").open("ab") as file:
        file.write(b'\xff\xfe\n{"time": "20\n')
    listed = vdictl.ok("journal", "-o", "json")
    assert listed.data and listed.err == "warning: Lines of the journal that are no events, and were skipped: 2.\n"


def test_deleting_it_loses_nothing(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait", "--label", "team=blue")
    before = vdictl.ok("show", "web", "-o", "json").data
    vdictl.ok("create", "half", "--detach")
    shutil.rmtree(vdictl.state)
    assert vdictl.ok("show", "web", "-o", "json").data == before
    vdictl.ok("create", "half")
    vdictl.ok("destroy", "web", "half", "--yes", "--with-volumes")
    assert vdictl.names() == []


@pytest.mark.parametrize("broken", [False, True])
def test_the_way_to_it_is_told_also_when_the_config_is_broken(vdictl: Vdictl, broken: bool) -> None:
    if broken:
        vdictl.config.write_text("broken =")
    assert vdictl.ok("journal", "path").out == f"{vdictl.state}/journal.jsonl\n"
    assert vdictl.ok("journal", "path", "-o", "json").data == {"name": f"{vdictl.state}/journal.jsonl", "exists": False}
