"""Names, labels, ends and sizes: what is asked for, faults on the way, two at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.core.test_creating import lenient
from tests.unit.core.worlds import World
from vdictl.contract.errors import Conflict
from vdictl.contract.model import NEVER, Desktop, State
from vdictl.core import changing
from vdictl.core.changing import End, Size
from vdictl.core.creating import Until
from vdictl.core.inventory import Found

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def there(world: World, desktop: Desktop) -> Desktop:
    return world.at.provider.desktop(desktop.key)


@pytest.mark.parametrize("fault", ["unavailable", "reply-lost", "rate-limited", "two-at-once"])
def test_a_passing_fault_only_delays(world: World, fault: str) -> None:
    desktop = world.create().desktop
    world.cloud.arm(fault, "label_machine", times=2)
    world.operator().remark(desktop, "label", labels={"a": "1"})
    assert dict(there(world, desktop).labels) == {"a": "1"}
    world.cloud.arm(fault, "resize_machine", times=2)
    spec = changing.sized(world.context, world.at, there(world, desktop), Size(plan="mem-2c-4gb"))
    resized = world.operator().resize(desktop, spec)
    assert (resized.plan, resized.state) == ("mem-2c-4gb", State.RUNNING)


def test_an_open_operation_is_let_end_first(world: World) -> None:
    desktop = world.create(until=Until.BEGUN).desktop
    renamed = changing.rename(world.context, Found(world.at, desktop), "new", timeout=60)
    assert (renamed.name, renamed.state) == ("new", State.RUNNING)


def test_what_is_being_destroyed_is_not_changed(world: World) -> None:
    desktop = world.create().desktop
    world.cloud.arm("delete-late", value=60)
    leaving = world.at.provider.delete(desktop)
    assert leaving is not None
    with pytest.raises(Conflict, match="being destroyed"):
        world.operator().remark(leaving, "rename", name="new")


def test_single_amounts_that_are_not_named_stay(world: World) -> None:
    desktop = world.create(plan="mem-2c-4gb").desktop
    spec = changing.sized(world.context, world.at, desktop, Size(memory_mib=8192))
    assert (spec.plan, spec.cpus, spec.memory_mib, spec.disk_gib) == (None, 2.0, 8192, None)
    resized = world.operator().resize(desktop, spec)
    spec = changing.sized(world.context, world.at, there(world, resized), Size(cpus=1))
    assert (spec.plan, spec.cpus, spec.memory_mib) == (None, 1, 8192)


@pytest.mark.parametrize(
    ("has", "end", "wanted"),
    [
        (NOON + HOUR, End(least=2 * HOUR), NOON + 2 * HOUR),
        (NOON - HOUR, End(least=HOUR), NOON + HOUR),
        (NOON + 3 * HOUR, End(least=2 * HOUR), None),
        (None, End(least=HOUR), None),
        (NOON + 3 * HOUR, End(at=NOON + HOUR), NOON + HOUR),
        (None, End(at=NOON + HOUR), NOON + HOUR),
        (NOON + HOUR, End(at=NOON + HOUR), None),
        (NOON + HOUR, End(at=NEVER), NEVER),
        (None, End(at=NEVER), None),
    ],
)
def test_which_end_is_written(world: World, has: datetime | None, end: End, wanted: datetime | None) -> None:
    desktop = Desktop(
        key="k", id="i", provider="p", fleet="f", owner="o", name="n", state=State.RUNNING, created=NOON, expires=has
    )
    assert end.of(desktop, now=NOON) == wanted


def test_a_twin_that_has_been_a_desktop_is_not_removed_by_a_create(world: World) -> None:
    """Two of one name, one of them in the middle of an operation: not a half-made loser."""
    first = world.create("one").desktop
    second = world.create("two").desktop
    provider: Any = world.at.provider
    with lenient():
        provider.remark(second, token="t1", name="one")
        provider.restart(second, token="t2")
        with pytest.raises(Conflict, match="two desktops called one"):
            world.create("one")
    assert {each.key for each in world.there()} == {first.key, second.key}


def test_the_same_again_ends_what_a_killed_run_began(world: World) -> None:
    desktop = world.create().desktop
    provider: Any = world.at.provider
    begun = provider.restart(desktop, token="t")
    assert begun.operation is not None
    outcomes = changing.extend(world.context, [Found(world.at, begun)], End(least=HOUR), timeout=60)
    assert outcomes == {desktop.key: None}
    assert there(world, desktop).operation is None
