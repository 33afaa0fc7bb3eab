"""Create: one desktop in the end, whatever happens on the way."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest

from tests.unit.core.worlds import World
from vdictl.contract.errors import (
    AuthFailed,
    Conflict,
    NotFound,
    Partial,
    QuotaExceeded,
    ReplyLost,
    TimedOut,
    Unavailable,
    VdictlError,
)
from vdictl.contract.model import Desktop, Secret, State
from vdictl.core.creating import Until
from vdictl.core.inputs import Inputs
from vdictl.core.operating import new_token


def test_a_create_ends_when_a_person_could_work(world: World) -> None:
    made = world.create()
    assert (made.how, made.desktop.state) == ("created", State.RUNNING)
    assert made.health is not None and made.health.usable is True
    assert world.probes.looks == 1
    assert [d.name for d in world.there()] == ["desktop"]


def test_the_same_again_is_the_same_desktop(world: World) -> None:
    first, second = world.create(plan="mem-2c-4gb"), world.create(plan="mem-2c-4gb")
    assert (second.how, second.desktop.key) == ("found", first.desktop.key)
    assert world.create().desktop.key == first.desktop.key  # what is not asked now does not count


def test_another_spec_is_a_conflict_that_shows_the_difference(world: World) -> None:
    world.create(plan="mem-2c-4gb")
    with pytest.raises(Conflict) as caught:
        world.create(plan="mem-4c-16gb", cpus=2.0)
    rows = [line.split() for line in caught.value.details.splitlines()]
    assert rows[1:] == [["plan", "mem-2c-4gb", "mem-4c-16gb"], ["cpus", "nothing", "2"]]


def test_expiry_and_labels_are_no_part_of_sameness(world: World) -> None:
    key = world.create().desktop.key
    assert world.create(labels={"a": "b"}, expires=world.clock.now()).desktop.key == key


def test_a_stopped_one_is_started(world: World) -> None:
    desktop = world.create().desktop
    world.operator().stop(desktop, grace=1)
    made = world.create()
    assert (made.how, made.desktop.key, made.desktop.state) == ("started", desktop.key, State.RUNNING)


def test_a_half_made_one_is_finished(world: World) -> None:
    begun = world.at.provider.create(world.spec(), token="tok")
    assert begun.state is State.PENDING
    made = world.create()
    assert (made.how, made.desktop.key, made.desktop.state) == ("found", "tok", State.RUNNING)


def test_one_that_is_being_destroyed_is_waited_for_and_made_anew(world: World) -> None:
    old = world.create().desktop
    world.cloud.arm("delete-late", value=20)
    assert world.at.provider.delete(old) is not None
    made = world.create()
    assert made.how == "created" and made.desktop.key != old.key
    assert [d.key for d in world.there()] == [made.desktop.key]
    assert any("being destroyed" in line for line in world.told.lines)


def test_no_wait_ends_when_no_step_of_ours_remains(world: World) -> None:
    made = world.create(until=Until.SETTLED)
    assert made.desktop.operation is None and made.desktop.state is State.RUNNING
    assert made.health is None and world.probes.looks == 0


def test_detach_ends_after_the_first_step(world: World) -> None:
    begun = world.clock.monotonic()
    made = world.create(until=Until.BEGUN)
    assert made.desktop.state is State.PENDING
    assert world.clock.monotonic() == begun  # no list lag to wait out here
    assert world.create().desktop.key == made.desktop.key


# -- faults -----------------------------------------------------------------------------------------------------------


def test_the_reply_of_the_create_is_lost_and_it_was_done(world: World) -> None:
    world.cloud.arm("reply-lost", "create_machine")
    world.create()
    assert len(world.there()) == 1


def test_the_reply_of_the_create_is_lost_and_the_list_lags_behind(world: World) -> None:
    late = world.another(lag=4.0)
    world.cloud.pace = type(world.cloud.pace)(boot=3.0, task=1.0, lag=4.0)
    world.cloud.arm("reply-lost", "create_machine")
    late.create()
    assert len(world.cloud.store._state["machines"]) == 1  # type: ignore[attr-defined]  # what the cloud has


def test_a_lost_reply_of_what_was_not_done_is_sent_once_more_with_the_same_token(world: World) -> None:
    sent: list[str] = []
    real = world.at.provider.create

    def create(spec: object, *, token: str) -> Desktop:
        sent.append(token)
        if len(sent) == 1:
            raise ReplyLost("lost on the way there")
        return real(spec, token=token)  # type: ignore[arg-type]

    world.at.provider.create = create  # type: ignore[method-assign]
    world.create()
    assert len(sent) == 2 and sent[0] == sent[1]
    assert len(world.there()) == 1


def test_even_when_the_second_try_is_refused_for_a_moment(world: World) -> None:
    sent: list[str] = []
    real = world.at.provider.create

    def create(spec: object, *, token: str) -> Desktop:
        sent.append(token)
        if len(sent) < 3:
            raise (ReplyLost if len(sent) == 1 else Unavailable)("not now")
        return real(spec, token=token)  # type: ignore[arg-type]

    world.at.provider.create = create  # type: ignore[method-assign]
    world.create()
    assert set(sent) == {sent[0]} and len(world.there()) == 1


@pytest.mark.parametrize(
    "call", ["list_machines", "create_machine", "get_machine", "create_volume", "attach_volume", "start_machine"]
)
@pytest.mark.parametrize("fault", ["unavailable", "rate-limited", "reply-lost", "two-at-once"])
def test_a_passing_fault_in_any_step_delays_and_harms_nothing(world: World, call: str, fault: str) -> None:
    world.cloud.arm(fault, call, times=2)
    made = world.create()
    assert made.desktop.state is State.RUNNING
    state = world.cloud.store._state  # type: ignore[attr-defined]
    assert (len(state["machines"]), len(state["volumes"])) == (1, 1)


def test_joining_survives_a_passing_fault(world: World) -> None:
    world.operator().stop(world.create().desktop, grace=1)
    world.cloud.arm("unavailable", "start_machine", times=2)
    world.cloud.arm("unavailable", "label_machine", times=1)
    assert world.create().how == "started"


def test_retry_after_is_honoured(world: World) -> None:
    world.cloud.arm("rate-limited", "list_machines", value=40)
    calls = world.calls()
    world.create(timeout=600)
    assert calls.times[1] - calls.times[0] >= 40


def test_what_stays_wrong_ends_it_at_once(world: World) -> None:
    for fault, kind in (("auth-failed", AuthFailed), ("quota", QuotaExceeded)):
        world.cloud.arm(fault, "create_machine")
        begun = world.clock.monotonic()
        with pytest.raises(kind):
            world.create()
        assert world.clock.monotonic() - begun < 1
    assert world.there() == []


def test_a_provider_that_stays_silent_times_out_with_the_evidence(world: World) -> None:
    world.creator(until=Until.BEGUN).run()
    world.cloud.arm("unavailable", "list_machines", times=10**6)
    with pytest.raises(VdictlError) as caught:
        world.create(timeout=30)
    assert isinstance(caught.value, Unavailable | TimedOut)


def test_the_time_limit_names_the_rung_that_it_waits_for(world: World) -> None:
    world.probes.handshake = False
    with pytest.raises(TimedOut) as caught:
        world.create(timeout=20)
    assert "handshake: told so" in caught.value.details
    assert "vdictl wait desktop" in caught.value.advice
    assert 20 <= world.clock.monotonic() < 22


def test_a_rung_that_waiting_will_not_heal_ends_it_at_once(world: World) -> None:
    world.probes.handshake, world.probes.fatal = False, True
    with pytest.raises(VdictlError, match="handshake"):
        world.create(timeout=600)
    assert world.clock.monotonic() < 30


def test_what_nobody_can_see_from_here_is_told_as_partly_done(world: World) -> None:
    world.probes.handshake = world.probes.frame = None
    with pytest.raises(Partial):
        world.create()


def test_a_wish_absent_that_appears_while_waiting_wins(world: World) -> None:
    def destroy() -> None:
        other.at.provider.delete(world.there()[0])

    other = world.another()
    world.clock.at(2.0, destroy)
    with pytest.raises(Conflict, match="being destroyed"):
        world.create()
    other.operator().destroy(world.there())
    assert world.there() == []


def test_one_that_vanishes_while_waiting_is_told(world: World) -> None:
    def destroy() -> None:
        state = world.cloud.store._state  # type: ignore[attr-defined]
        for machine in state["machines"].values():
            machine["gone"] = 0.0

    world.clock.at(2.0, destroy)
    with pytest.raises(NotFound, match="removed by somebody else"):
        world.create()


def test_one_that_is_stopped_by_somebody_while_waiting_is_told_and_not_waited_for(world: World) -> None:
    def stop() -> None:
        state = world.cloud.store._state  # type: ignore[attr-defined]
        for machine in state["machines"].values():
            machine.update(status="off", task=None)

    world.probes.handshake = False
    world.clock.at(30.0, stop)
    with pytest.raises(Conflict, match="stopped"):
        world.create(timeout=600)
    assert world.clock.monotonic() < 60


def test_a_failed_build_is_the_reason_that_is_told(world: World) -> None:
    world.cloud.arm("build-fails")
    with pytest.raises(VdictlError) as caught:
        world.create(flavor="code", timeout=60)
    assert "build of image code failed" in f"{caught.value.brief} {caught.value.details}"


# -- lists that lag behind --------------------------------------------------------------------------------------------


def test_a_stale_list_does_not_make_a_new_desktop_look_removed(world: World) -> None:
    world.cloud.arm("stale-list", value=8)
    assert world.create().desktop.state is State.RUNNING
    world.clock.advance(10)
    assert len(world.there()) == 1


def test_a_stale_list_does_not_bring_a_destroyed_one_back_nor_cost_the_new_one(world: World) -> None:
    late = world.another(lag=6.0)
    old = late.create().desktop
    late.operator().destroy([old])
    world.cloud.arm("stale-list", value=6)
    with world.cloud.store.change() as state:  # the lists show what was there a moment ago
        state["faults"][-1]["since"] -= 2
    made = late.create()
    assert made.how == "created" and made.desktop.key != old.key
    world.clock.advance(10)
    assert [d.key for d in world.there()] == [made.desktop.key]


# -- two machines at once ---------------------------------------------------------------------------------------------


def lenient() -> AbstractContextManager[object]:
    """The memory cloud is too strict for this race: here it knows no uniqueness, as most clouds."""
    return patch("vdictl.testing.memory.requests.check_free", lambda spec, others: None)


def _twin(world: World, name: str = "desktop") -> Desktop:
    """Another machine's create of the same name, let in by a cloud that knows no uniqueness."""
    with lenient():
        return world.at.provider.create(world.spec(name, home="ephemeral"), token=new_token())


