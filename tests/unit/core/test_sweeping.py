"""What gc takes, and what it leaves alone, on a clock that moves when told."""

from __future__ import annotations

import itertools
import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.unit.core.worlds import World, make
from vdictl.contract import mark as marks
from vdictl.contract.model import DesktopSpec
from vdictl.core import sweeping
from vdictl.core.creating import Until
from vdictl.core.operating import new_token
from vdictl.core.sweeping import FAILED, GONE, REMOVED, SPARED, Rule

RULE = Rule(older_than=timedelta(hours=1), owner="me")


def find(world: World, rule: Rule = RULE) -> dict[str, str]:
    return {one.thing.name: one.why for one in sweeping.find(world.context, rule).waste}


def results(world: World, waste: list[sweeping.Waste]) -> dict[str, str]:
    outcomes = sweeping.remove(world.context, waste, timeout=300.0)
    return {one.thing.name: outcomes[one.at.name, one.id][0] for one in waste}


def test_what_is_whole_is_no_waste(world: World) -> None:
    world.create("whole")
    world.clock.advance(86400)
    before = world.clock.monotonic()
    assert find(world) == {}
    assert world.clock.monotonic() == before  # and nobody waits for a second look


def test_half_made_counts_from_its_age_on_and_only_ones_own(world: World) -> None:
    world.create("half", until=Until.BEGUN)
    world.another(owner="anna").create("hers", until=Until.BEGUN)
    assert find(world) == {}
    world.clock.advance(3700)
    assert find(world) == {"half": "half made"}
    assert find(world, replace(RULE, owner="")) == {"half": "half made", "hers": "half made"}


def test_what_moves_while_it_is_looked_at_is_left_alone(world: World) -> None:
    desktop = world.create("half", until=Until.BEGUN).desktop
    world.clock.advance(3700)
    looks = 0

    def tap(name: str, when: str) -> None:
        nonlocal looks
        looks += name == "list_volumes" and when == "before"  # once a look, before the machines are listed
        if looks == 3:
            world.cloud.tap = None
            world.at.provider.advance(desktop)

    world.cloud.tap = tap
    found = sweeping.find(world.context, RULE)
    assert looks == 3, "it was not looked at so often"
    assert (found.waste, found.young) == ([], 1)


def test_what_a_process_here_is_at_is_left_alone(world: World) -> None:
    desktop = world.create("half", until=Until.BEGUN).desktop
    world.clock.advance(3700)
    with subprocess.Popen(["sleep", "60"]) as other:
        line = {"time": world.clock.now().isoformat(), "event": "step", "operation": desktop.key, "pid": other.pid}
        with world.context.journal.file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        found = sweeping.find(world.context, RULE)
        assert (found.waste, found.young) == ([], 1)
        other.kill()
    assert find(world) == {"half": "half made"}  # it was killed


def test_a_task_of_the_providers_that_runs_is_work(world: World) -> None:
    world.cloud.pace = type(world.cloud.pace)(boot=3 * 86400, task=1.0, build=1.0, page=2)
    made = world.create("slow", until=Until.BEGUN).desktop
    for _ in range(10):
        made = world.at.provider.advance(made)
        world.clock.advance(2.0)
    assert not made.due and made.operation is not None
    world.clock.advance(7200)
    found = sweeping.find(world.context, RULE)
    assert (found.waste, found.young) == ([], 1)
    world.clock.advance(86400)
    assert find(world) == {"slow": "half made"}  # it cannot take longer than a day


def test_expired_ones_go_at_once_and_their_homes_stay(world: World) -> None:
    soon = world.clock.now() + timedelta(hours=1)
    world.create("over", expires=soon)
    world.create("later", expires=soon + timedelta(hours=9))
    world.clock.advance(3601)
    found = sweeping.find(world.context, RULE)
    assert {one.thing.name: one.why for one in found.waste} == {"over": "its time is over"}
    assert results(world, list(found.waste)) == {"over": REMOVED}
    assert [d.name for d in world.there()] == ["later"]
    assert "over" in {volume.name for volume in world.at.provider.volumes()}  # type: ignore[attr-defined]


def test_what_was_extended_or_removed_meanwhile_is_not_touched(world: World) -> None:
    soon = world.clock.now() + timedelta(hours=1)
    for name in ("extended", "removed", "over"):
        world.create(name, expires=soon)
    world.clock.advance(3601)
    found = list(sweeping.find(world.context, RULE).waste)
    there = {d.name: d for d in world.there()}
    later = world.clock.now() + timedelta(hours=1)
    world.at.provider.remark(there["extended"], token=new_token(), expires=later)  # type: ignore[attr-defined]
    world.operator().destroy([there["removed"]])
    assert results(world, found) == {"extended": SPARED, "removed": GONE, "over": REMOVED}


def test_a_snapshot_that_stayed_half_made_goes_once_nobody_works_on_its_desktop(world: World) -> None:
    desktop = world.create("web", until=Until.SETTLED).desktop
    whole = world.operator().snapshot_create(desktop, "whole")
    half = world.operator().snapshot_create(desktop, "half")
    with world.cloud.store.change() as state:
        state["snapshots"][half.id]["until"] = world.clock.now().timestamp() + 1e9
    assert find(world) == {}
    world.clock.advance(7200)
    assert find(world) == {"half": "half a snapshot of web"}
    world.at.provider.stop(desktop, token=new_token(), grace=1.0)  # type: ignore[attr-defined]
    assert find(world) == {}  # something is open there
    world.operator().settle(world.there()[0])
    found = list(sweeping.find(world.context, RULE).waste)
    assert results(world, found) == {"half": REMOVED}
    assert [s.name for s in world.operator().snapshots()] == [whole.name]


