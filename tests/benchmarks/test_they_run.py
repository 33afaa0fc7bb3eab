"""The benchmarks work, and their table says what was measured. No time is asserted here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import __main__ as program
from tests.benchmarks import fleet, startup
from tests.benchmarks.measure import Result, home, paired, seconds_of, vdictl


def test_a_ratio_is_that_of_the_pairs_and_the_first_pair_does_not_count() -> None:
    ours, theirs = iter([99.0, 2.0, 20.0, 4.0]), iter([1.0, 1.0, 10.0, 4.0])
    result = paired("x", "y", lambda: next(ours), lambda: next(theirs), bar=1.5, runs=3)
    assert (result.ratio, result.ours, result.theirs, result.holds) == (2.0, 4.0, 4.0, False)


def test_a_run_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="There is no verb"):
        seconds_of(vdictl("lits"), home(tmp_path))


def test_startup_runs(tmp_path: Path) -> None:
    results = list(startup.run(tmp_path, runs=1))
    assert len(results) == 3 and all(result.ours > 0 and result.theirs > 0 for result in results)


def test_a_large_fleet_is_listed_whole(tmp_path: Path) -> None:
    (result,) = fleet.run(tmp_path, runs=1, few=20, many=60)
    assert "60 desktops" in result.what and "MiB" in result.note


def test_the_table_says_whether_a_bar_is_kept() -> None:
    row = {"what": "w", "peer": "p", "ours": 0.2, "theirs": 0.1, "bar": 1.5, "runs": 3}
    text = program.table([Result(ratio=2.0, **row), Result(ratio=1.0, note="n", **row)])  # type: ignore[arg-type]
    assert "| 2.00 | 1.5 | **no** |" in text and "| 1.00 | 1.5 | yes |" in text and "- w: n." in text


def test_the_page_has_a_row_for_each_benchmark() -> None:
    page = program.PAGE.read_text(encoding="utf-8")
    table = page.partition(program.BEGIN)[2].partition(program.END)[0]
    for name in ("--version", "usage error", "completion", "create --flavor xfce", "`list` of 200", "snapshot create",
                 "snapshot restore", "`list` of 10,000"):  # fmt: skip
        assert name in table, f"run `python -m tests.benchmarks --write`: {name} is not in docs/speed.md"
