"""From what is there to states, operations that are over, and what is due."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.local.local_things import KEY, NOON, claim, container, done, home, mark, operation, record, volume
from vdictl.contract.model import Desktop, Mark, Operation, State, Wish
from vdictl.engine.nouns import Container
from vdictl.engine.nouns import State as Word
from vdictl_local import convert, names
from vdictl_local.world import World

ID = "c" * 64
BEFORE = NOON.isoformat()


def seen(what: Mark, *containers: Container) -> Desktop:
    return convert.desktop(World.of(containers, [claim(what)]).holdings[KEY])


@pytest.mark.parametrize(
    ("word", "exit_code", "state"),
    [
        ("created", None, State.STOPPED),
        ("running", None, State.RUNNING),
        ("restarting", None, State.STARTING),
        ("stopping", None, State.STOPPING),
        ("exited", 0, State.STOPPED),
        ("exited", 143, State.STOPPED),
        ("exited", 137, State.STOPPED),
        ("exited", 1, State.FAILED),
        ("paused", None, State.UNKNOWN),
        ("dead", None, State.UNKNOWN),
        ("unknown", None, State.UNKNOWN),
    ],
)
def test_states_without_an_operation(word: Word, exit_code: int | None, state: State) -> None:
    desktop = seen(mark(), container(mark(), word, exit_code=exit_code))
    assert (desktop.state, desktop.operation, desktop.due) == (state, None, False)
    assert bool(desktop.reason) == (state in {State.FAILED, State.UNKNOWN})


def test_a_create_is_pending_until_its_container_runs() -> None:
    what = mark(operation("create"))
    assert seen(what).state is State.PENDING
    assert seen(what, container(what, "created", started=None)).state is State.PENDING
    running = seen(what, container(what))
    assert (running.state, running.due) == (State.RUNNING, True)


def test_a_container_that_was_removed_is_a_failure_and_not_made_anew() -> None:
    desktop = seen(mark())
    assert (desktop.state, desktop.due, desktop.reason) == (State.FAILED, False, convert.LOST)


def power(verb: str, *, started: str = BEFORE, id: str = ID) -> Operation:
    wish = Wish.STOPPED if verb == "stop" else Wish.PRESENT
    return operation(verb, wish=wish, container=id, started=started)


LATER = NOON + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("verb", "made", "is_open"),
    [
        ("start", container(mark(), "exited", exit_code=0), True),
        ("start", container(mark(), "running", started=LATER), False),
        ("start", container(mark(), "exited", started=LATER, exit_code=0), False),  # stopped by an outsider since
        ("start", container(mark(), "exited", exit_code=0, id="d" * 64), False),  # another container since
        ("start", None, False),  # an outsider took it: that stays so
        ("stop", container(mark(), "running"), True),
        ("stop", container(mark(), "stopping"), True),
        ("stop", container(mark(), "paused"), True),
        ("stop", container(mark(), "exited", exit_code=0), False),
        ("stop", container(mark(), "running", started=LATER), False),  # started by an outsider since
        ("restart", container(mark(), "running"), True),
        ("restart", container(mark(), "exited", exit_code=0), True),
        ("restart", container(mark(), "running", started=LATER), False),
        ("restart", container(mark(), "exited", started=LATER, exit_code=0), False),
    ],
)
def test_when_a_power_operation_is_over(verb: str, made: Container | None, is_open: bool) -> None:
    desktop = seen(mark(power(verb)), *([made] if made else []))
    assert (desktop.operation is not None, desktop.due) == (is_open, is_open)


def test_a_start_without_a_container_makes_one() -> None:
    desktop = seen(mark(power("start", id="", started="")))
    assert (desktop.state, desktop.due) == (State.STARTING, True)


def test_one_that_says_it_is_done_is_done() -> None:
    over = operation("restart", container=ID, started=BEFORE, done="1")
    assert seen(mark(over), container(mark())).operation is None


def test_a_delete_wins_over_everything() -> None:
    desktop = seen(mark(operation("delete", wish=Wish.ABSENT)), container(mark()))
    assert (desktop.state, desktop.due) == (State.DELETING, True)


def test_paused_by_us_is_running_and_said() -> None:
    desktop = seen(mark(operation("snapshot")), container(mark(), "paused"))
    assert desktop.state is State.RUNNING
    assert "paused" in desktop.doing


def test_a_newer_mark_is_never_due() -> None:
    newer = mark(operation("create"), version=2)
    desktop = seen(newer)
    assert (desktop.mark_version, desktop.due) == (2, False)


def test_what_is_shown() -> None:
    what = mark(home="work", image="localhost/x")
    desktop = seen(what, container(what))
    assert desktop.id == "vdictl-default-alice-one"
    assert desktop.address == "127.0.0.1:40000"
    assert (desktop.home, desktop.image, desktop.plan) == ("work", "localhost/x", "local-1c-2gb")
    assert desktop.created == NOON + timedelta(seconds=1)
    assert desktop.facts["network"] == "this machine's loopback only"


def test_facts_tell_what_is_given_up() -> None:
    told = convert.facts({names.NETWORK: "none", names.SYSTEM: "writable", names.LIMITS: "ignored"})
    assert "none" in told["network"]
    assert "--sudo" in told["system"]
    assert "not limited" in told["limits"]
    assert convert.facts({}) == {}


def test_a_home_is_listed_once_it_is_whole() -> None:
    world = World.of([], [claim(mark()), home(1, copy="t1")])
    (found,) = world.homes.values()
    assert convert.home(world, found) is None
    world = World.of([], [claim(mark()), home(1, copy="t1"), done("t1")])
    (found,) = world.homes.values()
    shown = convert.home(world, found)
    assert shown is not None
    assert (shown.id, shown.name, shown.attached_to) == ("vdictl-default-alice-one.home", "one", KEY)


def test_a_snapshot() -> None:
    what = mark(flavor="code")
    labels = {
        "vdictl.sign": "1",
        "vdictl.kind": "snapshot",
        "vdictl.key": KEY,
        "vdictl.fleet": "default",
        "vdictl.owner": "alice",
        "vdictl.name": "one",
        "vdictl.snapshot": "s1",
        "vdictl.copy": "t1",
        "vdictl.mark": record(what, 2).labels["vdictl.mark"],
    }
    world = World.of([], [volume("vdictl-default-alice-one.snap.s1", labels)])
    (one,) = world.kind("snapshot")
    shown = convert.snapshot(world, one)
    assert (shown.name, shown.desktop_key, shown.complete) == ("s1", KEY, False)
    assert shown.spec == what.spec
