"""What outlives a desktop: snapshots. And what tests of homes need too."""

from __future__ import annotations

from typing import Any

import pytest

from vdictl.contract.errors import Conflict
from vdictl.contract.model import Desktop, State
from vdictl.testing.conformance.optional import run
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import Killed, World, new_token


class Keeping(Suite):
    """What both need."""

    def inside(self, world: World, provider: Any, desktop: Desktop, script: str) -> str:
        """What a script prints inside."""
        world.ways(provider, desktop)
        done = run(provider.exec(provider.desktop(desktop.key), ["sh", "-c", script]))
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode().strip()


class SnapshotTests(Keeping):
    """Kept, put back, cloned."""

    def kept(self, world: World, provider: Any, desktop: Desktop, name: str = "kept") -> Any:
        """A whole snapshot."""
        assert world.settle(provider, provider.snapshot_create(desktop, name, token=new_token())) is not None
        found = next(each for each in provider.snapshots() if each.name == name)
        assert found.complete, "the operation is over, and the snapshot is not whole"
        return found

    @needs("SupportsSnapshots")
    def test_a_snapshot_is_kept(self, world: World, provider: Any) -> None:
        """It says whose it is; a name is taken once; removing it twice is fine."""
        desktop, token = world.made(provider), new_token()
        snapshot = self.kept(world, provider, desktop)
        assert (snapshot.desktop_key, snapshot.desktop_name) == (desktop.key, "one")
        assert (snapshot.fleet, snapshot.owner) == (world.fleet, world.owner)
        with pytest.raises(Conflict):
            provider.snapshot_create(desktop, "kept", token=token)
        provider.snapshot_delete(snapshot)
        provider.snapshot_delete(snapshot)
        assert not list(provider.snapshots())

    @needs("SupportsSnapshots", "SupportsExec")
    def test_restore_brings_the_data_back(self, world: World, provider: Any) -> None:
        """And once only for a token: sent again later it would erase work."""
        desktop = world.made(provider)
        self.inside(world, provider, desktop, "echo first > note")
        snapshot = self.kept(world, provider, desktop)
        self.inside(world, provider, desktop, "echo second > note; echo more > other")
        token = new_token()
        restored = world.settle(provider, provider.snapshot_restore(desktop, snapshot, token=token))
        assert restored is not None and restored.key == desktop.key
        assert self.inside(world, provider, restored, "cat note; ls") == "first\nnote"

    @needs("SupportsSnapshots", "SupportsExec")
    def test_restore_happens_once_for_a_token(self, world: World, provider: Any) -> None:
        """Work that was done after a restore survives the same request."""
        desktop, token = world.made(provider), new_token()
        self.inside(world, provider, desktop, "echo first > note")
        snapshot = self.kept(world, provider, desktop)
        restored = world.settle(provider, provider.snapshot_restore(desktop, snapshot, token=token))
        assert restored is not None
        self.inside(world, provider, restored, "echo later > note")
        again = world.settle(provider, provider.snapshot_restore(restored, snapshot, token=token))
        assert again is not None
        assert self.inside(world, provider, again, "cat note") == "later", "the same token restored twice"

    @needs("SupportsSnapshots", "SupportsExec")
    def test_a_clone_has_the_data(self, world: World, provider: Any) -> None:
        """A create from a snapshot; the two go on apart."""
        desktop = world.made(provider)
        self.inside(world, provider, desktop, "echo first > note")
        snapshot = self.kept(world, provider, desktop)
        clone = world.made(provider, "two", from_snapshot=snapshot.id)
        assert self.inside(world, provider, clone, "cat note; echo clone > note") == "first"
        assert self.inside(world, provider, desktop, "cat note") == "first"

    @needs("SupportsSnapshots", world=("raw_count",))
    def test_a_delete_during_a_restore_leaves_nothing(self, world: World, provider: Any) -> None:
        """Half a copy goes with the desktop."""
        desktop = world.made(provider)
        snapshot = self.kept(world, provider, desktop)
        provider.snapshot_restore(desktop, snapshot, token=new_token())
        world.gone(provider, desktop, "homes", "snapshots")
        assert world.raw_count() == 0

    @needs("SupportsSnapshots", world=("cut", "raw_count"))
    def test_a_snapshot_killed_between_any_two_calls_is_whole(self, world: World, provider: Any) -> None:
        """Finished by another machine, or never begun; half of it is never left."""
        desktop = world.made(provider)
        count = world.raw_count()
        for calls in range(200):
            killed = self._killed(world, calls, "snapshot_create", desktop, f"s{calls}")
            self._another_settles(world, desktop)
            assert all(each.complete for each in provider.snapshots()), f"killed after {calls} calls"
            assert world.raw_count() == count + len(list(provider.snapshots())), f"killed after {calls} calls"
            if not killed:
                return
        raise AssertionError("no end of calls")

    @needs("SupportsSnapshots", world=("cut", "raw_count"))
    def test_a_restore_killed_between_any_two_calls_is_finished(self, world: World, provider: Any) -> None:
        """By another machine, and no half copy is left."""
        desktop = world.made(provider)
        snapshot = self.kept(world, provider, desktop)
        count = world.raw_count()
        for calls in range(200):
            killed = self._killed(world, calls, "snapshot_restore", desktop, snapshot)
            settled = self._another_settles(world, desktop)
            assert settled.state is State.RUNNING, f"killed after {calls} calls, and it is {settled.state}"
            assert world.raw_count() == count, f"killed after {calls} calls, something is left over"
            if not killed:
                return
        raise AssertionError("no end of calls")

    def _killed(self, world: World, calls: int, verb: str, desktop: Desktop, what: Any) -> bool:
        provider: Any = world.open()
        try:
            with world.cut(calls):
                world.settle(provider, getattr(provider, verb)(desktop, what, token=new_token()))
        except Killed:
            return True
        return False

    def _another_settles(self, world: World, desktop: Desktop) -> Desktop:
        world.list_lag()
        other = world.open()
        settled = world.settle(other, other.desktop(desktop.key))
        other.close()
        assert settled is not None
        return settled
