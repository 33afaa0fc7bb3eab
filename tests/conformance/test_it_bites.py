"""The conformance suite bites: every deliberately broken provider is caught by its named test, for the right reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.broken import BROKEN, suites
from tests.conformance.broken.base import Broken
from vdictl.testing.conformance import ProviderSuite


class Recorder:
    """A pytest plugin that keeps the named tests only, and remembers how they ended."""

    def __init__(self) -> None:
        self.ended: dict[tuple[str, str], str] = {}
        self.why: dict[tuple[str, str], str] = {}
        self._named = {f"Test{each.__name__}": {each.caught_by} for each in BROKEN}
        self._named["TestReference"] = set.union(*self._named.values())

    def pytest_pycollect_makeitem(self, collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
        """An empty list: not collected; None: as usual."""
        wanted = self._named.get(collector.name)
        return [] if wanted and name.startswith("test_") and name not in wanted else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        key = (self._class(report.nodeid), report.nodeid.rpartition("::")[2].partition("[")[0])
        if report.when == "call" or report.outcome != "passed":
            if self.ended.get(key) != "failed":
                self.ended[key] = report.outcome if report.when == "call" else f"{report.when} {report.outcome}"
            self.why[key] = self.why.get(key, "") + str(report.longrepr)

    @staticmethod
    def _class(nodeid: str) -> str:
        return nodeid.split("::")[-2]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """One run of pytest within this one, over all broken providers and the whole one."""
    recorder = Recorder()
    plain = tmp_path_factory.mktemp("plain") / "pytest.ini"  # no settings, and by a name that pytest takes
    plain.write_text("[pytest]\n", encoding="utf-8")
    file = str(Path(suites.__file__))
    root = str(Path(suites.__file__).parents[3])
    quiet = ["-p", "no:cacheprovider", "-p", "no:terminal", "-c", str(plain)]
    pytest.main([*quiet, "--rootdir", root, file], plugins=[recorder])
    return recorder


@pytest.mark.parametrize("provider", BROKEN, ids=lambda provider: provider.__name__)
def test_a_broken_provider_is_caught(provider: type[Broken], recorder: Recorder) -> None:
    """By the test that is named after what it did, with the words that say so."""
    key = (f"Test{provider.__name__}", provider.caught_by)
    assert recorder.ended.get(key) == "failed", f"not caught: {recorder.ended.get(key, 'there is no such test')}"
    assert provider.says in recorder.why[key], recorder.why[key]


def test_the_whole_one_passes_all_of_them(recorder: Recorder) -> None:
    """So that a test that fails always does not count as one that bites."""
    ended = {name: outcome for (where, name), outcome in recorder.ended.items() if where == "TestReference"}
    assert set(ended) == {each.caught_by for each in BROKEN}
    assert set(ended.values()) == {"passed"}, ended


def test_each_mistake_is_another() -> None:
    """No two broken providers are told apart by nothing."""
    assert len({(each.caught_by, each.says, each.__name__) for each in BROKEN}) == len(BROKEN) >= 18


def test_no_test_of_the_suite_hides_another() -> None:
    """The themes are bases of one class: of two tests with one name only one would ever run."""
    named = [name for theme in ProviderSuite.__mro__ for name in vars(theme) if name.startswith("test_")]
    assert len(named) == len(set(named)), sorted({name for name in named if named.count(name) > 1})
