"""Power, snapshots, destroy: each lets an open operation end first, survives faults, and is never done twice."""

from __future__ import annotations

import pytest

from tests.unit.core.worlds import World
from vdictl.contract.errors import AuthFailed, Conflict, NotFound, TimedOut, Unavailable, Unsupported
from vdictl.contract.model import Desktop, State
from vdictl.core.creating import Until
from vdictl.core.operating import is_leaving


def state_of(world: World, desktop: Desktop) -> State:
    return world.at.provider.desktop(desktop.key).state


def test_stop_start_restart(world: World) -> None:
    desktop = world.create().desktop
    assert world.operator().stop(desktop, grace=1).state is State.STOPPED
    assert world.operator().stop(desktop, grace=1).state is State.STOPPED
    assert world.operator().start(desktop).state is State.RUNNING
    assert world.operator().restart(desktop).state is State.RUNNING


@pytest.mark.parametrize("fault", ["unavailable", "reply-lost", "rate-limited", "two-at-once"])
@pytest.mark.parametrize("call", ["label_machine", "stop_machine", "list_machines"])
def test_a_passing_fault_only_delays(world: World, fault: str, call: str) -> None:
    desktop = world.create().desktop
    world.cloud.arm(fault, call, times=2)
    world.operator().stop(desktop, grace=1)
    assert state_of(world, desktop) is State.STOPPED


def test_an_open_operation_is_let_end_first(world: World) -> None:
    desktop = world.create(until=Until.BEGUN).desktop
    assert desktop.operation is not None
    assert world.operator().stop(desktop, grace=1).state is State.STOPPED


def test_what_is_being_destroyed_is_not_changed(world: World) -> None:
    desktop = world.create().desktop
    world.cloud.arm("delete-late", value=60)
    leaving = world.at.provider.delete(desktop)
    assert leaving is not None
    with pytest.raises(Conflict, match="being destroyed"):
        world.operator().restart(leaving)


def test_a_snapshot_is_complete_when_it_is_given_back(world: World) -> None:
    desktop = world.create().desktop
    made = world.operator().snapshot_create(desktop, "first")
    assert (made.name, made.complete, made.desktop_key) == ("first", True, desktop.key)
    world.operator().snapshot_restore(desktop, made)
    world.operator().snapshot_delete(made)
    world.operator().snapshot_delete(made)  # already gone is success
    assert world.operator().snapshots() == []


@pytest.mark.parametrize("fault", ["unavailable", "reply-lost", "two-at-once"])
@pytest.mark.parametrize(
    "call", ["create_snapshot", "label_machine", "list_snapshots", "swap_machine", "delete_volume"]
)
def test_snapshot_and_restore_survive_passing_faults(world: World, fault: str, call: str) -> None:
    desktop = world.create().desktop
    world.cloud.arm(fault, call, times=2)
    made = world.operator().snapshot_create(desktop, "first")
    world.operator().snapshot_restore(desktop, made)
    assert len(world.operator().snapshots()) == 1
    state = world.cloud.store._state  # type: ignore[attr-defined]
    assert len(state["volumes"]) == 1  # the old home is gone, and none is left half made


def test_destroy_takes_all_away_and_keeps_homes(world: World) -> None:
    desktops = [world.create(name).desktop for name in ("a", "b", "c")]
    outcomes = world.operator().destroy(desktops)
    assert outcomes == {d.key: None for d in desktops}
    assert world.there() == []
    state = world.cloud.store._state  # type: ignore[attr-defined]
    assert sorted(volume["name"] for volume in state["volumes"].values()) == ["a", "b", "c"]
    again = world.create("a").desktop
    world.operator().destroy([again], also=frozenset({"homes"}))
    state = world.cloud.store._state  # type: ignore[attr-defined]
    assert sorted(volume["name"] for volume in state["volumes"].values()) == ["b", "c"]


@pytest.mark.parametrize("fault", ["unavailable", "reply-lost", "rate-limited", "two-at-once"])
@pytest.mark.parametrize("call", ["label_machine", "detach_volume", "delete_machine", "list_machines", "get_machine"])
def test_destroy_survives_passing_faults(world: World, fault: str, call: str) -> None:
    desktop = world.create().desktop
    world.cloud.arm(fault, call, times=2)
    assert world.operator().destroy([desktop]) == {desktop.key: None}
    assert world.there() == []


def test_trouble_is_never_taken_for_gone(world: World) -> None:
    desktop = world.create().desktop
    for fault, kind in (("auth-failed", AuthFailed), ("unavailable", Unavailable)):
        world.cloud.arm(fault, "any", times=500)
        outcome = world.operator(timeout=30).destroy([desktop])[desktop.key]
        assert isinstance(outcome, kind)
        with world.cloud.store.change() as state:
            state["faults"].clear()
    assert [d.key for d in world.there()] == [desktop.key]


def test_one_that_cannot_be_destroyed_does_not_stop_the_others(world: World) -> None:
    bad, good = world.create("bad").desktop, world.create("good").desktop
    real = world.at.provider.delete

    def delete(desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        if desktop.name == "bad":
            raise Conflict("its mark is newer")
        return real(desktop, also=also)

    world.at.provider.delete = delete  # type: ignore[method-assign]
    outcomes = world.operator().destroy([bad, good])
    assert isinstance(outcomes[bad.key], Conflict) and outcomes[good.key] is None


def test_a_stale_list_does_not_make_the_delete_be_sent_over_and_over(world: World) -> None:
    desktop = world.create().desktop
    real, sent = world.at.provider.delete, []

    def delete(desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        sent.append(world.clock.monotonic())
        return real(desktop, also=also)

    world.at.provider.delete = delete  # type: ignore[method-assign]
    shown = [desktop]  # as it was before: no wish in it
    listing = world.at.provider.desktops
    until = world.clock.monotonic() + 10
    world.at.provider.desktops = lambda: shown if world.clock.monotonic() < until else list(listing())  # type: ignore[method-assign]
    world.cloud.arm("delete-late", value=15)
    assert world.operator().destroy([desktop]) == {desktop.key: None}
    assert len(sent) <= 6  # once, and once for each list that seems to say that it was forgotten


def test_no_wait_leaves_the_rest_to_who_comes_next(world: World) -> None:
    desktop = world.create().desktop
    world.cloud.arm("delete-late", value=30)
    world.operator().destroy([desktop], wait=False)
    (left,) = world.there()
    assert is_leaving(left)
    world.operator().until_gone(left)
    assert world.there() == []


def test_destroy_ends_when_its_time_does(world: World) -> None:
    desktop = world.create().desktop
    world.cloud.arm("delete-late", value=500)
    outcome = world.operator(timeout=20).destroy([desktop])[desktop.key]
    assert isinstance(outcome, TimedOut)


def test_a_verb_on_what_is_gone_is_not_found(world: World) -> None:
    desktop = world.create().desktop
    world.operator().destroy([desktop])
    with pytest.raises(NotFound):
        world.operator().start(desktop)


def test_what_a_provider_cannot_do_names_those_that_can(world: World) -> None:
    from vdictl.contract.capabilities import SupportsPark

    with pytest.raises(Unsupported) as caught:
        world.at.need(SupportsPark, to="park desktops")
    assert caught.value.brief == "The provider memory cannot park desktops."
