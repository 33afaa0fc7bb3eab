"""Which desktops there are, which one a name means, and where a create goes: on two providers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.core.worlds import World, make
from vdictl.contract.capabilities import SupportsCatalogue, SupportsSnapshots
from vdictl.contract.errors import Conflict, Invalid, NotConfigured, NotFound, Partial, Unavailable, Unsupported
from vdictl.contract.model import DesktopSpec, Price
from vdictl.core import choosing, everywhere, inventory, offers, snapshots, surveying
from vdictl.testing.clock import MovableClock
from vdictl.testing.memory.base import CLOUDS
from vdictl.testing.memory.cloud import Cloud, Pace


@dataclass
class Two:
    """A machine with two providers."""

    world: World
    second: Cloud

    def plant(self, where: str, name: str, *, owner: str = "me") -> str:
        """A finished desktop; gives its key."""
        provider = self.world.context.open(where).provider
        token = f"{where}-{owner}-{name}"
        desktop = provider.create(DesktopSpec(name=name, owner=owner), token=token)
        while desktop.operation:
            self.world.clock.advance(5)
            desktop = provider.advance(provider.desktop(token))
        return token


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    clouds = make(tmp_path, settings="")
    first = next(clouds)
    name = f"second-{first.name}"
    CLOUDS[name] = Cloud(clock=first.cloud.clock, pace=Pace(boot=1.0, task=1.0))
    settings = f'[providers.second]\npackage = "tests.unit.core.second"\ncloud = "{name}"\n'
    folder = tmp_path / "two"
    folder.mkdir()
    world = World(folder=folder, cloud=first.cloud, name=first.name, settings=settings)
    yield Two(world, CLOUDS[name])
    del CLOUDS[name]
    next(clouds, None)


def test_all_providers_are_listed_together(two: Two) -> None:
    two.plant("memory", "b")
    two.plant("second", "a")
    two.plant("memory", "c", owner="another")
    listing = inventory.list_desktops(two.world.context)
    assert [(f.desktop.owner, f.desktop.name, f.at.name) for f in listing.found] == [
        ("another", "c", "memory"),
        ("me", "a", "second"),
        ("me", "b", "memory"),
    ]
    listing.require_complete()
    assert [f.desktop.name for f in inventory.list_desktops(two.world.context, "second").found] == ["a"]


def test_a_silent_provider_is_named_and_hides_no_other(two: Two) -> None:
    two.plant("memory", "a")
    two.second.arm("unavailable", "list_machines", times=1000)
    listing = inventory.list_desktops(two.world.context)
    assert [f.desktop.name for f in listing.found] == ["a"]
    with pytest.raises(Partial, match="second"):
        listing.require_complete()
    with pytest.raises(Unavailable):  # named alone, its own error is the answer
        inventory.list_desktops(two.world.context, "second")


def test_a_name_means_the_callers_own(two: Two) -> None:
    key = two.plant("memory", "a")
    two.plant("second", "a", owner="another")
    found = inventory.find(two.world.context, "a")
    assert (found.desktop.key, found.at.name) == (key, "memory")
    assert found.desktop.spec is not None


def test_a_name_that_several_have_is_named_with_all_of_them(two: Two) -> None:
    two.plant("memory", "a")
    key = two.plant("second", "a")
    with pytest.raises(Invalid) as caught:
        inventory.find(two.world.context, "a")
    assert caught.value.details == "a (memory), a (second)"
    assert inventory.find(two.world.context, "a", only="second").desktop.key == key


def test_a_name_that_only_others_have_is_not_found_and_names_them(two: Two) -> None:
    two.plant("memory", "a", owner="another")
    with pytest.raises(NotFound) as caught:
        inventory.find(two.world.context, "a")
    assert "another" in caught.value.details and "--owner another" in caught.value.advice


def test_without_a_name_the_only_one_is_meant(two: Two) -> None:
    with pytest.raises(NotFound, match="no desktop"):
        inventory.find(two.world.context, None)
    key = two.plant("second", "a")
    assert inventory.find(two.world.context, None).desktop.key == key
    two.plant("memory", "b")
    with pytest.raises(Invalid, match="several"):
        inventory.find(two.world.context, None)


def test_the_only_one_is_not_known_while_a_provider_is_silent(two: Two) -> None:
    two.plant("memory", "a")
    two.second.arm("unavailable", "list_machines", times=1000)
    with pytest.raises(Partial):
        inventory.find(two.world.context, None)
    assert inventory.find(two.world.context, "a").desktop.name == "a"


def test_not_found_is_not_said_while_a_provider_is_silent(two: Two) -> None:
    two.second.arm("unavailable", "list_machines", times=1000)
    with pytest.raises(Partial):
        inventory.find(two.world.context, "a")


def test_configured_is_who_answers(two: Two) -> None:
    assert inventory.configured(two.world.context) == ["memory", "second"]  # local has no engine here
    two.second.arm("auth-failed", "whoami", times=10)
    assert inventory.configured(two.world.context) == ["memory"]
    two.world.cloud.arm("auth-failed", "whoami", times=10)
    with pytest.raises(NotConfigured) as caught:
        inventory.configured(two.world.context)
    assert "memory" in caught.value.details and "local" in caught.value.details


def test_a_provider_that_is_down_is_configured_all_the_same(two: Two) -> None:
    two.second.arm("unavailable", "whoami", times=1000)
    assert inventory.configured(two.world.context) == ["memory", "second"]


# -- where a create goes ----------------------------------------------------------------------------------------------


def choose(two: Two, only: str = "", **given: object) -> choosing.Choice:
    return choosing.provider_for(two.world.context, DesktopSpec(name="a", owner="me", **given), only)  # type: ignore[arg-type]


def test_the_named_provider_needs_no_reason(two: Two) -> None:
    choice = choose(two, only="second")
    assert (choice.at.name, choice.why) == ("second", "")


def test_else_the_one_that_has_it_already(two: Two) -> None:
    two.plant("second", "a")
    choice = choose(two)
    assert (choice.at.name, choice.why) == ("second", "second has a already")
    two.plant("memory", "a")
    with pytest.raises(Invalid, match="Several providers"):
        choose(two)


def test_else_the_default_and_where_that_is_written(two: Two) -> None:
    choice = choose(two)
    assert choice.at.name == "memory" and "config.toml" in choice.why


def test_a_provider_that_is_down_never_sends_a_create_elsewhere(two: Two) -> None:
    two.second.arm("unavailable", "list_machines", times=1000)
    with pytest.raises(Partial):
        choose(two)


def test_a_plan_or_image_that_one_alone_has_means_that_one(two: Two) -> None:
    choice = choose(two, image="code")  # the second one has no images
    assert (choice.at.name, choice.why) == ("memory", "only memory has the image code")
    with pytest.raises(Invalid, match="Several providers have the plan"):
        choose(two, plan="mem-2c-4gb")
    with pytest.raises(NotFound) as caught:
        choose(two, plan="mem-999")
    assert "vdictl plans" in caught.value.advice


def test_whether_one_alone_has_the_plan_is_not_known_while_another_is_silent(two: Two) -> None:
    two.second.arm("unavailable", "whoami", times=1000)
    with pytest.raises(Partial) as caught:
        choose(two, plan="mem-2c-4gb")
    assert caught.value.advice == "Say it: -p memory"


# -- one question to all ----------------------------------------------------------------------------------------------


def test_only_those_are_asked_that_can_answer(two: Two) -> None:
    told = everywhere.ask(two.world.context, "", SupportsSnapshots, lambda able: able.snapshots(), to="take snapshots")
    assert dict(told.given) == {"memory": []}
    with pytest.raises(Unsupported) as caught:
        everywhere.ask(two.world.context, "second", SupportsSnapshots, lambda able: able.snapshots(), to="snapshot")
    assert "memory" in caught.value.advice


def test_a_failure_of_one_is_told_beside_the_answers_of_others(two: Two) -> None:
    two.second.arm("auth-failed", "whoami", times=1000)
    two.second.arm("unavailable", "any", times=1000)
    told = everywhere.ask(two.world.context, "", SupportsCatalogue, lambda able: able.regions(), to="list regions")
    assert "memory" in told.given


def test_plans_come_cheapest_first(two: Two) -> None:
    told = offers.list_plans(two.world.context)
    prices = [offer.plan.price.amount for offer in told.offers if offer.plan.price]
    assert prices == sorted(prices) and len(prices) == 10


def test_what_costs_nothing_comes_first_and_the_unknown_last(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    context = two.world.context
    for name in ("memory", "second"):
        provider = context.open(name).provider
        plans = [replace(plan, price=None) for plan in provider.plans()][:1]  # type: ignore[attr-defined]
        monthly = replace(plans[0], id="monthly", price=Price(amount=Decimal("7.30"), currency="EUR", per="month"))
        monkeypatch.setattr(provider, "plans", lambda p=plans, m=monthly: [*p, m])
    order = [(offer.provider, offer.plan.id) for offer in offers.list_plans(context).offers]
    assert order[0] == ("second", "mem-1c-1gb") and order[-1] == ("memory", "mem-1c-1gb")
    assert str(offers.per_hour(Price(amount=Decimal("7.30"), currency="EUR", per="month"))) == "0.01"


def test_the_survey_tells_who_is_configured_and_why_not(two: Two) -> None:
    two.second.arm("auth-failed", "whoami", times=10)
    standings = {s.name: s for s in surveying.survey(two.world.context)}
    assert standings["memory"].configured and standings["memory"].account is not None
    assert "snapshots" in standings["memory"].abilities and "snapshots" not in standings["second"].abilities
    assert not standings["local"].configured and standings["local"].trouble is not None
    assert standings["second"].configured and standings["second"].trouble is not None  # refused is not "not set up"
    with pytest.raises(Invalid, match="no provider called"):
        surveying.survey(two.world.context, "third")


# -- snapshots --------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_meant_by_name_by_desktop_and_name_or_by_id(two: Two) -> None:
    world = two.world
    kept = {}
    for name in ("a", "b"):
        two.plant("memory", name)
        desktop = inventory.find(world.context, name).desktop
        kept[name] = world.operator().snapshot_create(desktop, "first")
    only = world.operator().snapshot_create(inventory.find(world.context, "a").desktop, "second")
    shelf = snapshots.shelf(world.context)
    assert shelf.choose("second").snapshot == only
    assert shelf.choose("b/first").snapshot == kept["b"]
    assert shelf.choose("first", desktop="a").snapshot == kept["a"]
    assert shelf.choose(kept["b"].id).snapshot == kept["b"]
    with pytest.raises(Invalid) as caught:
        shelf.choose("first")
    assert kept["a"].id in caught.value.details and "b/first" in caught.value.details
    for missing in ("third", "c/first"):
        with pytest.raises(NotFound):
            shelf.choose(missing)
    with pytest.raises(NotFound, match="of b"):
        shelf.choose(kept["a"].id, desktop="b")
    for bad in ("../x", "", "a\nb", "-x", "x" * 300):
        with pytest.raises(Invalid):
            snapshots.find_snapshot(world.context, bad)


def test_of_two_desktops_of_one_name_the_living_ones_snapshot_is_preferred(two: Two) -> None:
    world = two.world
    for number in range(2):
        world.create("a")
        desktop = inventory.find(world.context, "a").desktop
        made = world.operator().snapshot_create(desktop, "first")
        if number == 0:
            world.operator().destroy([desktop])
    shelf = snapshots.shelf(world.context)
    with pytest.raises(Invalid):
        shelf.choose("first", desktop="a")
    living = inventory.find(world.context, "a").desktop.key
    assert shelf.choose("first", desktop="a", key=living).snapshot == made


def test_others_snapshots_are_not_the_callers(two: Two) -> None:
    world = two.world
    two.plant("memory", "a")
    world.operator().snapshot_create(inventory.find(world.context, "a").desktop, "first")
    stranger = world.another(owner="another")
    assert snapshots.shelf(stranger.context).kept == []
    assert len(snapshots.shelf(stranger.context, everybody=True).kept) == 1
    with pytest.raises(NotFound):
        snapshots.find_snapshot(stranger.context, "first")


def test_a_missing_snapshot_is_not_said_to_be_missing_while_a_provider_is_silent(two: Two) -> None:
    two.world.cloud.arm("unavailable", "list_snapshots", times=1000)
    with pytest.raises(Partial):
        snapshots.find_snapshot(two.world.context, "first")


def test_half_of_a_snapshot_is_listed_and_not_used(two: Two) -> None:
    world = two.world
    two.plant("memory", "a")
    desktop = inventory.find(world.context, "a").desktop
    world.at.provider.snapshot_create(desktop, "half", token="tok")  # type: ignore[attr-defined]
    shelf = snapshots.shelf(world.context)
    assert [k.snapshot.complete for k in shelf.kept] == [False]
    with pytest.raises(Conflict, match="not complete"):
        snapshots.find_snapshot(world.context, "half")


def test_the_clock_of_both_clouds_is_one(two: Two) -> None:
    assert isinstance(two.second.clock, MovableClock) and two.second.clock is two.world.clock
