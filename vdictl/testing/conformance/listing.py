"""Lists: every page, ours only, sound nouns."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from vdictl.contract.errors import Conflict, NotFound, Unavailable
from vdictl.contract.model import Price
from vdictl.contract.provider import Provider
from vdictl.testing.conformance.sound import faults_of
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import World, new_token

_LISTS = {
    "SupportsCatalogue": ("plans", "regions"),
    "SupportsImages": ("images",),
    "SupportsSnapshots": ("snapshots",),
    "SupportsVolumes": ("volumes",),
    "SupportsStrays": ("strays",),
}


def everything(world: World, provider: Any) -> list[Any]:
    """One desktop, and every noun that the provider can list."""
    desktop = world.made(provider)
    if "SupportsSnapshots" in world.manifest.capabilities:
        world.settle(provider, provider.snapshot_create(desktop, "kept", token=new_token()))
    nouns = [desktop, *provider.desktops(), provider.desktop(desktop.key), provider.check()]
    for capability, lists in _LISTS.items():
        if capability in world.manifest.capabilities:
            nouns += [noun for name in lists for noun in getattr(provider, name)()]
    return nouns


class ListingTests(Suite):
    """What is seen, and what is not."""

    def test_lists_every_page(self, world: World, provider: Provider) -> None:
        """Several desktops, more than fit on a page where that is cheap."""
        keys = {provider.create(world.spec(f"d{n}"), token=new_token()).key for n in range(world.several)}
        world.list_lag()
        listed = [each.key for each in provider.desktops()]
        assert len(listed) == len(set(listed)), "a desktop is listed twice"
        assert set(listed) == keys, f"{len(keys)} were made, {len(listed)} are listed"

    def test_lists_its_own_fleet_only(self, world: World, provider: Provider) -> None:
        """Another fleet of the same account is not there."""
        fleet = world.fleet + "-b"
        world.fleets.add(fleet)
        other = world.open(fleet=fleet)
        theirs = other.create(world.spec(fleet=fleet), token=new_token())
        ours = provider.create(world.spec(), token=new_token())
        world.list_lag()
        assert [each.key for each in provider.desktops()] == [ours.key]
        assert [each.key for each in other.desktops()] == [theirs.key]
        with pytest.raises(NotFound):
            provider.desktop(theirs.key)
        world.gone(other, theirs, "homes")
        other.close()

    def test_the_list_is_empty_at_first(self, provider: Provider) -> None:
        """An empty fleet is an empty list, not an error."""
        assert list(provider.desktops()) == []

    def test_an_unknown_key_is_not_found(self, provider: Provider) -> None:
        """NotFound, from a call that succeeded."""
        with pytest.raises(NotFound):
            provider.desktop(new_token())

    @needs(world=("foreign",))
    def test_foreign_things_are_left_alone(self, world: World, provider: Provider) -> None:
        """Our names and look-alike labels without our sign: never listed, never touched."""
        foreign = world.foreign()
        try:
            world.list_lag()
            assert not list(provider.desktops()), "something foreign is listed"
            assert foreign.untouched(), "listing has changed something foreign"
            with contextlib.suppress(Conflict):  # where a foreign thing has our name, saying so is right
                world.gone(provider, world.made(provider), "homes", "snapshots")
            assert foreign.untouched(), "something foreign was changed"
        finally:
            foreign.remove()

    def test_nouns_are_sound(self, world: World, provider: Provider) -> None:
        """Every field has the type that the contract gives it."""
        wrong = [fault for noun in everything(world, provider) for fault in faults_of(noun)]
        wrong = [fault for fault in wrong if "UTC" not in fault and ".price" not in fault]
        assert not wrong, "; ".join(sorted(set(wrong)))

    def test_times_are_aware_utc(self, world: World, provider: Provider) -> None:
        """Naive times mean something else on every machine."""
        for noun in everything(world, provider):
            for field in ("created", "expires"):
                moment = getattr(noun, field, None)
                if isinstance(moment, datetime):
                    assert moment.tzinfo is not None, f"{type(noun).__name__}.{field} is naive: {moment!r}"
                    assert moment.utcoffset() is not None and not moment.utcoffset(), f"{moment!r} is not in UTC"

    def test_money_is_decimal(self, world: World, provider: Provider) -> None:
        """Never float, always with a currency."""
        for noun in everything(world, provider):
            price = getattr(noun, "price", None)
            if price is not None:
                assert isinstance(price, Price)
                assert isinstance(price.amount, Decimal), f"{type(noun).__name__}: {price.amount!r} is not Decimal"
                assert price.currency and price.per in ("hour", "month")

    @needs(faults=("page-cut",))
    def test_half_a_list_is_no_list(self, world: World, provider: Provider) -> None:
        """A page that fails raises; what is not in half a list would be taken for gone."""
        for number in range(world.several):
            provider.create(world.spec(f"d{number}"), token=new_token())
        world.list_lag()
        assert world.faults is not None
        world.faults.arm("page-cut")
        with pytest.raises(Unavailable):
            list(provider.desktops())
        assert len(list(provider.desktops())) == world.several

    @needs(world=("newer",))
    def test_a_newer_mark_is_listed_and_left_alone(self, world: World, provider: Any) -> None:
        """A later vdictl made it: seen, and every change refused."""
        desktop = world.made(provider)
        world.newer(desktop)
        world.list_lag()
        seen = next(each for each in provider.desktops() if each.key == desktop.key)
        assert seen.mark_version > desktop.mark_version
        changes: list[Callable[[], Any]] = [lambda: provider.delete(seen)]
        if "SupportsPower" in world.manifest.capabilities:
            changes += [
                lambda: provider.stop(seen, token=new_token(), grace=1.0),
                lambda: provider.restart(seen, token=new_token()),
            ]
        if "SupportsMark" in world.manifest.capabilities:
            changes.append(lambda: provider.remark(seen, token=new_token(), labels={"x": "y"}))
        if "SupportsResize" in world.manifest.capabilities:
            changes.append(lambda: provider.resize(seen, world.spec(), token=new_token()))
        for change in changes:
            with pytest.raises(Conflict):
                change()
        provider.advance(seen)
        after = provider.desktop(desktop.key)
        assert (after.state, after.mark_version, after.labels) == (seen.state, seen.mark_version, seen.labels)

    def test_two_threads_may_share_a_provider(self, world: World, provider: Provider) -> None:
        """The core asks from several threads at once."""
        errors: list[BaseException] = []

        def work(name: str) -> None:
            try:
                provider.create(world.spec(name), token=new_token())
                for _ in range(3):
                    list(provider.desktops())
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, errors
        world.list_lag()
        assert sorted(each.name for each in provider.desktops()) == ["t0", "t1"]
