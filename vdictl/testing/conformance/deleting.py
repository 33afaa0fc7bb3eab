"""Delete: the wish first, the mark last, and gone only where a successful call says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vdictl.contract.errors import AuthFailed, NotFound, Unavailable
from vdictl.contract.model import Desktop, State, Wish
from vdictl.contract.provider import Provider
from vdictl.testing.conformance.suite import Suite, Watch, needs
from vdictl.testing.world import MOST_STEPS, Killed, World, new_token


class DeleteTests(Suite):
    """Nothing leaks, nothing is lost."""

    def test_delete_takes_it_away(self, world: World, provider: Provider) -> None:
        """At once, and with its steps it is gone from the list and by its key."""
        desktop = world.made(provider)
        with Watch() as watch:
            left = provider.delete(desktop)
        assert not watch.slept, f"delete slept at {watch.slept}"
        if left is not None:
            assert world.settle(provider, left) is None
        world.list_lag()
        assert not list(provider.desktops())
        with pytest.raises(NotFound):
            provider.desktop(desktop.key)

    def test_deleting_what_is_gone_is_success(self, world: World, provider: Provider) -> None:
        """Already gone is what was asked for."""
        desktop = world.made(provider)
        world.gone(provider, desktop)
        world.list_lag()
        assert provider.delete(desktop) is None
        assert provider.delete(desktop, also=frozenset({"homes", "snapshots"})) is None

    def test_delete_may_be_sent_again(self, world: World, provider: Provider) -> None:
        """While it goes on, from another machine too."""
        desktop = world.made(provider)
        other = world.open()
        for who in (provider, other, provider):
            left = who.delete(desktop)
            if left is None:
                break
            desktop = left
        assert left is None or world.settle(other, left) is None
        other.close()

    def test_delete_writes_the_wish_first(self, world: World, provider: Provider) -> None:
        """Whoever comes next sees that it is to go."""
        desktop = world.made(provider)
        left = provider.delete(desktop)
        if left is None:
            pytest.skip("this provider deletes in one call: nothing is left that could bear a wish")
        other = world.open()
        try:
            seen: Desktop | None = other.desktop(desktop.key)
        except NotFound:
            seen = None
        other.close()
        for each in filter(None, (left, seen)):
            assert each.state is State.DELETING
            assert each.operation is not None and each.operation.wish is Wish.ABSENT
        assert world.settle(provider, left) is None

    def test_advance_never_recreates_what_is_being_deleted(self, world: World, provider: Provider) -> None:
        """`absent` wins over an unfinished create, also for who still holds the old desktop in hand."""
        pending = provider.create(world.spec(), token=new_token())
        provider.delete(pending, also=frozenset({"homes"}))
        for _ in range(20):
            try:
                state = provider.advance(pending).state
            except NotFound:
                break
            assert state is State.DELETING, f"it is being deleted, and advance says {state}"
            world.pass_time(world.tick)
        else:
            assert world.settle(provider, pending) is None
        world.list_lag()
        assert not list(provider.desktops()), "what was deleted is back"
        assert not world.can("raw_count") or world.raw_count() == 0, "something is left over"

    def test_a_killed_delete_is_finished_by_another(self, world: World) -> None:
        """After every step another machine goes on; what bears the mark goes last."""
        first = world.open()
        desktop = world.made(first)
        first.delete(desktop, also=frozenset({"homes", "snapshots"}))
        first.close()
        for _ in range(MOST_STEPS):
            other = world.open()
            there = [each for each in other.desktops() if each.key == desktop.key]
            if not there:
                other.close()
                break
            try:
                left = other.advance(there[0])
            except NotFound:
                left = None
            other.close()
            if left is None or not left.due:
                world.pass_time(world.tick)
        assert not world.can("raw_count") or world.raw_count() == 0, "it is listed no more, and something is left"

    @needs(world=("cut", "raw_count"))
    def test_a_delete_killed_between_any_two_calls_is_finished(self, world: World) -> None:
        """SIGKILL after the first request, after the second ...: what is left is still listed, and can be removed."""
        for calls in range(200):
            first = world.open()
            desktop = world.made(first)
            try:
                with world.cut(calls):
                    world.gone(first, desktop, "homes", "snapshots")
                killed = False
            except Killed:
                killed = True
            world.list_lag()
            other = world.open()
            there = list(other.desktops())
            assert there or world.raw_count() == 0, f"killed after {calls} calls: something is left and not listed"
            for each in there:
                world.gone(other, each, "homes", "snapshots")
            other.close()
            assert world.raw_count() == 0, f"killed after {calls} calls: something is left"
            if not killed:
                return
        raise AssertionError("no end of calls")

    @needs("SupportsVolumes")
    def test_homes_are_kept_unless_named(self, world: World, provider: Any) -> None:
        """A delete keeps the work; the next create of that name takes it up again; `also` takes it away."""
        desktop = world.made(provider)
        assert [each.attached_to for each in provider.volumes()] == [desktop.key]
        world.gone(provider, desktop)
        kept = list(provider.volumes())
        assert [(each.name, each.owner, each.attached_to) for each in kept] == [("one", world.owner, "")]
        again = world.made(provider)
        assert [(each.id, each.attached_to) for each in provider.volumes()] == [(kept[0].id, again.key)]
        world.gone(provider, again, "homes")
        assert not list(provider.volumes()), "named, and kept"

    @needs("SupportsSnapshots")
    def test_snapshots_are_kept_unless_named(self, world: World, provider: Any) -> None:
        """A snapshot outlives its desktop, unless it is named."""
        desktop = world.made(provider)
        assert world.settle(provider, provider.snapshot_create(desktop, "kept", token=new_token())) is not None
        world.gone(provider, desktop, "homes")
        assert [(each.name, each.desktop_key) for each in provider.snapshots()] == [("kept", desktop.key)]
        again = world.made(provider)
        assert world.settle(provider, provider.snapshot_create(again, "named", token=new_token())) is not None
        world.gone(provider, again, "homes", "snapshots")
        assert [each.name for each in provider.snapshots()] == ["kept"]

    @needs(faults=("unavailable",))
    def test_unavailable_is_not_gone(self, world: World, provider: Provider) -> None:
        """A provider that does not answer has not said that anything is gone."""
        desktop = world.made(provider)
        self._not_gone(world, provider, desktop, "unavailable", Unavailable)

    @needs(faults=("auth-failed",))
    def test_a_refused_login_is_not_gone(self, world: World, provider: Provider) -> None:
        """Neither has one that refuses the login."""
        desktop = world.made(provider)
        self._not_gone(world, provider, desktop, "auth-failed", AuthFailed)

    @needs(faults=("stale-list",), world=("raw_count",))
    def test_a_stale_list_is_not_gone(self, world: World, provider: Provider) -> None:
        """A list that does not show it yet has not said that it is gone."""
        assert world.faults is not None
        world.faults.arm("stale-list")
        desktop = provider.create(world.spec(), token=new_token())
        world.gone(provider, desktop, "homes")
        world.faults.clear()
        assert world.raw_count() == 0, "it was taken for gone because a stale list did not show it"

    def _not_gone(
        self, world: World, provider: Provider, desktop: Desktop, fault: str, expected: type[Exception]
    ) -> None:
        assert world.faults is not None
        looks: dict[str, Callable[[], object]] = {
            "delete": lambda: provider.delete(desktop),
            "desktop": lambda: provider.desktop(desktop.key),
            "desktops": lambda: list(provider.desktops()),
            "advance": lambda: provider.advance(desktop),
        }
        for verb, look in looks.items():
            world.faults.arm(fault, "any", 1)
            try:
                answer = look()
            except expected:
                continue
            except Exception as error:
                raise AssertionError(f"{verb}: {fault} came out as {error!r}") from error
            finally:
                world.faults.clear()
            raise AssertionError(f"{verb}: {fault} was answered with {answer!r}")
        assert provider.desktop(desktop.key).key == desktop.key, "it is gone"
