"""A list of a large fleet: the reference provider with 10,000 desktops; linear, and in how much memory."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks.measure import RUN_SECONDS, Result, home, vdictl
from vdictl.contract.model import DesktopSpec
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.cloud import Cloud, Pace
from vdictl.testing.memory.provider import MemoryProvider

FEW, MANY = 2_500, 10_000
LINEAR = 1.25  #: so much more than its share may a desktop of the large fleet cost
MOST_MIB = 120
CONFIG = """\
default_provider = "memory"
[providers.memory]
package = "vdictl.testing.memory"
state = "{state}"
page = "{page}"
[providers.local]
engine = "/nonexistent/engine"
"""


def run(folder: Path, *, runs: int = 5, few: int = FEW, many: int = MANY) -> Iterator[Result]:
    """The processor time that each further desktop costs in the large fleet, against that in the small one."""
    empty, small, large = (_fleet(folder, count) for count in (1, few, many))
    times: list[tuple[float, float, float]] = []
    peak = 0
    for _ in range(runs + 1):
        (floor, _), (less, _), (more, mib) = _list(empty), _list(small), _list(large)
        times.append((floor, less, more))
        peak = max(peak, mib)
    shares = [((more - floor) / many, (less - floor) / few) for floor, less, more in times[1:]]
    note = f"peak memory {peak} MiB (at most {MOST_MIB}), the cloud itself included, which is read from one file"
    yield Result(
        what=f"`list` of {many:,} desktops, reference provider: processor time for each",
        peer=f"the same of {few:,}",
        ours=median(mine for mine, _ in shares),
        theirs=median(other for _, other in shares),
        ratio=median(mine / other for mine, other in shares),
        bar=LINEAR,
        runs=runs,
        note=note,
    )


def _fleet(folder: Path, count: int) -> dict[str, str]:
    """The environment of a user whose cloud holds so many desktops."""
    place = folder / str(count)
    place.mkdir()
    cloud = Cloud(pace=Pace(boot=0.0, task=0.0, page=count))
    provider = MemoryProvider(Api(cloud, token="", timeout=60.0))
    desktop = provider.create(DesktopSpec(name="d0", owner="tester"), token="key0")
    while desktop.operation is not None:
        desktop = provider.advance(desktop)
    with cloud.store.change() as state:
        _multiply(state, count)
        (place / "cloud.json").write_text(json.dumps(state))
    config = place / "config.toml"
    config.write_text(CONFIG.format(state=place / "cloud.json", page=count))
    return home(place, VDICTL_CONFIG=str(config), USER="tester")


def _multiply(state: dict[str, object], count: int) -> None:
    """So many machines like the one that was made: each create would write the whole cloud again."""
    machines = state["machines"]
    assert isinstance(machines, dict)
    ((identity, first),) = machines.items()
    text = json.dumps(first)
    for number in range(1, count):
        mine = text.replace("key0", f"key{number}").replace("d0", f"d{number}").replace(identity, f"m-{number}")
        machines[f"m-{number}"] = json.loads(mine)


def _list(env: dict[str, str]) -> tuple[float, int]:
    """Seconds of the processor and peak memory in MiB of one list as JSON."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(vdictl("list", "-o", "json"), env=env, stdin=subprocess.DEVNULL, stdout=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        waited = time.perf_counter() - begun
        out.seek(0)
        told = len(json.load(out))
    if child.returncode or waited > RUN_SECONDS or not told:
        raise RuntimeError(f"list: {child.returncode}, {told} desktops after {waited:.0f} s")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024
