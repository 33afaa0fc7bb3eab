"""What outlives a desktop: homes. Made, put into desktops, taken from them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from vdictl.contract.errors import Conflict, Invalid
from vdictl.contract.model import Desktop, State, Volume
from vdictl.testing.conformance.keeping import Keeping
from vdictl.testing.conformance.suite import needs
from vdictl.testing.world import Killed, World, new_token


class VolumeTests(Keeping):
    """Homes."""

    @needs("SupportsVolumes")
    def test_a_home_in_use_is_a_conflict(self, world: World, provider: Any) -> None:
        """For another desktop, and for its removal."""
        desktop = world.made(provider)
        with pytest.raises(Conflict):
            provider.create(world.spec("two", home="one"), token=new_token())
        world.list_lag()
        assert [each.key for each in provider.desktops()] == [desktop.key]
        volume = next(each for each in provider.volumes() if each.name == "one")
        with pytest.raises(Conflict):
            provider.volume_delete(volume)
        world.gone(provider, desktop)
        provider.volume_delete(volume)
        provider.volume_delete(volume)
        assert not list(provider.volumes())

    @needs("SupportsVolumes")
    def test_a_volume_is_made_once_for_a_token(self, world: World, provider: Any) -> None:
        """The same token gives the same one; another token for the name is a conflict; a desktop takes it up."""
        token = new_token()
        made = self.volume(world, provider, "kept", token=token)
        again = self.volume(world, provider, "kept", token=token)
        assert (again.id, again.created) == (made.id, made.created), "the same token gave another volume"
        with pytest.raises(Conflict):
            self.volume(world, provider, "kept")
        (listed,) = provider.volumes(measure=True)
        assert (listed.id, listed.name, listed.owner) == (made.id, "kept", world.owner)
        assert (listed.fleet, listed.attached_to) == (world.fleet, "")
        desktop = world.made(provider, home="kept")
        (listed,) = provider.volumes()
        assert (listed.id, listed.attached_to) == (made.id, desktop.key)

    @needs("SupportsVolumes")
    def test_bad_names_of_volumes_are_refused(self, world: World, provider: Any) -> None:
        """Nothing is made."""
        for name in ("", "A", "a b", "../x", "-x", "x" * 300):
            with pytest.raises(Invalid):
                self.volume(world, provider, name)
        assert not list(provider.volumes())

    @needs("SupportsVolumes", "SupportsAttach", "SupportsPower", "SupportsExec")
    def test_a_home_is_put_into_another_desktop(self, world: World, provider: Any) -> None:
        """A stopped one; the home it had stays; what was asked for is the new one from then on."""
        one = self.written(world, provider, world.made(provider, "one"), "of one")
        two = self.written(world, provider, world.made(provider, "two"), "of two")
        world.gone(provider, one)
        home = self.find(provider, "one")
        with pytest.raises(Conflict):
            provider.volume_attach(two, home, token=new_token())
        two, token = self.stopped(world, provider, two), new_token()
        attached = world.settle(provider, provider.volume_attach(two, home, token=token))
        assert attached is not None and (attached.state, attached.home) == (State.STOPPED, "one")
        assert {each.name: each.attached_to for each in provider.volumes()} == {"one": two.key, "two": ""}
        again = world.settle(provider, provider.volume_attach(attached, home, token=token))
        assert again is not None and again.home == "one"
        spec = provider.desktop(two.key).spec
        assert spec is not None and spec.home == "one"
        started = world.settle(provider, provider.start(attached, token=new_token()))
        assert started is not None and self.inside(world, provider, started, "cat note") == "of one"

    @needs("SupportsVolumes", "SupportsAttach", "SupportsPower")
    def test_a_home_in_use_is_not_attached(self, world: World, provider: Any) -> None:
        """Neither is one of another owner; both desktops stay as they are."""
        world.made(provider, "one")
        two = self.stopped(world, provider, world.made(provider, "two"))
        with pytest.raises(Conflict):
            provider.volume_attach(two, self.find(provider, "one"), token=new_token())
        foreign = provider.volume_create("three", owner="other", fleet=world.fleet, token=new_token())
        with pytest.raises(Invalid):
            provider.volume_attach(two, foreign, token=new_token())
        there = provider.desktop(two.key)
        assert (there.home, there.operation) == ("two", None)

    @needs("SupportsVolumes", "SupportsAttach", "SupportsPower", "SupportsExec")
    def test_a_home_that_is_taken_away_stays(self, world: World, provider: Any) -> None:
        """It can be used elsewhere, and the desktop starts without it."""
        one = self.written(world, provider, world.made(provider, "one"), "of one")
        one = self.stopped(world, provider, one)
        detached = world.settle(provider, provider.volume_detach(one, token=new_token()))
        assert detached is not None and detached.home in ("none", "ephemeral")
        assert world.settle(provider, provider.volume_detach(detached, token=new_token())) is not None
        assert self.find(provider, "one").attached_to == ""
        started = world.settle(provider, provider.start(detached, token=new_token()))
        assert started is not None and started.state is State.RUNNING
        two = world.made(provider, "two", home="one")
        assert self.inside(world, provider, two, "cat note") == "of one"
        world.gone(provider, started, "homes")
        assert [each.name for each in provider.volumes()] == ["one"]

    @needs("SupportsVolumes", "SupportsAttach", "SupportsPower", world=("cut", "raw_count"))
    def test_an_attach_killed_between_any_two_calls_is_finished(self, world: World, provider: Any) -> None:
        """Or never begun; the desktop has the one home or the other, and starts."""
        two = self.stopped(world, provider, world.made(provider, "two"))
        before, wanted = self.find(provider, "two"), self.volume(world, provider, "one")
        count = world.raw_count()
        for calls in range(200):
            killer: Any = world.open()
            killed = True
            with contextlib.suppress(Killed), world.cut(calls):
                world.settle(killer, killer.volume_attach(two, wanted, token=new_token()))
                killed = False
            world.list_lag()
            other: Any = world.open()
            settled = world.settle(other, other.desktop(two.key))
            assert settled is not None and settled.state is State.STOPPED, f"killed after {calls} calls"
            users = [each.name for each in other.volumes() if each.attached_to]
            assert users == [settled.home], f"killed after {calls} calls: {users}, and its home is {settled.home}"
            assert world.raw_count() == count, f"killed after {calls} calls, something is left over"
            world.settle(other, other.volume_attach(settled, before, token=new_token()))
            if not killed:
                return
        raise AssertionError("no end of calls")

    def volume(self, world: World, provider: Any, name: str, *, token: str = "") -> Volume:
        """A new one."""
        made = provider.volume_create(name, owner=world.owner, fleet=world.fleet, token=token or new_token())
        assert isinstance(made, Volume)
        return made

    def find(self, provider: Any, name: str) -> Volume:
        """One by its name."""
        found = [each for each in provider.volumes() if each.name == name]
        assert len(found) == 1, f"there are {len(found)} volumes called {name}"
        volume: Volume = found[0]
        return volume

    def written(self, world: World, provider: Any, desktop: Desktop, text: str) -> Desktop:
        """The desktop, with a note in its home."""
        self.inside(world, provider, desktop, f"echo '{text}' > note")
        return desktop

    def stopped(self, world: World, provider: Any, desktop: Desktop) -> Desktop:
        """The desktop, stopped."""
        stopped = world.settle(provider, provider.stop(desktop, token=new_token(), grace=1.0))
        assert stopped is not None and stopped.state is State.STOPPED
        return stopped

    @needs("SupportsVolumes")
    def test_an_ephemeral_home_goes_with_its_desktop(self, world: World, provider: Any) -> None:
        """Nothing is left of it."""
        desktop = world.made(provider, home="ephemeral")
        world.gone(provider, desktop)
        assert not list(provider.volumes())
        assert not world.can("raw_count") or world.raw_count() == 0
