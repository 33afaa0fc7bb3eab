"""Two creates of one name at once, seen from the one that loses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.core.test_creating import _twin, lenient
from tests.unit.core.worlds import World
from vdictl.contract.errors import Conflict, NotFound
from vdictl.contract.model import Desktop


def hide_in_first_list(world: World, desktop: Desktop) -> None:
    """The list that a create begins with was made a moment before `desktop` was."""
    real, hidden = world.at.provider.desktops, {desktop.key}

    def desktops() -> list[Desktop]:
        shown = [d for d in real() if d.key not in hidden]
        hidden.clear()
        return shown

    world.at.provider.desktops = desktops  # type: ignore[method-assign]


def watch_steps(world: World, before: Callable[[Desktop], None] = lambda _: None) -> list[str]:
    """The keys of the desktops that a step is done for; `before` is called before each."""
    real, keys = world.at.provider.advance, list[str]()

    def advance(desktop: Desktop) -> Desktop:
        keys.append(desktop.key)
        before(desktop)
        return real(desktop)

    world.at.provider.advance = advance  # type: ignore[method-assign]
    return keys


def steps_of_create(world: World) -> list[Desktop]:
    """What the provider's `create` gives, as it is called."""
    real, made = world.at.provider.create, list[Desktop]()

    def create(*given: object, **named: object) -> Desktop:
        made.append(real(*given, **named))  # type: ignore[arg-type]
        return made[-1]

    world.at.provider.create = create  # type: ignore[method-assign]
    return made


def test_the_loser_does_no_step_but_that_of_its_removal(world: World) -> None:
    first = _twin(world)
    world.clock.advance(1)
    hide_in_first_list(world, first)
    made = steps_of_create(world)

    def only_to_go(desktop: Desktop) -> None:
        assert desktop.key == first.key or (desktop.operation and desktop.operation.verb == "delete")

    keys = watch_steps(world, only_to_go)
    with lenient():
        end = world.create(home="ephemeral")
    assert made[0].key != first.key == end.desktop.key
    assert first.key in keys
    assert [d.key for d in world.there()] == [first.key]


@pytest.mark.parametrize("error", [Conflict("its home is in use"), NotFound("it is gone")])
def test_a_step_that_fails_because_of_the_older_one_leads_to_it(world: World, error: Exception) -> None:
    older: list[Desktop] = []

    def race(desktop: Desktop) -> None:
        if not older:
            older.append(_twin_before(world, desktop))
        if desktop.key != older[0].key and desktop.operation and desktop.operation.verb == "create":
            raise error

    watch_steps(world, race)
    with lenient():
        end = world.create(home="ephemeral")
    assert end.desktop.key == older[0].key
    assert [d.key for d in world.there()] == [older[0].key]


def test_one_that_the_winner_has_removed_already_leads_to_the_winner(world: World) -> None:
    older: list[Desktop] = []

    def race(desktop: Desktop) -> None:
        if not older:
            older.append(_twin_before(world, desktop))
            world.operator().destroy([desktop])

    watch_steps(world, race)
    with lenient():
        end = world.create(home="ephemeral")
    assert end.desktop.key == older[0].key


def test_a_step_that_fails_with_nobody_else_there_is_told(world: World) -> None:
    def fail(desktop: Desktop) -> None:
        raise Conflict("its home is in use")

    watch_steps(world, fail)
    with pytest.raises(Conflict, match="in use"):
        world.create(home="ephemeral")


def _twin_before(world: World, desktop: Desktop) -> Desktop:
    """Another of this name, which the provider says is older."""
    twin = _twin(world)
    with world.cloud.store.change() as state:
        state["machines"][twin.id]["created"] = desktop.created.timestamp() - 5
    return world.at.provider.desktop(twin.key)
