"""Sizes on offer: a ladder cut to what this machine has. Pure, but for `Machine.here`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vdictl.contract.errors import Invalid, QuotaExceeded, Unsupported
from vdictl.contract.model import DesktopSpec, Plan
from vdictl.engine.engine import Traits
from vdictl_local.errors import PROVIDER

_LADDER: Final = ((1, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 128))  # cores, GiB
_SLACK: Final = 1.08  # a machine of "2 GB" tells some percent less: the kernel keeps a part
_LEAST_MEMORY: Final = 256  # MiB: below this not even the X server and a terminal start


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine has."""

    cpus: int
    memory_mib: int

    @classmethod
    def here(cls) -> Machine:
        """Cores this process may use (sched_getaffinity), memory by /proc/meminfo."""
        return cls(len(os.sched_getaffinity(0)), _meminfo(Path("/proc/meminfo").read_text()))

    @classmethod
    def of(cls, traits: Traits) -> Machine:
        """The machine that the engine runs on: this one, or where its traits say."""
        if traits.remote and traits.cpus and traits.memory_mib:
            return cls(traits.cpus, traits.memory_mib)
        return cls.here()


@dataclass(frozen=True, slots=True)
class Size:
    """What a desktop gets. `plan`: the plan's id, or "custom"."""

    plan: str
    cpus: float
    memory_mib: int


def plans(machine: Machine) -> list[Plan]:
    """All that fit, smallest first; the smallest of all is always there."""
    fitting = [
        (cpus, gib) for cpus, gib in _LADDER if cpus <= machine.cpus and gib * 1024 <= machine.memory_mib * _SLACK
    ] or [_LADDER[0]]
    note = "the disk is the machine's own, without a limit"
    return [
        Plan(id=f"local-{cpus}c-{gib}gb", cpus=cpus, memory_mib=gib * 1024, available=True, family="local", note=note)
        for cpus, gib in fitting
    ]


def size(spec: DesktopSpec, machine: Machine, *, least_mib: int) -> Size:
    """The size that `spec` asks for; without a plan the smallest that serves the flavor (`least_mib`) well.

    Raises:
        Invalid: no such plan, or a size that no desktop can have. QuotaExceeded: this machine is smaller.
        Unsupported: a limit on the disk.
    """
    if spec.disk_gib is not None:
        raise Unsupported(
            "The disk of a local desktop cannot be limited: container volumes have no size.",
            advice="Leave --disk away; the home may grow as far as this machine's disk goes.",
            provider=PROVIDER,
        )
    on_offer = plans(machine)
    base = _named(spec.plan, on_offer) if spec.plan else _default(on_offer, least_mib)
    cpus = float(base.cpus if spec.cpus is None else spec.cpus)
    memory = base.memory_mib if spec.memory_mib is None else spec.memory_mib
    _check(cpus, memory, machine)
    exact = (cpus, memory) == (base.cpus, base.memory_mib)
    return Size(base.id if exact else "custom", cpus, memory)


def _named(plan: str, on_offer: Sequence[Plan]) -> Plan:
    for one in on_offer:
        if one.id == plan:
            return one
    known = any(plan == f"local-{cpus}c-{gib}gb" for cpus, gib in _LADDER)
    names = ", ".join(one.id for one in on_offer)
    if known:
        raise QuotaExceeded(f"This machine is too small for {plan}.", advice=f"It has: {names}.", provider=PROVIDER)
    raise Invalid(f"There is no plan {plan!a} here.", advice=f"There are: {names}.", provider=PROVIDER)


def _default(on_offer: Sequence[Plan], least_mib: int) -> Plan:
    """Two cores where there are two: one core draws a desktop, but a browser on it is no pleasure."""
    enough = [one for one in on_offer if one.memory_mib >= least_mib]
    return next((one for one in enough if one.cpus >= 2), enough[0] if enough else on_offer[-1])


def _check(cpus: float, memory_mib: int, machine: Machine) -> None:
    if cpus < 0.1 or memory_mib < _LEAST_MEMORY:
        raise Invalid(
            f"No desktop runs in {cpus:g} cores and {memory_mib} MiB.",
            advice=f"Give it at least 0.1 cores and {_LEAST_MEMORY} MiB.",
            provider=PROVIDER,
        )
    if cpus > machine.cpus or memory_mib > machine.memory_mib * _SLACK:
        raise QuotaExceeded(
            f"This machine has {machine.cpus} cores and {machine.memory_mib} MiB of memory.",
            details=f"Asked for: {cpus:g} cores, {memory_mib} MiB.",
            advice="Ask for less, or see what fits: vdictl plans -p local",
            provider=PROVIDER,
        )


def _meminfo(text: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith("MemTotal:"))
    return int(line.split()[1]) // 1024
