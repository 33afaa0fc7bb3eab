"""`python -m tests.benchmarks [NAME...] [--write]`: run benchmarks and print their table."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from tests.benchmarks.measure import ROOT, Result

NAMES = ("startup", "frame", "listing", "keeping", "fleet")
PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def main() -> int:
    """Run those that are named. 1: a ratio is above its bar."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; default: all")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no benchmark called {', '.join(sorted(unknown))}")
    results = []
    for name in given.names or NAMES:
        for result in _run(name):
            print(_row(result), flush=True)
            results.append(result)
    if given.write:
        _write(results)
    return 0 if all(result.holds for result in results) else 1


def _run(name: str) -> Iterator[Result]:
    run: Callable[[Path], Iterator[Result]] = import_module(f"tests.benchmarks.{name}").run
    with tempfile.TemporaryDirectory(prefix="vdictl-bench-") as folder:
        yield from run(Path(folder))


def _row(result: Result) -> str:
    verdict = "yes" if result.holds else "**no**"
    figures = f"{_seconds(result.ours)} | {_seconds(result.theirs)} | {result.ratio:.2f} | {result.bar:g} | {verdict}"
    return f"| {result.what} | {result.peer} | {figures} |" + (f" {result.note}" if result.note else "")


def _seconds(value: float) -> str:
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"


def table(results: list[Result]) -> str:
    """The table as the page shows it."""
    lines = ["| what | against | ours | theirs | ratio | bar | within |", "|---|---|---|---|---|---|---|"]
    lines += [_row(result).removesuffix(result.note).rstrip() for result in results]
    notes = [f"- {result.what}: {result.note}." for result in results if result.note]
    machine = f"Medians of {min(r.runs for r in results)} or more pairs; Python {platform.python_version()}, Linux."
    return "\n".join([*lines, "", machine, *(["", *notes] if notes else [])])


def _write(results: list[Result]) -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