def test_of_two_unfinished_ones_the_older_one_stays(world: World) -> None:
    first = _twin(world)
    world.clock.advance(1)
    second = _twin(world)
    made = world.create(home="ephemeral")
    assert made.desktop.key == first.key
    assert [d.key for d in world.there()] == [first.key]
    assert second.key != first.key


def test_a_loser_whose_removal_is_refused_for_a_moment_is_removed_later(world: World) -> None:
    first = _twin(world)
    world.clock.advance(1)
    _twin(world)
    world.cloud.arm("unavailable", "delete_machine", times=1)
    world.cloud.arm("unavailable", "label_machine", times=1)
    made = world.create(home="ephemeral")
    world.operator().wait([made.desktop], lambda _: len(world.there()) == 1)
    assert [d.key for d in world.there()] == [first.key]


def test_who_made_the_younger_one_ends_with_the_older_one(world: World) -> None:
    creator = world.creator(home="ephemeral")
    twins: list[Desktop] = []

    def race() -> None:
        twins.append(_twin(world))

    first = _twin(world)
    hidden = {first.key}
    real = world.at.provider.desktops

    def desktops() -> list[Desktop]:
        shown = [d for d in real() if d.key not in hidden]
        hidden.clear()
        return shown

    world.at.provider.desktops = desktops  # type: ignore[method-assign]
    with lenient():
        made = creator.run()
    assert made.desktop.key == first.key
    assert [d.key for d in world.there()] == [first.key]


