"""What is to be changed of a desktop: which end, which labels, which size. Decisions; `operating` carries them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from vdictl.contract.capabilities import SupportsCatalogue
from vdictl.contract.errors import Conflict, VdictlError
from vdictl.contract.mark import SIZE
from vdictl.contract.model import NEVER, Desktop, DesktopSpec, Plan
from vdictl.core.bulk import Outcomes, each_provider
from vdictl.core.clock import Deadline
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.inventory import Found, desktops_of
from vdictl.core.operating import Operator
from vdictl.core.registry import Opened
from vdictl.core.retry import again

_SIZES = ("cpus", "memory_mib", "disk_gib")


@dataclass(frozen=True, kw_only=True)
class End:
    """When desktops are to end: `at`, or (`least`) not before so much time has passed."""

    at: datetime | None = None
    least: timedelta | None = None

    def of(self, desktop: Desktop, *, now: datetime) -> datetime | None:
        """The end to write; `None`: the one it has is as good.

        With `least` an end never comes nearer: who has more time, or no end at all, keeps it.
        """
        there = desktop.expires
        wanted = self.at if self.least is None else (now + self.least).replace(microsecond=0)
        if wanted is None or (self.least is not None and (there is None or there >= wanted)):
            return None
        return None if wanted == (NEVER if there is None else there) else wanted


def extend(context: Context, found: Sequence[Found], end: End, *, timeout: float) -> Outcomes:
    """Move the end of each. One that fails does not stop the others."""

    def change(operator: Operator, desktop: Desktop) -> None:
        wanted = end.of(desktop, now=context.clock.now())
        if wanted is not None:
            operator.remark(desktop, "extend", expires=wanted)

    return _each(context, found, change, timeout=timeout)


def label(context: Context, found: Sequence[Found], labels: Mapping[str, str | None], *, timeout: float) -> Outcomes:
    """Set labels of each, and take those away that are `None`. One that fails does not stop the others."""

    def change(operator: Operator, desktop: Desktop) -> None:
        if any(desktop.labels.get(key) != value for key, value in labels.items()):
            operator.remark(desktop, "label", labels=labels)

    return _each(context, found, change, timeout=timeout)


def rename(context: Context, found: Found, name: str, *, timeout: float) -> Desktop:
    """Give it another name; its own is as good.

    Raises:
        Conflict: another desktop of its owner has it.
    """
    operator = Operator(context, found.at, timeout=timeout)
    desktop = operator.settle(found.desktop)
    if name == desktop.name:
        return desktop
    taken = [d for d in desktops_of(context, found.at) if (d.owner, d.name) == (desktop.owner, name)]
    if taken:
        raise Conflict(
            f"There is a desktop called {name} already.",
            details=f"Its key is {taken[0].key}.",
            advice="Choose another name.",
            provider=found.at.name,
        )
    return operator.remark(desktop, "rename", name=name)


@dataclass(frozen=True, kw_only=True)
class Size:
    """A size as it is asked for: a plan, or at least so much of each."""

    plan: str | None = None
    cpus: float | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None


def sized(context: Context, at: Opened, desktop: Desktop, size: Size) -> DesktopSpec:
    """What to ask for. A plan replaces what was asked; of single amounts those that are not named stay as they are.

    Raises:
        Conflict: what was asked of the desktop cannot be read.
    """
    spec = desktop.spec
    if spec is None:
        raise Conflict(f"What was asked of {desktop.name} cannot be read.", provider=at.name)
    if size.plan:
        return replace(spec, plan=size.plan, cpus=size.cpus, memory_mib=size.memory_mib, disk_gib=size.disk_gib)
    plan = _plan(context, at, desktop.plan)
    kept = {name: getattr(spec, name) for name in _SIZES}
    if plan is not None:
        kept |= {"cpus": kept["cpus"] or plan.cpus, "memory_mib": kept["memory_mib"] or plan.memory_mib}
    named = {name: getattr(size, name) for name in _SIZES if getattr(size, name) is not None}
    given: dict[str, Any] = {"plan": None, **kept, **named}
    return replace(spec, **given)


def is_resized(spec: DesktopSpec, wanted: DesktopSpec) -> bool:
    """Whether `wanted` asks for another size."""
    return any(getattr(spec, name) != getattr(wanted, name) for name in SIZE)


def _plan(context: Context, at: Opened, name: str) -> Plan | None:
    if not at.can(SupportsCatalogue):
        return None
    able = at.need(SupportsCatalogue, to="list plans")
    deadline = Deadline(context.clock, CALL_SECONDS)
    plans = again(lambda: list(able.plans()), clock=context.clock, deadline=deadline)
    return next((plan for plan in plans if plan.id == name), None)


def _each(
    context: Context, found: Sequence[Found], change: Callable[[Operator, Desktop], None], *, timeout: float
) -> Outcomes:
    def job(at: Opened, desktops: list[Desktop]) -> Outcomes:
        outcomes: dict[str, VdictlError | None] = {}
        operator = Operator(context, at, timeout=timeout)
        for desktop in desktops:
            try:
                change(operator, operator.settle(desktop))  # what a killed run began is a part of what is wanted
            except VdictlError as error:
                outcomes[desktop.key] = error
            else:
                outcomes[desktop.key] = None
        return outcomes

    return each_provider(found, job, timeout=timeout)
