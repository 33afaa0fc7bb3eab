"""Following desktops: one list a tick, "gone" only from asking for the thing itself, evidence when time runs out."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.core.worlds import World
from vdictl.contract.errors import AuthFailed, Conflict, TimedOut
from vdictl.contract.model import Desktop, State
from vdictl.core.clock import Deadline
from vdictl.core.creating import Until
from vdictl.core.following import Follower


def runs(desktop: Desktop | None) -> bool:
    return desktop is not None and desktop.operation is None and desktop.state is State.RUNNING


def begun(world: World, count: int) -> list[Desktop]:
    names = [f"d{number}" for number in range(count)]
    return [world.create(name, until=Until.BEGUN).desktop for name in names]


def follower(world: World, seconds: float = 300.0) -> Follower:
    return Follower(world.context, world.at, Deadline(world.clock, seconds))


def test_one_list_a_tick_however_many_there_are(world: World) -> None:
    world.cloud.pace = type(world.cloud.pace)(boot=60.0, task=1.0, page=100)
    desktops = begun(world, 20)
    calls, following = world.calls(), follower(world)
    for desktop in desktops:
        following.add(desktop, runs)
    assert set(following.run().values()) == {None}
    lists = calls.of("list_machines")
    assert len(lists) < 30  # sixty seconds of ticks that grow, not twenty times as many
    assert len(lists) == len(set(lists))


def test_ticks_grow_from_half_a_second_to_five(world: World) -> None:
    world.cloud.pace = type(world.cloud.pace)(boot=120.0, task=1.0, page=100)
    (desktop,) = begun(world, 1)
    calls, following = world.calls(), follower(world)
    following.add(desktop, runs)
    following.run()
    lists = calls.of("list_machines")
    gaps = [later - earlier for earlier, later in itertools.pairwise(lists)]
    assert gaps[0] < 2 and 3.5 < max(gaps) < 8
    assert min(gaps) >= 0.3


def test_one_that_fails_does_not_stop_the_others(world: World) -> None:
    good, bad = begun(world, 2)

    def refuse(desktop: Desktop | None) -> bool:
        raise Conflict("not this one")

    following = follower(world)
    following.add(good, runs)
    following.add(bad, refuse)
    outcomes = following.run()
    assert outcomes[good.key] is None
    assert isinstance(outcomes[bad.key], Conflict)


def test_gone_is_concluded_from_asking_for_it_not_from_a_list(world: World) -> None:
    desktop = world.create().desktop
    real, hidden = world.at.provider.desktops, [True]
    world.at.provider.desktops = lambda: [] if hidden[0] else list(real())  # type: ignore[method-assign]
    following = follower(world, seconds=20)
    following.add(desktop, lambda now: now is None)
    assert isinstance(following.run()[desktop.key], TimedOut)  # it is there, though no list shows it
    world.operator().destroy([desktop])
    following = follower(world, seconds=20)
    following.add(desktop, lambda now: now is None)
    assert following.run()[desktop.key] is None


def test_an_error_while_asking_for_it_is_not_gone(world: World) -> None:
    desktop = world.create().desktop
    world.at.provider.desktops = list  # type: ignore[method-assign]
    world.cloud.arm("unavailable", "get_machine", times=10**6)
    following = follower(world, seconds=20)
    following.add(desktop, lambda now: now is None)
    error = following.run()[desktop.key]
    assert isinstance(error, TimedOut) and "cannot now" in error.details


def test_refused_credentials_end_it_at_once(world: World) -> None:
    desktops = begun(world, 2)
    world.cloud.arm("auth-failed", "list_machines", times=10)
    following = follower(world)
    for desktop in desktops:
        following.add(desktop, lambda _: False)
    outcomes = following.run()
    assert all(isinstance(error, AuthFailed) for error in outcomes.values()) and len(outcomes) == 2


def test_retry_after_holds_all_looks_back(world: World) -> None:
    (desktop,) = begun(world, 1)
    calls, following = world.calls(), follower(world)
    following.add(desktop, lambda _: False)
    world.cloud.arm("rate-limited", "list_machines", value=45)
    following.deadline = Deadline(world.clock, 90)
    following.run()
    lists = calls.of("list_machines")
    assert lists[1] - lists[0] >= 45


def test_time_runs_out_with_what_it_did_last_and_what_was_wrong(world: World) -> None:
    (desktop,) = begun(world, 1)
    world.cloud.arm("unavailable", "list_machines", times=10**6)
    following = follower(world, seconds=10)
    following.add(desktop, lambda _: False)
    error = following.run()[desktop.key]
    assert isinstance(error, TimedOut)
    assert desktop.doing and len(error.details.splitlines()) == 2 and "cannot now" in error.details
    assert "vdictl wait d0" in error.advice
    assert world.clock.monotonic() == pytest.approx(10, abs=0.5)


def test_trouble_that_has_passed_is_no_evidence(world: World) -> None:
    (desktop,) = begun(world, 1)
    world.cloud.arm("unavailable", "list_machines")
    following = follower(world, seconds=20)
    following.add(desktop, lambda _: False)
    error = following.run()[desktop.key]
    assert error is not None and "cannot now" not in error.details


def test_steps_are_told_in_the_journal(world: World) -> None:
    world.create()
    events = world.context.journal.file.read_text()
    assert '"event": "begin"' in events and '"event": "step"' in events


def test_ticks_begin_anew_when_a_step_has_ended(world: World) -> None:
    """A restore of three copies must not wait five seconds for each because the first took long."""
    world.cloud.pace = type(world.cloud.pace)(boot=8.0, task=30.0, page=100)
    desktop = world.create().desktop
    made = world.operator().snapshot_create(desktop, "first")
    calls = world.calls()
    world.operator().snapshot_restore(desktop, made)
    lists = calls.of("list_machines")
    gaps = [later - earlier for earlier, later in itertools.pairwise(lists)]
    later = gaps[gaps.index(max(gaps)) :]
    assert max(gaps) > 3 and min(later) < 1.5
