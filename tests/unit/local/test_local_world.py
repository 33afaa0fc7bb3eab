"""What lists mean: which is the mark, which the home, what is ours and what only looks so."""

from __future__ import annotations

from dataclasses import replace

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
    assert home_of(mark().spec) == HOME
    assert home_of(mark(home="work").spec) == HomeName("default", "alice", "work")
    assert home_of(mark(home="ephemeral").spec) == HomeName("default", "alice", "one", scratch=True)
    assert home_of(mark(home="none").spec) is None


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
