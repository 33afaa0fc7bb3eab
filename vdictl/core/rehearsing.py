"""What a create would do, found out without changing anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vdictl.contract.capabilities import SupportsCatalogue, SupportsImages
from vdictl.contract.errors import Conflict, Invalid, NotFound, QuotaExceeded, Unsupported
from vdictl.contract.model import Desktop, DesktopSpec, Plan, Price
from vdictl.core.context import Context
from vdictl.core.creating import Move, next_move
from vdictl.core.inventory import desktops_of
from vdictl.core.registry import Opened
from vdictl.core.sameness import elder

_NO_VOLUME = ("none", "ephemeral")


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What would be done."""

    move: Move
    at: Opened
    desktop: Desktop | None  #: the one that is there
    plan: str  #: empty: the provider decides when it makes it
    price: Price | None
    builds: bool  #: an image would have to be built first


def rehearse(context: Context, at: Opened, spec: DesktopSpec) -> Rehearsal:
    """Look at what is there and on offer.

    Raises:
        Conflict: it is there with another spec, has failed, or its home is in use.
        NotFound: there is no such plan. QuotaExceeded: it is sold out. Unsupported: no plan is that large.
        Invalid: there is no such flavor.
    """
    there = [d for d in desktops_of(context, at) if d.owner == spec.owner]
    twins = [d for d in there if d.name == spec.name]
    desktop = elder(twins) if twins else None
    if desktop is not None and desktop.spec is None:
        desktop = at.provider.desktop(desktop.key)
    move = next_move(desktop, spec)
    if desktop is not None and move is not Move.REPLACE:
        return Rehearsal(move=move, at=at, desktop=desktop, plan=desktop.plan, price=desktop.price, builds=False)
    builds = _builds(at, spec)
    plan = _plan(at, spec)
    _require_free_home(spec, [d for d in there if d.name != spec.name])
    return Rehearsal(
        move=move,
        at=at,
        desktop=desktop,
        plan=plan.id if plan else "",
        price=plan.price if plan else None,
        builds=builds,
    )


def _plan(at: Opened, spec: DesktopSpec) -> Plan | None:
    """The plan that was asked for, or the first that is as large as was asked; `None`: the provider's own choice."""
    sizes = (spec.cpus, spec.memory_mib, spec.disk_gib, spec.gpu)
    if not at.can(SupportsCatalogue) or (spec.plan is None and not any(sizes)):
        return None
    plans = list(at.need(SupportsCatalogue, to="list plans").plans())
    if spec.plan is not None:
        found = [plan for plan in plans if plan.id == spec.plan]
        if not found:
            raise NotFound(
                f"{at.name} has no plan {spec.plan!a}.", advice=f"See what there is: vdictl plans -p {at.name}"
            )
        return _in_stock(found, at)
    fitting = [plan for plan in plans if _fits(plan, spec)]
    if not fitting:
        raise Unsupported(
            f"No plan of {at.name} is that large.", advice=f"See what there is: vdictl plans -p {at.name}"
        )
    return _in_stock(fitting, at)


def _in_stock(plans: Iterable[Plan], at: Opened) -> Plan:
    for plan in plans:
        if plan.available is not False:
            return plan
    raise QuotaExceeded(f"{at.name} has no such plan in stock now.", advice=f"See: vdictl plans -p {at.name}")


def _fits(plan: Plan, spec: DesktopSpec) -> bool:
    return (
        plan.cpus >= (spec.cpus or 0)
        and plan.memory_mib >= (spec.memory_mib or 0)
        and (plan.disk_gib is None or plan.disk_gib >= (spec.disk_gib or 0))
        and plan.gpu >= (spec.gpu or 0)
    )


def _require_free_home(spec: DesktopSpec, others: Iterable[Desktop]) -> None:
    name = spec.home or spec.name
    for other in others:
        if name not in _NO_VOLUME and other.home == name:
            raise Conflict(
                f"The home {name} is in use by the desktop {other.name}.",
                advice=f"Choose another with --home, or: vdictl destroy {other.name}",
                provider=other.provider,
            )


def _builds(at: Opened, spec: DesktopSpec) -> bool:
    if not at.can(SupportsImages):
        return bool(spec.packages)
    wanted = spec.image or spec.flavor
    images = list(at.need(SupportsImages, to="list images").images())
    flavors = [image.name for image in images if image.kind == "flavor"]
    if flavors and spec.flavor and spec.flavor not in flavors:
        there = f"There are: {', '.join(flavors)}."
        raise Invalid(f"{at.name} has no flavor {spec.flavor!a}.", details=there, provider=at.name)
    if spec.packages:
        return True  # at most: an image with just these packages may be there
    return any(not image.ready and wanted in (image.id, image.name) for image in images)
