"""What lists mean: which is the mark, which the home, what is ours and what only looks so."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.local.local_things import (
    HOME,
    KEY,
    NOON,
    WHO,
    claim,
    container,
    done,
    home,
    mark,
    operation,
    record,
    volume,
)
from vdictl.contract import mark as marks
from vdictl.engine.nouns import Volume
from vdictl_local import names
from vdictl_local.names import HomeName, Who
from vdictl_local.world import World, home_of


def test_the_newest_generation_is_the_mark() -> None:
    first, second = mark(operation("create")), mark(operation("stop"))
    world = World.of([], [claim(first), record(second, 12), record(first, 9)])
    holding = world.holdings[KEY]
    assert holding.generation == 12
    assert holding.mark.operation is not None
    assert holding.mark.operation.verb == "stop"
    assert holding.claim is not None
    assert [one.labels[names.GENERATION] for one in holding.records] == ["9", "12"]


def test_a_record_without_its_claim_is_no_desktop() -> None:
    assert World.of([], [record(mark(), 5)]).holdings == {}


def test_a_record_of_another_key_is_not_read() -> None:
    stale = mark(operation("delete"), key="old")
    holding = World.of([], [claim(mark()), record(stale, 7)]).holdings
    assert set(holding) == {KEY}
    assert holding[KEY].generation == 1


def test_a_container_tells_who_it_is_when_its_markers_were_pruned() -> None:
    world = World.of([container(mark(flavor="code"))], [])
    assert world.holdings[KEY].generation == 0
    assert world.holdings[KEY].mark.spec.flavor == "code"


@pytest.mark.parametrize("change", ["name", "sign", "kind", "no-key"])
def test_what_only_looks_like_ours_is_left_out(change: str) -> None:
    real = container(mark())
    labels = dict(real.labels)
    fake = {
        "name": replace(real, name="a-copy-by-hand"),
        "sign": replace(real, labels=labels | {names.SIGN: "2"}),
        "kind": replace(real, labels=labels | {names.KIND: "other"}),
        "no-key": replace(real, labels={k: v for k, v in labels.items() if k != names.KEY}),
    }[change]
    assert World.of([fake], []).holdings == {}
    assert World.of([fake], []).containers == []


def test_a_claim_under_another_name_is_left_out() -> None:
    assert World.of([], [replace(claim(mark()), name="somebodys-copy")]).holdings == {}


def test_the_home_is_its_highest_whole_generation() -> None:
    world = World.of([], [home(1), home(2, copy="t1"), home(3, copy="t2"), done("t1")])
    kept = world.homes[HOME]
    assert kept.current is not None
    assert kept.current.number == 2
    assert [one.complete for one in kept.generations] == [True, True, False]
    assert kept.next_number == 4


def test_half_a_home_is_none() -> None:
    assert World.of([], [home(1, copy="t1")]).homes[HOME].current is None


def test_a_home_under_another_name_is_left_out() -> None:
    assert World.of([], [replace(home(1), name="somebodys-copy")]).homes == {}


def test_which_home_a_spec_means() -> None:
    assert home_of(mark().spec, KEY) == HOME
    assert home_of(mark(home="work").spec, KEY) == HomeName("default", "alice", "work")
    assert home_of(mark(home="ephemeral").spec, KEY) == HomeName("default", "alice", KEY, scratch=True)
    assert home_of(mark(home="none").spec, KEY) is None


def test_users_of_a_home() -> None:
    other = mark(who=Who("default", "alice", "two"), key="k2", home="one")
    world = World.of([], [claim(mark()), claim(other), home(1)])
    assert {one.key for one in world.users(HOME)} == {"k1", "k2"}
    assert world.named(WHO) is world.holdings["k1"]


@pytest.mark.parametrize(("text", "version"), [("", 0), ("{", 0), ('{"v":7}', 7), ('{"v":1,"key":"x"}', 1)])
def test_a_mark_that_cannot_be_read_keeps_its_identity(text: str, version: int) -> None:
    labels = dict(claim(mark()).labels) | {names.MARK: names.pack(text)}
    holding = World.of([], [volume(WHO.claim, labels, created=NOON)]).holdings[KEY]
    assert (holding.mark.key, holding.mark.name, holding.mark.owner) == (KEY, "one", "alice")
    assert holding.mark.version == version


def test_a_mark_of_somebody_else_is_not_believed() -> None:
    labels = dict(claim(mark()).labels) | {names.MARK: claim(mark(key="evil")).labels[names.MARK]}
    holding = World.of([], [volume(WHO.claim, labels)]).holdings[KEY]
    assert (holding.mark.key, holding.mark.version) == (KEY, 1)
    assert holding.mark.spec.flavor is None


NEW = Who("default", "alice", "new")


def reserved(who: Who = NEW, key: str = KEY) -> Volume:
    """A claim without a mark: a name that a rename has taken."""
    labels = who.labels("mark", key) | {names.GENERATION: "0", names.CREATED: NOON.isoformat()}
    return volume(who.claim, labels, created=NOON + timedelta(hours=1))


def test_until_the_mark_is_rewritten_a_renamed_desktop_has_its_old_name() -> None:
    asked = mark(operation("remark", name="new"))
    moved = container(mark(), name=NEW.container)
    for there in (container(mark()), moved):
        holding = World.of([there], [claim(mark()), reserved(), record(asked, 2)]).holdings[KEY]
        assert (holding.who, holding.generation, holding.container) == (WHO, 2, there)
        assert [one.name for one in holding.others] == [NEW.claim]


def test_a_renamed_desktop_has_its_container_its_home_and_its_age() -> None:
    renamed = marks.remarked(mark(), name="new")
    volumes = [reserved(), record(renamed, 3), home(1), volume(WHO.state(KEY), WHO.labels("state", KEY))]
    world = World.of([container(mark(), name=NEW.container)], volumes)
    holding = world.holdings[KEY]
    assert (holding.who, holding.claim, list(holding.others)) == (NEW, volumes[0], [])
    assert holding.container is not None and holding.mark.name == "new"
    assert (holding.home, holding.state, holding.created) == (HOME, WHO.state(KEY), NOON)
    assert world.named(WHO) is None
    assert world.users(HOME) == [holding]


def test_a_renamed_container_whose_markers_were_pruned_says_who_it_is() -> None:
    holding = World.of([container(mark(), name=NEW.container)], []).holdings[KEY]
    assert (holding.who, holding.mark.name, holding.home) == (NEW, "new", HOME)


def test_a_name_that_a_rename_took_and_left_is_no_desktop() -> None:
    assert World.of([], [reserved()]).holdings == {}


def test_of_two_containers_of_a_key_the_claimed_one_counts() -> None:
    copy = container(mark(), name=NEW.container)
    for both in ([copy, container(mark())], [container(mark()), copy]):
        held = World.of(both, [claim(mark())]).holdings[KEY].container
        assert held is not None and held.name == WHO.container
