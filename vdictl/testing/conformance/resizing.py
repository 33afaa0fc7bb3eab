"""Another size: begun by one, finished by anybody, and nothing but the size."""

from __future__ import annotations

from typing import Any

import pytest

from vdictl.contract.errors import Busy, Invalid, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, Plan, State
from vdictl.testing.conformance.remarking import cut_off, refused, seen
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import World, new_token


def others(provider: Any, desktop: Desktop) -> list[Plan]:
    """Plans to change to."""
    return [plan for plan in provider.plans() if plan.id != desktop.plan and plan.available is not False]


def of(world: World, plan: str) -> DesktopSpec:
    """A request for a size; the name in it counts for nothing."""
    return DesktopSpec(name="another", owner=world.owner, fleet=world.fleet, plan=plan, labels={"not": "this"})


class ResizeTests(Suite):
    """The size alone."""

    @needs("SupportsResize", "SupportsCatalogue")
    def test_a_resize_changes_the_size(self, world: World, provider: Any) -> None:
        """And what was asked for; not the name, the home, the labels, the age."""
        desktop = world.made(provider, labels={"team": "blue"})
        for plan in others(provider, desktop)[:2]:
            world.settle(provider, provider.resize(desktop, of(world, plan.id), token=new_token()))
            there = seen(world, desktop)
            assert (there.plan, there.state, there.operation) == (plan.id, State.RUNNING, None)
            assert there.spec is not None and (there.spec.plan, there.spec.memory_mib) == (plan.id, None)
            kept = (there.key, there.name, dict(there.labels), there.home, there.created, there.image)
            before = (desktop.key, "one", {"team": "blue"}, desktop.home, desktop.created, desktop.image)
            assert kept == before, "a resize changed more than the size"

    @needs("SupportsResize", "SupportsCatalogue", "SupportsPower")
    def test_what_is_stopped_stays_stopped(self, world: World, provider: Any) -> None:
        """It has its new size when it is started."""
        desktop = world.made(provider)
        plan = others(provider, desktop)[0]
        world.settle(provider, provider.stop(desktop, token=new_token(), grace=1.0))
        world.settle(provider, provider.resize(desktop, of(world, plan.id), token=new_token()))
        there = seen(world, desktop)
        assert (there.state, there.plan) == (State.STOPPED, plan.id)
        started = world.settle(provider, provider.start(there, token=new_token()))
        assert started is not None and (started.state, started.plan) == (State.RUNNING, plan.id)

    @needs("SupportsResize", "SupportsCatalogue")
    def test_a_resize_happens_once_for_a_token(self, world: World, provider: Any) -> None:
        """Sent again after it is done, it is done already."""
        desktop, token = world.made(provider), new_token()
        wanted = of(world, others(provider, desktop)[0].id)
        world.settle(provider, provider.resize(desktop, wanted, token=token))
        again = provider.resize(seen(world, desktop), wanted, token=token)
        assert (again.state, again.operation) == (State.RUNNING, None), "resized twice for one token"

    @needs("SupportsResize", "SupportsCatalogue")
    def test_a_size_that_is_not_on_offer_changes_nothing(self, world: World, provider: Any) -> None:
        """Refused before the wish is written."""
        desktop = world.made(provider)
        with pytest.raises(Invalid):
            provider.resize(desktop, of(world, "no-such-plan"), token=new_token())
        there = seen(world, desktop)
        assert (there.plan, there.operation, there.spec) == (desktop.plan, None, desktop.spec), "refused, and changed"

    @needs("SupportsResize", "SupportsCatalogue")
    def test_two_resizes_at_once_end_with_one_size(self, world: World, provider: Any) -> None:
        """The second finds the first at work, or comes after it."""
        desktop, other = world.made(provider), world.open()
        first, *rest = (plan.id for plan in others(provider, desktop))
        begun: Any = provider.resize(desktop, of(world, first), token=new_token())
        for plan in rest[:1]:
            try:
                begun = other.resize(desktop, of(world, plan), token=new_token())  # type: ignore[attr-defined]
            except Busy:
                continue
        other.close()
        settled = world.settle(provider, begun)
        assert settled is not None and settled.spec is not None
        assert settled.plan == settled.spec.plan, "what was asked last is not what it has"
        assert settled.plan in {first, *rest[:1]}

    @needs("SupportsResize")
    def test_a_resize_does_not_undo_a_delete(self, world: World, provider: Any) -> None:
        """`absent` wins."""
        desktop = world.made(provider)
        left = provider.delete(desktop)
        with pytest.raises(VdictlError) as caught:
            provider.resize(desktop, world.spec(), token=new_token())
        refused(caught.value)
        if left is not None:
            assert world.settle(provider, left) is None

    @needs("SupportsResize", "SupportsCatalogue", world=("cut", "raw_count"))
    def test_a_resize_killed_between_any_two_calls_is_finished(self, world: World, provider: Any) -> None:
        """By another machine; what it has is what was asked."""
        desktop = world.made(provider)
        small, large = desktop.plan, others(provider, desktop)[0].id
        count = world.raw_count()
        for calls in range(200):
            world.settle(provider, provider.resize(desktop, of(world, small), token=new_token()))
            killed = cut_off(world, calls, lambda it: it.resize(desktop, of(world, large), token=new_token()))
            other = world.open()
            settled = world.settle(other, other.desktop(desktop.key))
            other.close()
            assert settled is not None and settled.spec is not None
            assert settled.state is State.RUNNING, f"killed after {calls} calls, and it is {settled.state}"
            assert settled.plan == settled.spec.plan, f"killed after {calls} calls, and half resized"
            assert world.raw_count() == count, f"killed after {calls} calls, something is left over"
            if not killed:
                return
        raise AssertionError("no end of calls")
