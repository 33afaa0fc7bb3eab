"""Run ours and a peer's in turn, and compare pair by pair."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
RUN_SECONDS = 900.0  #: one run may take so long


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row of the table: medians in seconds, and the median of the ratios of the pairs."""

    what: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    bar: float  #: the ratio that it should keep to
    runs: int
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the ratio is within its bar."""
        return self.ratio <= self.bar


def paired(
    what: str, peer: str, ours: Callable[[], float], theirs: Callable[[], float], *, bar: float, runs: int
) -> Result:
    """Run both in turn, `runs` times after one that does not count; each call gives the seconds that it took."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(runs)]
    return Result(
        what=what,
        peer=peer,
        ours=median(mine for mine, _ in pairs),
        theirs=median(other for _, other in pairs),
        ratio=median(mine / other for mine, other in pairs),
        bar=bar,
        runs=runs,
    )


def seconds_of(argv: Sequence[str], env: Mapping[str, str], *, code: int = 0) -> float:
    """How long a command takes, from its start to its end; it must end with `code`."""
    begun = time.perf_counter()
    done = subprocess.run(
        argv, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_SECONDS, check=False
    )
    took = time.perf_counter() - begun
    if done.returncode != code:
        raise RuntimeError(f"{argv}: {done.returncode}\n{done.stdout[-2000:]!r}\n{done.stderr[-2000:]!r}")
    return took


def timed(work: Callable[[], object]) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def vdictl(*words: str) -> list[str]:
    """The command as a user has it: the installed script where there is one, which is what starts quickest."""
    script = Path(sys.executable).with_name("vdictl")
    return [str(script), *words] if script.exists() else [sys.executable, "-m", "vdictl", *words]


def home(folder: Path, **more: str) -> dict[str, str]:
    """An environment of its own, with the machine's PATH."""
    paths = os.pathsep.join((str(ROOT), str(ROOT / "providers")))
    return {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": paths, "LANG": "C.UTF-8", **more}
