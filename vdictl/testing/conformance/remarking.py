"""Marks that are rewritten: another name, other labels, another end. What runs is not touched by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vdictl.contract.errors import Conflict, ReplyLost, VdictlError
from vdictl.contract.model import NEVER, Desktop, State
from vdictl.testing.conformance.optional import run
from vdictl.testing.conformance.suite import Suite, needs
from vdictl.testing.world import Killed, World, new_token

LATER = datetime(2099, 1, 31, 18, tzinfo=UTC)  #: whatever the time is in a world


def remarked(world: World, provider: Any, desktop: Desktop, **changes: Any) -> Desktop:
    """Rewritten, with all its steps done, as another machine sees it."""
    settled = world.settle(provider, provider.remark(desktop, token=new_token(), **changes))
    assert settled is not None
    return seen(world, desktop)


def seen(world: World, desktop: Desktop) -> Desktop:
    """What another machine with the same credentials sees."""
    world.list_lag()
    other = world.open()
    there = other.desktop(desktop.key)
    other.close()
    return there


def cut_off(world: World, calls: int, begin: Callable[[Any], Desktop]) -> bool:
    """Whether somebody who begins this, and sees to it, is killed after so many calls."""
    provider: Any = world.open()
    try:
        with world.cut(calls):
            world.settle(provider, begin(provider))
    except Killed:
        return True
    return False


def timer(world: World, provider: Any, desktop: Desktop) -> float | None:
    """When the guest inside will halt by itself."""
    world.ways(provider, desktop)
    there = provider.desktop(desktop.key)
    done = run(provider.exec(there, ["vdictl-guest", "probe", "--json"]))
    assert done.returncode == 0, done.stderr
    expires = json.loads(done.stdout)["expires"]
    return None if expires is None else float(expires)


def refused(error: VdictlError) -> None:
    """A change of what somebody takes away ends as a conflict, or finds nothing any more."""
    assert error.exit_code in (4, 9), f"a change of what is being deleted: {error!r}"


class MarkTests(Suite):
    """A mark is changed whole or not at all."""

    @needs("SupportsMark")
    def test_the_mark_can_be_rewritten(self, world: World, provider: Any) -> None:
        """Labels are set and taken away one by one, the name changes; the key, the age and what runs stay."""
        desktop = world.made(provider, labels={"a": "1", "b": "2", "c": "3"})
        there = remarked(world, provider, desktop, name="new", labels={"b": None, "c": "4", "d": "5", "e": None})
        assert (there.name, dict(there.labels)) == ("new", {"a": "1", "c": "4", "d": "5"})
        assert (there.key, there.created, there.state) == (desktop.key, desktop.created, State.RUNNING)
        assert there.operation is None
        assert there.spec is not None and there.spec.name == "new"
        world.list_lag()
        assert [each.name for each in provider.desktops()] == ["new"]

    @needs("SupportsMark")
    def test_a_renamed_desktop_keeps_its_home(self, world: World, provider: Any) -> None:
        """The volume is called as before; the request names it now, so that nobody looks for another one."""
        desktop = world.made(provider)
        there = remarked(world, provider, desktop, name="new")
        assert (there.home, there.spec.home if there.spec else None) == (desktop.home, desktop.home)
        if "SupportsVolumes" in world.manifest.capabilities:
            assert [(each.name, each.attached_to) for each in provider.volumes()] == [(desktop.home, desktop.key)]
        world.gone(provider, there, "homes")
        assert not world.can("raw_count") or world.raw_count() == 0

    @needs("SupportsMark")
    def test_the_old_name_is_free_after_a_rename(self, world: World, provider: Any) -> None:
        """For a new desktop with a home of its own; the home of before is in use."""
        desktop = remarked(world, provider, world.made(provider), name="new")
        with pytest.raises(Conflict):
            provider.create(world.spec("one"), token=new_token())
        second = world.made(provider, "one", home="second")
        world.list_lag()
        assert {each.key: each.name for each in provider.desktops()} == {desktop.key: "new", second.key: "one"}

    @needs("SupportsMark")
    def test_a_rename_onto_a_taken_name_is_a_conflict(self, world: World, provider: Any) -> None:
        """And nothing is changed."""
        first, second = world.made(provider), world.made(provider, "two")
        with pytest.raises(Conflict):
            world.settle(provider, provider.remark(second, token=new_token(), name="one", labels={"x": "y"}))
        there = seen(world, second)
        assert (there.name, dict(there.labels), there.operation) == ("two", {}, None), "refused, and changed"
        assert remarked(world, provider, first, name="one").name == "one", "its own name is taken for somebody else's"

    @needs("SupportsMark")
    def test_a_remark_sent_again_is_done_already(self, world: World, provider: Any) -> None:
        """The same token gives the same desktop."""
        desktop, token = world.made(provider), new_token()
        counts = []
        for _ in range(2):
            settled = world.settle(provider, provider.remark(desktop, token=token, name="new", expires=LATER))
            assert settled is not None and (settled.name, settled.expires) == ("new", LATER)
            counts.append(world.raw_count() if world.can("raw_count") else 0)
        assert [each.key for each in provider.desktops()] == [desktop.key]
        assert counts[0] == counts[1], "sent again, and something more is there"

    @needs("SupportsMark", faults=("reply-lost",))
    def test_a_remark_whose_reply_was_lost_is_sent_again(self, world: World, provider: Any) -> None:
        """`ReplyLost`, and the same token again ends well."""
        desktop, token = world.made(provider), new_token()
        assert world.faults is not None
        world.faults.arm("reply-lost", "write")
        with pytest.raises(ReplyLost):
            world.settle(provider, provider.remark(desktop, token=token, name="new"))
        world.faults.clear()
        settled = world.settle(provider, provider.remark(desktop, token=token, name="new"))
        assert settled is not None and settled.name == "new"

    @needs("SupportsMark")
    def test_two_remarks_at_once_both_count(self, world: World, provider: Any) -> None:
        """Two machines change labels in one moment: who was second says `Busy`, or looks again."""
        desktop, other = world.made(provider), world.open()
        errors: list[BaseException] = []

        def change(who: Any, label: str) -> None:
            token = new_token()
            for _ in range(50):
                try:
                    world.settle(who, who.remark(desktop, token=token, labels={label: "1"}))
                    return
                except VdictlError as error:
                    if not error.passing:
                        errors.append(error)
                        return
                except BaseException as error:
                    errors.append(error)
                    return
            errors.append(AssertionError("busy for ever"))

        threads = [threading.Thread(target=change, args=pair) for pair in ((provider, "a"), (other, "b"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.close()
        assert not errors, errors
        assert dict(seen(world, desktop).labels) == {"a": "1", "b": "1"}, "one of two changes is lost"

    @needs("SupportsMark")
    def test_two_desktops_take_one_name_at_once(self, world: World, provider: Any) -> None:
        """One of them has it in the end, or neither; each is there, under one of its names."""
        if world.manifest.list_lag:
            pytest.skip("lists lag here: two of one name may come to be, which the core shows and never removes")
        desktops, other = [world.made(provider, name) for name in ("one", "two")], world.open()
        ended: list[BaseException | Desktop | None] = []

        def change(who: Any, desktop: Desktop) -> None:
            try:
                ended.append(world.settle(who, who.remark(desktop, token=new_token(), name="new")))
            except BaseException as error:
                ended.append(error)

        threads = [threading.Thread(target=change, args=pair) for pair in zip((provider, other), desktops, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.close()
        wrong = [each for each in ended if isinstance(each, BaseException) and getattr(each, "exit_code", 0) != 9]
        assert not wrong, wrong
        there = {each.key: each.name for each in provider.desktops()}
        got = [each.key for each in ended if isinstance(each, Desktop)]
        named = [key for key, name in there.items() if name == "new"]
        assert len(named) <= 1, "two have one name"
        assert named == got
        assert there.keys() == {each.key for each in desktops}

    @needs("SupportsMark")
    def test_a_remark_does_not_undo_a_delete(self, world: World, provider: Any) -> None:
        """`absent` wins, whatever is in hand."""
        desktop = world.made(provider)
        left = provider.delete(desktop)
        for changes in ({"labels": {"x": "y"}}, {"name": "new"}, {"expires": NEVER}):
            with pytest.raises(VdictlError) as caught:
                provider.remark(desktop, token=new_token(), **changes)
            refused(caught.value)
        if left is not None:
            assert world.settle(provider, left) is None
        world.list_lag()
        assert not list(provider.desktops())

    @needs("SupportsExec")
    def test_a_guest_has_a_timer_where_the_manifest_says_so(self, world: World, provider: Any) -> None:
        """`create --ttl` tells people whether their desktop ends by itself, or only `gc` ends it."""
        if not world.manifest.guest_timer:
            pytest.skip(f"the manifest of {world.manifest.name} does not say guest_timer")
        desktop = world.made(provider, expires=LATER)
        assert timer(world, provider, desktop) == LATER.timestamp(), "nothing inside would stop it"

    @needs("SupportsMark", "SupportsExec", "SupportsPower")
    def test_the_guests_timer_moves_with_the_end(self, world: World, provider: Any) -> None:
        """At once where it runs; where it is stopped, before its next start could be ended by the old one."""
        desktop = world.made(provider, expires=LATER)
        assert remarked(world, provider, desktop, expires=LATER + timedelta(hours=1)).expires is not None
        assert timer(world, provider, desktop) == (LATER + timedelta(hours=1)).timestamp()
        world.settle(provider, provider.stop(desktop, token=new_token(), grace=1.0))
        there = remarked(world, provider, desktop, expires=LATER + timedelta(hours=2))
        assert (there.expires, there.state) == (LATER + timedelta(hours=2), State.STOPPED)
        world.settle(provider, provider.start(there, token=new_token()))
        assert timer(world, provider, there) == (LATER + timedelta(hours=2)).timestamp(), "it keeps its old timer"
        assert remarked(world, provider, desktop, expires=NEVER).expires is None
        assert timer(world, provider, there) is None

    @needs("SupportsMark", world=("cut", "raw_count"))
    def test_a_remark_killed_between_any_two_calls_is_whole(self, world: World, provider: Any) -> None:
        """Done, or not begun; never a new name with the old labels."""
        desktop = world.made(provider)
        count, whole = world.raw_count(), {"old": {"n": "0"}, "new": {"n": "1"}}
        for calls in range(200):
            remarked(world, provider, desktop, name="old", labels={"n": "0"})
            killed = cut_off(
                world, calls, lambda it: it.remark(desktop, token=new_token(), name="new", labels={"n": "1"})
            )
            other = world.open()
            settled = world.settle(other, other.desktop(desktop.key))
            other.close()
            assert settled is not None and settled.state is State.RUNNING, f"killed after {calls} calls: {settled}"
            assert whole.get(settled.name) == dict(settled.labels), f"killed after {calls} calls: half of it is done"
            assert world.raw_count() == count, f"killed after {calls} calls, something is left over"
            if not killed:
                return
        raise AssertionError("no end of calls")
