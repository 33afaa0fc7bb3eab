"""Snapshot and restore of a home of 200 MB, against the engine's own export and import of the same volume."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Result, paired, seconds_of, timed, vdictl
from tests.integration.local_kit import Bench, tiny_image
from vdictl.engine.discovery import open_engine

BAR = 1.3
MEGABYTES = 200


def run(folder: Path, *, runs: int = 7) -> Iterator[Result]:
    """The home holds files of 1 MB that cannot be compressed."""
    state = folder / "vdictl" / "local"
    engine = open_engine(dict(os.environ), state_dir=state)
    bench = Bench(engine, state, tiny_image(engine, state))
    env = {**os.environ, "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    env |= {"VDICTL_FLEET": bench.fleet, "VDICTL_OWNER": "alice"}
    archive, other = folder / "home.tar", f"vdictl-bench-{secrets.token_hex(4)}"
    provider = bench.open()

    def ours(*words: str) -> float:
        return seconds_of(vdictl("-p", "local", "snapshot", *words), env)

    def export() -> float:
        return timed(lambda: engine.run("volume", "export", volume, "--output", str(archive), timeout=600.0))

    def taken() -> float:
        name = f"s{secrets.token_hex(4)}"
        took = ours("create", "one", name)
        ours("delete", "one", name)
        return took

    def imported() -> float:
        took = timed(
            lambda: (engine.run("volume", "create", other), engine.run("volume", "import", other, str(archive)))
        )
        engine.run("volume", "rm", other)
        return took

    try:
        bench.make(provider)
        desktop = next(iter(provider.desktops()))
        bench.sh(provider, desktop, f"for n in $(seq {MEGABYTES}); do head -c 1000000 /dev/urandom > f$n; done; sync")
        volume = next(name for name in bench.objects() if ".home." in name)
        if export() and archive.stat().st_size < MEGABYTES * 1_000_000:
            raise RuntimeError(f"the archive of the home is too small: {archive.stat().st_size} bytes")
        what = f"of a home of {MEGABYTES} MB"
        yield paired(f"`snapshot create` {what}", "`podman volume export`", taken, export, bar=BAR, runs=runs)
        ours("create", "one", "kept")
        # The desktop halts for a restore: what that takes is no part of copying.
        seconds_of(vdictl("-p", "local", "stop", "one"), env)
        yield paired(
            f"`snapshot restore` {what}, stopped",
            "`podman volume import`",
            lambda: ours("restore", "one", "kept", "--yes"),
            imported,
            bar=BAR,
            runs=runs,
        )
    finally:
        engine.call("volume", "rm", other)
        bench.sweep()
