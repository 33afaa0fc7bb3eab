"""How the suite decides: gaps are strict, what is left out says why, a world without a fixture is told."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from vdictl.contract.model import Desktop, State
from vdictl.testing.conformance import ProviderSuite
from vdictl.testing.conformance.sound import faults_of
from vdictl.testing.conformance.suite import Watch, left_out
from vdictl.testing.memory.provider import MemoryProvider
from vdictl.testing.memory.world import MemoryWorld
from vdictl.testing.world import World


class Recorder:
    def __init__(self) -> None:
        self.ended: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.ended[report.nodeid.rpartition("::")[2]] = report.outcome


class SaysHello(MemoryProvider):
    """Prints: `test_says_nothing` fails for it."""

    def create(self, *arguments: Any, **more: Any) -> Desktop:
        print("hello")
        return super().create(*arguments, **more)


def inner(tmp_path: Any, provider: str, gaps: Mapping[str, str], *names: str) -> dict[str, str]:
    """Run named tests of the suite in a pytest of their own, from a file as a stranger would write it."""
    file = tmp_path / f"test_inner_{uuid.uuid4().hex}.py"
    file.write_text(
        f"""
import pytest
from tests.unit.testing import test_suite_rules
from vdictl.testing.conformance import ProviderSuite
from vdictl.testing.memory.world import MemoryWorld

class TestMine(ProviderSuite):
    @pytest.fixture
    def world(self):
        world = MemoryWorld()
        world.provider = test_suite_rules.{provider}
        world.gaps = {dict(gaps)!r}
        return world
"""
    )
    recorder = Recorder()
    plain = tmp_path / "pytest.ini"  # no settings, and by a name that pytest takes
    plain.write_text("[pytest]\n", encoding="utf-8")
    quiet = ["-p", "no:cacheprovider", "-p", "no:terminal", "-c", str(plain), "--rootdir", str(tmp_path)]
    pytest.main([*quiet, "-k", " or ".join(names), str(file)], plugins=[recorder])
    return recorder.ended


def test_a_declared_gap_is_allowed(tmp_path: Any) -> None:
    ended = inner(tmp_path, "SaysHello", {"test_says_nothing": "it talks"}, "test_says_nothing")
    assert ended == {"test_says_nothing": "skipped"}  # as pytest reports an expected failure


def test_an_undeclared_one_fails(tmp_path: Any) -> None:
    assert inner(tmp_path, "SaysHello", {}, "test_says_nothing") == {"test_says_nothing": "failed"}


def test_a_gap_that_has_closed_fails(tmp_path: Any) -> None:
    gaps = {"test_says_nothing": "it talks"}
    assert inner(tmp_path, "MemoryProvider", gaps, "test_says_nothing") == {"test_says_nothing": "failed"}


def test_a_gap_for_no_test_fails(tmp_path: Any) -> None:
    ended = inner(tmp_path, "MemoryProvider", {"test_typo": "?"}, "test_every_gap_names_a_test")
    assert ended == {"test_every_gap_names_a_test": "failed"}


class Bare(World):
    """Nothing optional."""

    package = "vdictl.testing.memory"


def test_what_is_left_out_says_why() -> None:
    bare, whole = Bare(), MemoryWorld()
    tests = [getattr(ProviderSuite, name) for name in dir(ProviderSuite) if name.startswith("test_")]
    assert len(tests) > 60
    assert [left_out(test, whole) for test in tests] == [""] * len(tests), "the reference provider leaves nothing out"
    assert any("this world has no raw_text()" in left_out(test, bare) for test in tests)
    assert any("cannot arrange the fault quota" in left_out(test, bare) for test in tests)
    whole.close()


def test_settle_gives_up_and_says_where_it_stood() -> None:
    world = MemoryWorld()
    world.patience = 3.0
    provider = world.open()
    desktop = provider.create(world.spec(flavor="code"), token="k")
    world.cloud.arm("build-fails")
    with pytest.raises(AssertionError, match="not settled after"):
        world.settle(provider, desktop)
    world.close()


def test_watch_sees_sleeping_and_writing(tmp_path: Any) -> None:
    from time import sleep as rest

    with Watch() as watch:
        rest(0)
        (tmp_path / "x").write_text("y")
        (tmp_path / "x").read_text()
    assert len(watch.slept) == 1 and __file__ in watch.slept[0]
    assert len(watch.touched) == 1 and watch.touched[0].startswith("open ")


def test_sound_finds_what_is_no_noun(world: MemoryWorld) -> None:
    provider = world.open()
    desktop = world.made(provider)
    assert faults_of(desktop) == []
    values = {field: getattr(desktop, field) for field in desktop.__dataclass_fields__}
    wrong: dict[str, Any] = {
        "created": desktop.created.replace(tzinfo=None),
        "labels": {"a": 1},
        "missing": ["x"],
        "due": 1,
        "progress": "half",
        "state": "running",
        "name": None,
    }
    found = faults_of(Desktop(**(values | wrong)))
    assert {fault.split()[0].removeprefix("Desktop.") for fault in found} == set(wrong)
    assert faults_of(Desktop(**(values | {"state": State.RUNNING, "progress": 1}))) == []


@pytest.fixture
def world() -> Iterator[MemoryWorld]:
    world = MemoryWorld()
    yield world
    world.close()