def test_a_ghost_in_the_list_costs_the_new_one_nothing(world: World) -> None:
    old = world.create().desktop
    world.operator().destroy([old])
    real = world.at.provider.desktops
    world.at.provider.desktops = lambda: [old, *real()] if world.clock.monotonic() < 30 else list(real())  # type: ignore[method-assign]
    creator = world.creator(timeout=100)
    creator._begin = creator._post  # type: ignore[method-assign]  # the list that it begins with is not late yet
    made = creator.run()
    assert made.desktop.key != old.key and made.desktop.state is State.RUNNING
    assert [d.key for d in real()] == [made.desktop.key]


def test_detach_settles_the_race_too(world: World) -> None:
    late = world.another(lag=2.0)
    first = _twin(world)
    hidden = {first.key}
    real = late.at.provider.desktops

    def desktops() -> list[Desktop]:
        shown = [d for d in real() if d.key not in hidden]
        hidden.clear()
        return shown

    late.at.provider.desktops = desktops  # type: ignore[method-assign]
    with lenient():
        made = late.create(home="ephemeral", until=Until.BEGUN)
    assert made.desktop.key == first.key
    assert late.clock.slept and late.clock.slept[0] >= 2.0


def test_two_that_both_became_usable_are_shown_and_never_deleted(world: World) -> None:
    for _ in range(2):
        twin = _twin(world)
        while twin.operation:
            world.clock.advance(1)
            twin = world.at.provider.advance(world.at.provider.desktop(twin.key))
    with pytest.raises(Conflict, match="two desktops"):
        world.create(home="ephemeral")
    assert len(world.there()) == 2


