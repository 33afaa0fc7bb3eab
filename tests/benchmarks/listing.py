"""A list of 200 desktops, against the engine's own list of the same containers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Result, paired, seconds_of, vdictl
from tests.integration.local_kit import Bench, tiny_image
from vdictl.engine.discovery import open_engine

BAR = 1.5
DESKTOPS = 200
MAKERS = 4  #: so many make desktops at a time


def run(folder: Path, *, runs: int = 15, desktops: int = DESKTOPS) -> Iterator[Result]:
    """As a table for a program (`-o json`) on both sides."""
    state = folder / "vdictl" / "local"
    engine = open_engine(dict(os.environ), state_dir=state)
    bench = Bench(engine, state, tiny_image(engine, state))
    env = {**os.environ, "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    env |= {"VDICTL_FLEET": bench.fleet, "VDICTL_OWNER": "alice"}
    theirs = [engine.binary, "ps", "--all", "--filter", f"label=vdictl.fleet={bench.fleet}", "--format", "json"]
    try:
        _make(bench, desktops)
        yield paired(
            f"`list` of {desktops} desktops",
            "`podman ps --all --format json` of their containers",
            lambda: seconds_of(vdictl("-p", "local", "list", "-o", "json"), env),
            lambda: seconds_of(theirs, engine.env),
            bar=BAR,
            runs=runs,
        )
    finally:
        bench.sweep()


def _make(bench: Bench, count: int) -> None:
    def some(first: int) -> None:
        provider = bench.open()
        for number in range(first, count, MAKERS):
            bench.make(provider, f"d{number}", memory_mib=256)

    makers = [threading.Thread(target=some, args=(first,)) for first in range(MAKERS)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    made = len(list(bench.open().desktops()))
    if made != count:
        raise RuntimeError(f"{made} of {count} desktops were made")
