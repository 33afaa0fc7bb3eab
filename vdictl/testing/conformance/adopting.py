"""Adopt: a machine that was made without vdictl becomes a desktop, by its mark alone."""

from __future__ import annotations

from typing import Any

import pytest

from vdictl.contract.errors import Conflict, NotFound
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import World, new_token


class AdoptTests(Suite):
    """What is taken is named; all else stays somebody else's."""

    @needs("SupportsAdopt", world=("foreign",))
    def test_a_machine_is_adopted(self, world: World, provider: Any) -> None:
        """It is listed as a desktop, by its token; the same token again changes nothing; a delete takes it away."""
        world.foreign()
        world.list_lag()
        before = {each.id: each for each in provider.machines()}
        assert before, "the world has planted machines, and none is shown"
        taken, token = next(iter(before.values())), new_token()
        spec = world.spec("mine", labels={"team": "blue"})
        for _ in range(2):
            desktop = provider.adopt(taken.id, spec, token=token)
            assert (desktop.key, desktop.id, desktop.name, desktop.operation) == (token, taken.id, "mine", None)
            assert dict(desktop.labels) == {"team": "blue"}
        world.list_lag()
        assert [each.key for each in provider.desktops()] == [token]
        there = {each.id: each for each in provider.machines()}
        assert there == {id: each for id, each in before.items() if id != taken.id}, "more than one was changed"
        world.gone(provider, desktop, "homes")
        assert {each.id for each in provider.machines()} == there.keys()

    @needs("SupportsAdopt", world=("foreign",))
    def test_what_cannot_be_adopted_stays_as_it_is(self, world: World, provider: Any) -> None:
        """A desktop, also of another fleet; one that is not there; under a name that is taken."""
        mine, planted = world.made(provider), world.foreign()
        world.list_lag()
        other: Any = world.open(fleet="another")
        for who in (provider, other):
            assert mine.id not in {each.id for each in who.machines()}, "a desktop is shown as somebody else's"
            with pytest.raises(Conflict):
                who.adopt(mine.id, world.spec("two"), token=new_token())
        other.close()
        with pytest.raises(NotFound):
            provider.adopt("no-such-machine", world.spec("two"), token=new_token())
        free = next(each.id for each in provider.machines())
        with pytest.raises(Conflict):
            provider.adopt(free, world.spec("one"), token=new_token())
        assert planted.untouched(), "refused, and changed"
        assert [each.key for each in provider.desktops()] == [mine.key]
