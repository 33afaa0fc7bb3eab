"""Marks are compare-and-set on both engines: one claim wins, who comes late loses and leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.local import engine_standin
from tests.unit.local.local_things import KEY, WHO, mark, operation
from vdictl.contract.errors import Conflict, Unavailable
from vdictl.contract.model import Wish
from vdictl.engine.engine import Engine, Kind
from vdictl_local import names
from vdictl_local.ledger import Ledger
from vdictl_local.world import Holding


@pytest.fixture(params=["podman", "docker"])
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Engine:
    kind: Kind = request.param
    return engine_standin.engine(tmp_path, kind)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine, "default")


def held(ledger: Ledger) -> Holding:
    return ledger.read().holdings[KEY]


def test_a_claim_is_read_back(ledger: Ledger) -> None:
    what = mark(operation("create"), flavor="code")
    world = ledger.claim(what)
    assert world.holdings[KEY].mark == what
    assert Ledger(ledger.engine, "other").read().holdings == {}
    assert set(Ledger(ledger.engine, None).read().holdings) == {KEY}


def test_one_claim_of_a_name_wins(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    with pytest.raises(Conflict) as caught:
        ledger.claim(mark(key="k2"))
    assert KEY in caught.value.details
    assert engine_standin.volumes(tmp_path) == [WHO.claim]


def test_a_foreign_volume_of_that_name_is_told(ledger: Ledger, tmp_path: Path) -> None:
    ledger.engine.run("volume", "create", WHO.claim)
    with pytest.raises(Conflict) as caught:
        ledger.claim(mark())
    assert "somebody else" in caught.value.brief
    assert engine_standin.volumes(tmp_path) == [WHO.claim]


def test_a_change_is_a_new_generation(ledger: Ledger) -> None:
    ledger.claim(mark(operation("create")))
    ledger.close(held(ledger))
    assert held(ledger).mark.operation is None
    assert held(ledger).generation == 2
    for number in range(8):
        ledger.open(held(ledger), operation("start", f"t{number}"))
    assert held(ledger).generation == 10
    assert len(held(ledger).records) <= 6, "outdated marks heap up"


def test_who_read_before_the_change_loses(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    before = held(ledger)
    ledger.open(before, operation("stop"))
    there = engine_standin.volumes(tmp_path)
    with pytest.raises(Conflict):
        ledger.open(before, operation("start"))
    assert engine_standin.volumes(tmp_path) == there
    current = held(ledger).mark.operation
    assert current is not None
    assert current.verb == "stop"


def test_who_comes_so_late_that_the_number_is_free_again_loses(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    before = held(ledger)
    for number in range(12):
        ledger.open(held(ledger), operation("start", f"t{number}"))
    assert WHO.record(KEY, 2) not in engine_standin.volumes(tmp_path)
    there = engine_standin.volumes(tmp_path)
    with pytest.raises(Conflict):
        ledger.open(before, operation("stop"))
    assert engine_standin.volumes(tmp_path) == there


def test_who_changes_what_was_destroyed_loses(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    before = held(ledger)
    ledger.open(before, operation("delete", wish=Wish.ABSENT))
    ledger.forget(held(ledger))
    assert engine_standin.volumes(tmp_path) == []
    with pytest.raises(Conflict):
        ledger.open(before, operation("start"))
    assert engine_standin.volumes(tmp_path) == []


def test_who_changes_what_was_made_anew_loses(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    before = held(ledger)
    ledger.forget(before)
    ledger.claim(mark(key="k2"))
    with pytest.raises(Conflict):
        ledger.open(before, operation("delete", wish=Wish.ABSENT))
    assert engine_standin.volumes(tmp_path) == [WHO.claim]
    assert set(ledger.read().holdings) == {"k2"}


def test_a_newer_mark_is_not_written(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    newer = replace(held(ledger), mark=mark(version=2))
    with pytest.raises(Conflict) as caught:
        ledger.open(newer, operation("stop"))
    assert "newer" in caught.value.brief
    assert engine_standin.volumes(tmp_path) == [WHO.claim]


def test_a_pruned_claim_is_written_again(ledger: Ledger, tmp_path: Path) -> None:
    ledger.claim(mark())
    alone = replace(held(ledger), claim=None, generation=0)
    ledger.engine.run("volume", "rm", WHO.claim)
    ledger.open(alone, operation("stop"))
    assert engine_standin.volumes(tmp_path) == [WHO.claim]
    assert held(ledger).generation == 1


def test_volumes_of_ours_may_be_there_others_not(ledger: Ledger) -> None:
    labels = WHO.labels("state", KEY)
    ledger.make_volumes({WHO.state(KEY): labels})
    ledger.make_volumes({WHO.state(KEY): labels})
    ledger.engine.run("volume", "create", "foreign")
    with pytest.raises(Conflict):
        ledger.make_volumes({"foreign": labels})


def test_removing_what_is_partly_gone(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        ledger.engine.run("volume", "create", name)
    ledger.remove_volumes(["a", "gone", "b", "c"])
    ledger.remove_volumes(["a", "gone"])
    ledger.remove_volumes([])
    assert engine_standin.volumes(tmp_path) == []


def test_a_torn_list_is_read_again_and_never_reads_as_gone(ledger: Ledger, tmp_path: Path) -> None:
    if ledger.engine.kind == "docker":
        pytest.skip("Docker's lists are not torn: inspect prints what is there")
    ledger.claim(mark())
    engine_standin.tear(tmp_path, 3)
    assert set(ledger.read().holdings) == {KEY}
    engine_standin.tear(tmp_path, 99)
    with pytest.raises(Unavailable) as caught:
        ledger.read()
    assert caught.value.passing


def test_a_mark_of_any_text_survives(ledger: Ledger) -> None:
    what = replace(mark(), labels={"a": 'ü, "x" = {y}\n\t;%41', "🎉": "'"})
    ledger.claim(what)
    assert held(ledger).mark.labels == what.labels
    assert names.MARK in (held(ledger).claim or pytest.fail("no claim")).labels
