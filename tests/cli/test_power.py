"""`vdictl start`, `stop`, `restart` and `wait`."""

from __future__ import annotations

import pytest

from tests.cli.front import Vdictl, until


def test_stop_start_and_restart_are_idempotent_and_show_the_record(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    for _ in range(2):
        assert vdictl.ok("stop", "-o", "json").data["state"] == "stopped"
    assert vdictl.ok("stop").out == "desktop  stopped  memory\n"
    for _ in range(2):
        started = vdictl.ok("start", "desktop", "-o", "json").data
        assert (started["state"], started["usable"]) == ("running", True)
    again = vdictl.ok("restart", "-o", "json").data
    assert (again["state"], again["usable"]) == ("running", True)
    assert vdictl.ok("restart", "--no-wait", "-o", "json").data["usable"] is None
    assert vdictl.ok("restart", "-o", "name").out == "desktop\n"


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "wait", "health", "show", "connect"])
def test_what_is_not_there_is_4_and_bad_names_are_2(vdictl: Vdictl, verb: str) -> None:
    assert vdictl(verb).code == 4
    vdictl.ok("create", "web", "--no-wait", "-q")
    missing = vdictl(verb, "nope", "-o", "json")
    assert (missing.code, missing.out, missing.error["error"]) == (4, "", "not-found")
    assert "web" in missing.error["details"]
    assert vdictl(verb, "no\npe").code == 2
    assert vdictl(verb, "x" * 300).code == 2
    vdictl.ok("create", "db", "--no-wait", "-q")
    which = vdictl(verb)
    assert which.code == 2
    assert "db (memory), web (memory)" in which.err


def test_a_broken_desktop_is_healed_by_a_restart(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    vdictl.ok("exec", "desktop", "vdictl-guest", "break", "window_manager")
    assert vdictl("health").code == 1
    vdictl.ok("restart")
    assert vdictl("health").code == 0


def test_start_waits_until_it_is_usable(vdictl: Vdictl) -> None:
    vdictl.configure(memory='faults = "never-ready"')
    vdictl.ok("create", "--no-wait", "-q")
    late = vdictl("start", "--timeout", "1s", "-o", "json")
    assert late.code == 8
    assert "handshake" in late.error["details"]
    vdictl.ok("start", "--no-wait")


def test_wrong_lengths_of_time_are_2(vdictl: Vdictl) -> None:
    vdictl.ok("create", "--no-wait", "-q")
    assert vdictl("stop", "--grace", "soon").code == 2
    assert vdictl("start", "--timeout", "-1").code == 2
    assert vdictl("wait", "--for", "happiness").code == 2
    assert vdictl.ok("show", "-o", "json").data["state"] == "running"


def test_wait_for_each_aim(vdictl: Vdictl) -> None:
    vdictl.ok("create", "a", "--detach", "-q")
    vdictl.ok("create", "b", "--detach", "-q")
    both = vdictl.ok("wait", "a", "b", "--for", "usable", "-o", "json").data  # what is half made is finished
    assert [(row["name"], row["result"]) for row in both] == [("a", "usable"), ("b", "usable")]
    vdictl.ok("wait", "a", "--for", "running")
    late = vdictl("wait", "a", "b", "--for", "stopped", "--timeout", "1s", "-o", "json")
    assert late.code == 7  # of several: those that failed are named
    assert [row["result"] for row in late.data] == ["failed", "failed"]
    assert vdictl("wait", "a", "--for", "stopped", "--timeout", "1s").code == 8
    vdictl.ok("stop", "a")
    vdictl.ok("wait", "a", "--for", "stopped")
    assert vdictl.ok("wait", "never", "--for", "deleted", "-o", "json").data[0]["result"] == "deleted"


def test_wait_sees_what_another_run_does(vdictl: Vdictl) -> None:
    vdictl.ok("create", "a", "-q")
    waiting = vdictl.start("wait", "a", "--for", "deleted")
    vdictl.ok("destroy", "a")
    out, said = waiting.communicate(timeout=20)
    assert waiting.returncode == 0, said
    assert b"deleted" in out


def test_wait_for_one_that_goes_away_is_4_and_one_that_is_leaving_9(vdictl: Vdictl) -> None:
    vdictl.ok("create", "a", "-q")
    vdictl.config.write_text(vdictl.config.read_text().replace('task = "0.02"', 'task = "3"'))
    waiting = vdictl.start("wait", "a", "--for", "stopped")
    gone = vdictl.start("destroy", "a")
    _, said = waiting.communicate(timeout=30)
    assert waiting.returncode in (4, 9), said
    until(lambda: gone.poll() is not None)
    gone.communicate()


def test_one_whose_time_is_over_is_not_started_for_a_moment(vdictl: Vdictl) -> None:
    vdictl.ok("create", "brief", "--ttl", "4s", "--detach")
    vdictl.ok("wait", "brief", "--for", "stopped", "--timeout", "30s")
    for verb in ("start", "create"):
        refused = vdictl(verb, "brief")
        assert refused.code == 9
        assert "time of brief is over" in refused.err and "vdictl create brief" in refused.err
