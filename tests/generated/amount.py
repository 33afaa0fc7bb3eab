"""How much is generated: a sample from a printed seed, or all of it where that is asked for."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

from tests import sampling


def everything() -> bool:
    """`VDICTL_GENERATED=all`: as `scripts/faults.sh` says it."""
    return os.environ.get("VDICTL_GENERATED", "") == "all"


def seed_of(what: str) -> int:
    """The seed of `tests.sampling`; said on stdout, which pytest shows with a failure and with `-s`."""
    seed = sampling.seed()
    print(f"{what}: VDICTL_SEED={seed}" + ("" if everything() else " (a sample; VDICTL_GENERATED=all does all)"))
    return seed


def amount(sample: int, all_of_them: int, *, steps: int = 50) -> settings:
    """Settings for so many examples."""
    return settings(
        max_examples=all_of_them if everything() else sample,
        stateful_step_count=steps,
        deadline=None,  # the machine may be loaded
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate),  # to shrink takes minutes here; the whole sequence is told
        suppress_health_check=list(HealthCheck),
    )