def test_a_delete_that_was_not_finished_is_finished(world: World) -> None:
    desktop = world.create("leaving").desktop
    world.at.provider.delete(desktop)
    world.clock.advance(7200)
    found = list(sweeping.find(world.context, RULE).waste)
    assert [one.why for one in found] == ["its delete was not finished"]
    assert results(world, found) == {"leaving": REMOVED} and world.there() == []


def test_the_loser_of_a_race_that_was_left_goes(world: World) -> None:
    winner = world.create("web").desktop
    raw = world.at.provider.api.machine(winner.id)  # type: ignore[attr-defined]
    mark = marks.decode(raw["label"])
    spec = DesktopSpec(name="web", owner="me", home="ephemeral")
    operation = replace(mark.operation, token="feedbeef") if mark.operation else None
    lost = replace(mark, key="feedbeef", spec=spec, operation=operation)
    world.clock.advance(5)
    fields = {"request": "feedbeef", "plan": raw["plan"], "image": raw["image"], "region": "here", "home": "ephemeral"}
    world.at.provider.api.create_machine(  # type: ignore[attr-defined]
        name="vdictl-web-2", label=marks.encode(lost), expires=None, **fields
    )
    world.clock.advance(7200)
    found = list(sweeping.find(world.context, RULE).waste)
    assert [(one.id, one.why) for one in found] == [("feedbeef", "half made, and an older one has its name")]
    assert results(world, found) == {"web": REMOVED}
    assert [d.key for d in world.there()] == [winner.key]


def test_a_newer_mark_is_read_only(world: World) -> None:
    desktop = world.create("new", until=Until.BEGUN).desktop
    with world.cloud.store.change() as state:
        machine = state["machines"][desktop.id]
        machine["label"] = json.dumps(json.loads(machine["label"]) | {"v": marks.VERSION + 1})
    world.clock.advance(7200 + 86400)
    found = sweeping.find(world.context, RULE)
    assert (found.waste, list(found.newer)) == ([], ["new"])


def test_what_cannot_be_removed_is_told_and_the_rest_is_done(world: World) -> None:
    soon = world.clock.now() + timedelta(hours=1)
    for name in ("a", "b"):
        world.create(name, expires=soon)
    world.clock.advance(3601)
    found = list(sweeping.find(world.context, RULE).waste)
    world.cloud.arm("auth-failed", "label_machine", 1)
    assert sorted(results(world, found).values()) == [FAILED, REMOVED]


class Killed(BaseException):
    """The process is gone."""


def clutter(world: World) -> None:
    """One of each kind, old enough."""
    world.create("half", until=Until.BEGUN)
    world.create("over", until=Until.SETTLED, expires=world.clock.now() + timedelta(hours=1))
    lost = world.create("lost", until=Until.SETTLED, home="ephemeral").desktop
    with world.cloud.store.change() as state:
        del state["machines"][lost.id]
        for volume in state["volumes"].values():
            volume["machine"] = "" if volume["machine"] == lost.id else volume["machine"]
    world.clock.advance(7200)


def killed_at(world: World, place: int) -> bool:
    """A run that is killed there; whether it came so far."""
    seen = 0

    def tap(name: str, when: str) -> None:
        nonlocal seen
        seen += 1
        if seen == place:
            raise Killed(f"{when} {name}")

    world.cloud.tap = tap
    try:
        sweeping.remove(world.context, sweeping.find(world.context, RULE).waste, timeout=300.0)
    except Killed:
        return True
    finally:
        world.cloud.tap = None
    return False


def test_killed_at_any_call_the_next_one_ends_it(tmp_path: Path) -> None:
    """Before and after each call to the cloud that a whole run makes; the test itself finds out how many there are."""
    for place in itertools.count(1):
        folder = tmp_path / str(place)
        folder.mkdir()
        (came_so_far,) = (ends_well(world, place) for world in make(folder))
        if not came_so_far:
            break
    assert place > 20, "too few calls to prove anything"


def ends_well(world: World, place: int) -> bool:
    clutter(world)
    came_so_far = killed_at(world, place)
    world.clock.advance(7200)
    again = sweeping.find(world.context, RULE)
    outcomes = sweeping.remove(world.context, again.waste, timeout=300.0)
    assert {result for result, _ in outcomes.values()} <= {REMOVED, GONE}, place
    assert world.there() == [] and sweeping.find(world.context, RULE).waste == [], place
    homes = [volume.name for volume in world.at.provider.volumes()]  # type: ignore[attr-defined]
    assert "over" in homes and "lost" not in homes, place
    return came_so_far


def test_two_at_once_on_two_machines_end_well(world: World) -> None:
    clutter(world)
    second = world.another()
    mine = list(sweeping.find(world.context, RULE).waste)
    theirs = list(sweeping.find(second.context, RULE).waste)
    assert len(mine) == len(theirs) == 3
    assert set(results(world, mine).values()) == {REMOVED}
    assert set(results(second, theirs).values()) == {GONE}
