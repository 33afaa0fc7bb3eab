"""Advance: the next step, from whichever machine; and nothing more than that."""

from __future__ import annotations

import threading

from vdictl.contract.errors import NotFound, VdictlError
from vdictl.contract.model import Desktop, State
from vdictl.contract.provider import Provider
from vdictl.testing.conformance.suite import Suite, Watch, needs
from vdictl.testing.world import MOST_STEPS, Killed, World, new_token


def key_facts(desktop: Desktop) -> tuple[object, ...]:
    """What must not change by looking."""
    return (desktop.key, desktop.id, desktop.name, desktop.state, desktop.operation, desktop.home, desktop.created)


class AdvanceTests(Suite):
    """A create survives whoever began it."""

    def test_advance_of_a_finished_desktop_changes_nothing(self, world: World, provider: Provider) -> None:
        """As it is now, as often as it is asked."""
        desktop = world.made(provider)
        count = world.raw_count() if world.can("raw_count") else 0
        for _ in range(3):
            assert key_facts(provider.advance(desktop)) == key_facts(desktop)
        assert not count or world.raw_count() == count

    def test_advance_does_not_block(self, world: World, provider: Provider) -> None:
        """It looks and does a step; waiting is the core's."""
        desktop = provider.create(world.spec(), token=new_token())
        with Watch() as watch:
            for _ in range(3):
                desktop = provider.advance(desktop)
        assert not watch.slept, f"advance slept at {watch.slept}"
        assert world.settle(provider, desktop) is not None

    def test_a_killed_create_is_finished_by_another(self, world: World) -> None:
        """Every step by another machine, which knows nothing but what is at the provider."""
        first = world.open()
        token = new_token()
        first.create(world.spec(), token=token)
        world.list_lag()
        first.close()
        passed, steps = 0.0, 0
        while True:
            other = world.open()
            desktop = other.advance(other.desktop(token))
            other.close()
            if desktop.operation is None and desktop.state is State.RUNNING:
                break
            assert passed < world.patience and steps < MOST_STEPS, f"not finished: {desktop}"
            steps += 1
            if not desktop.due:
                world.pass_time(world.tick)
                passed += world.tick
        last = world.open()
        assert [each.key for each in last.desktops()] == [token]
        last.close()

    def test_two_advances_at_once_do_one_step(self, world: World, provider: Provider) -> None:
        """Two machines look at the same moment: no second disk, no second machine."""
        ordinary = world.made(provider, "one")
        count = world.raw_count() if world.can("raw_count") else 0
        other = world.open()
        desktop = provider.create(world.spec("two"), token=new_token())
        errors: list[BaseException] = []

        def look(who: Provider) -> None:
            try:
                who.advance(desktop)
            except VdictlError as error:
                if not error.passing:
                    errors.append(error)
            except BaseException as error:
                errors.append(error)

        for _ in range(4):
            threads = [threading.Thread(target=look, args=(who,)) for who in (provider, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            world.pass_time(world.tick)
        other.close()
        assert not errors, errors
        settled = world.settle(provider, desktop)
        assert settled is not None and settled.state is State.RUNNING
        assert sorted(each.key for each in provider.desktops()) == sorted([ordinary.key, desktop.key])
        assert not count or world.raw_count() == 2 * count, "two advances at once made more than one"

    @needs(faults=("two-at-once",))
    def test_a_step_that_somebody_else_did_is_no_error(self, world: World, provider: Provider) -> None:
        """The machine is changed between our look and our step: look again, or say `Busy`; do nothing twice."""
        desktop = provider.create(world.spec(), token=new_token())
        assert world.faults is not None
        for _ in range(3):
            world.faults.arm("two-at-once")
            try:
                desktop = provider.advance(desktop)
            except VdictlError as error:
                assert error.passing, f"somebody else was faster, and it came out as {error!r}"
            world.pass_time(world.tick)
        world.faults.clear()
        settled = world.settle(provider, desktop)
        assert settled is not None and settled.state is State.RUNNING

    @needs(world=("outsider_stop",))
    def test_what_an_outsider_stops_stays_stopped(self, world: World, provider: Provider) -> None:
        """`advance` acts on an open operation only; it has no wishes of its own."""
        desktop = world.made(provider)
        world.outsider_stop(desktop)
        for _ in range(3):
            world.pass_time(world.tick)
            desktop = provider.advance(desktop)
        assert world.settle(provider, desktop) is not None
        there = provider.desktop(desktop.key)
        assert there.state is State.STOPPED, f"an outsider stopped it, and it is {there.state}"
        assert there.operation is None and not there.due

    @needs(world=("outsider_remove",))
    def test_what_an_outsider_removes_stays_away(self, world: World, provider: Provider) -> None:
        """Gone, or seen as failed; never made anew."""
        desktop = world.made(provider)
        world.outsider_remove(desktop)
        for _ in range(3):
            world.pass_time(world.tick)
            try:
                desktop = provider.advance(desktop)
            except NotFound:
                break
        world.list_lag()
        for each in provider.desktops():
            assert each.state not in (State.PENDING, State.STARTING, State.RUNNING), f"made anew: {each}"

    @needs(world=("cut", "raw_count"))
    def test_a_create_killed_between_any_two_calls_is_finished(self, world: World) -> None:
        """SIGKILL after the first request, after the second ...: `create` again gives one whole desktop."""
        for calls in range(200):
            token, spec = new_token(), world.spec()
            killed = self._kill(world, token, calls)
            world.list_lag()
            provider = world.open()
            seen = list(provider.desktops()) or world.raw_count() == 0
            assert seen, f"killed after {calls} calls: something is there, and bears no mark"
            desktop = provider.create(spec, token=token)
            settled = world.settle(provider, desktop)
            assert settled is not None and settled.state is State.RUNNING, f"killed after {calls} calls: {settled}"
            assert [each.key for each in provider.desktops()] == [token], f"killed after {calls} calls"
            world.gone(provider, settled, "homes")
            provider.close()
            assert world.raw_count() == 0, f"killed after {calls} calls: something is left over"
            if not killed:
                return
        raise AssertionError("no end of calls")

    def _kill(self, world: World, token: str, calls: int) -> bool:
        provider = world.open()
        try:
            with world.cut(calls):
                world.settle(provider, provider.create(world.spec(), token=token))
        except Killed:
            return True
        return False