def test_a_twin_that_is_leaving_already_is_no_twin(world: World) -> None:
    first = _twin(world)
    world.clock.advance(1)
    second = _twin(world)
    world.cloud.arm("delete-late", value=50)
    world.at.provider.delete(first)
    made = world.create(home="ephemeral")
    assert made.desktop.key == second.key


def test_two_creators_at_once_end_with_one(world: World) -> None:
    made: list[str] = []
    machines = [world, world.another(), world.another()]
    threads = [threading.Thread(target=lambda m=m: made.append(m.create().desktop.key)) for m in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 3 and len(set(made)) == 1
    assert len(world.there()) == 1


# -- inputs -----------------------------------------------------------------------------------------------------------


def test_inputs_are_delivered_once_the_guest_waits_for_them(whole_world: World) -> None:
    world, inputs = whole_world, Inputs(env={"GREETING": Secret("hello")})
    key = world.create(inputs=inputs).desktop.key
    assert world.at.provider.desktop(key).missing == ()
    assert world.create(inputs=inputs).how == "found"
    with pytest.raises(Conflict):  # other values are another spec
        world.create(inputs=Inputs(env={"GREETING": Secret("good bye")}))


def test_another_machine_does_all_but_what_it_has_not_and_says_so(whole_world: World) -> None:
    world = whole_world
    world.create(inputs=Inputs(env={"GREETING": Secret("hello")}), until=Until.BEGUN)
    with pytest.raises(Partial) as caught:
        world.another().create()
    assert caught.value.details == "env:GREETING"
    assert "hello" not in str(caught.value.as_dict())
