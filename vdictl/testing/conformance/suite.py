"""How the suite runs: which test is meant for whom, and what a gap is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest

from vdictl.contract.provider import Provider
from vdictl.testing.world import World

Test = TypeVar("Test", bound=Callable[..., None])


def needs(*capabilities: str, world: tuple[str, ...] = (), faults: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """This test is for providers with these capabilities, in worlds with these optional parts and faults."""

    def mark(test: Test) -> Test:
        test.needs = (capabilities, world, faults)  # type: ignore[attr-defined]
        return test

    return mark


def left_out(test: Any, world: World) -> str:
    """Why this test is left out for this world; empty: it is not."""
    capabilities, parts, faults = getattr(test, "needs", ((), (), ()))
    for capability in capabilities:
        if capability not in world.manifest.capabilities:
            return f"the manifest of {world.manifest.name} does not list {capability}"
    for part in parts:
        if not world.can(part):
            return f"this world has no {part}()"
    for fault in faults:
        if world.faults is None or fault not in world.faults.names:
            return f"this world cannot arrange the fault {fault}"
    return ""


class Suite:
    """The base of all themes: a world for each test, and a provider opened in it."""

    @pytest.fixture
    def world(self) -> Any:
        """The author's own; see `vdictl.testing.world.World`."""
        pytest.fail("Give your test class a fixture `world` that returns a vdictl.testing.world.World.")

    @pytest.fixture
    def provider(self, world: World) -> Iterator[Provider]:
        """A provider on the world's empty fleet."""
        opened = world.open()
        yield opened
        opened.close()

    @pytest.fixture(autouse=True)
    def _rules(self, request: pytest.FixtureRequest, world: World) -> None:
        test = request.function
        why = left_out(test, world)
        gap = world.gaps.get(test.__name__)
        if why and gap:
            pytest.fail(f"a gap is declared for {test.__name__}, which is left out anyway: {why}")
        if why:
            pytest.skip(why)
        if gap:
            request.node.add_marker(pytest.mark.xfail(reason=gap, strict=True))

    def test_every_gap_names_a_test(self, world: World) -> None:
        """A gap that names no test would hide nothing for ever."""
        unknown = [name for name in world.gaps if not hasattr(type(self), name)]
        assert not unknown, f"gaps for tests that do not exist: {unknown}"


class Watch:
    """Notes what a provider must not do: sleep, and (with `every_call`) files written, programs started, connections.

    Sleeping is seen through the profiler's hook, so that `from time import sleep` is seen too. Sleeps of the standard
    library itself (waiting for a child, say) are its own business.
    """

    _now: Watch | None = None
    _hooked = False
    _EVENTS = ("socket.connect", "socket.bind", "subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.mkdir")

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self.slept: list[str] = []
        self.touched: list[str] = []

    def __enter__(self) -> Watch:
        """Begin to look at this thread."""
        if not Watch._hooked:
            sys.addaudithook(_audit)
            Watch._hooked = True
        Watch._now = self
        self._before = sys.getprofile()
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        sys.setprofile(self._before)
        Watch._now = None

    def _profile(self, frame: Any, event: str, argument: Any) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") == "sleep" and argument.__module__ == "time":
            file = frame.f_code.co_filename
            if frame.f_globals.get("__name__", "").partition(".")[0] not in sys.stdlib_module_names:
                self.slept.append(f"{file}:{frame.f_lineno}")

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit event."""
        writes = event == "open" and any(letter in str(arguments[1] or "r") for letter in "wax+")
        if event in self._EVENTS or writes:
            self.touched.append(f"{event} {arguments[0]!r}")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if Watch._now is not None:
        Watch._now.note(event, arguments)
