"""What is on offer, on all configured providers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vdictl.contract.capabilities import SupportsCatalogue
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Plan, Price
from vdictl.core.context import Context
from vdictl.core.everywhere import ask
from vdictl.core.fanout import require_all

#: Hours of a month as clouds bill it (730 = 365 * 24 / 12), to compare prices by the month with those by the hour.
HOURS_OF_A_MONTH = 730


@dataclass(frozen=True)
class Offer:
    """A plan and the provider that has it."""

    provider: str
    plan: Plan


@dataclass(frozen=True)
class Offers:
    """Plans, cheapest first, and which providers could not be asked."""

    offers: Sequence[Offer]
    failures: Mapping[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)


def list_plans(context: Context, only: str = "") -> Offers:
    """All plans, cheapest first: first what costs nothing, then by price (currency by currency), then the unknown.

    Equal prices go by size. A provider whose desktops cost nothing says so by `kept_costs = False` and no price.
    """
    told = ask(context, only, SupportsCatalogue, lambda able: able.plans(), to="list plans")
    offers = [Offer(name, plan) for name, plans in told.given.items() for plan in plans]
    context.lexicon.keep("plan", {name: [("", plan.id) for plan in plans] for name, plans in told.given.items()})
    free = {name for name in told.given if not context.open(name).manifest.kept_costs}
    return Offers(sorted(offers, key=lambda offer: _order(offer, offer.provider in free)), told.failures)


def per_hour(price: Price) -> Decimal:
    """The price as that of an hour."""
    return price.amount / HOURS_OF_A_MONTH if price.per == "month" else price.amount


def _order(offer: Offer, free: bool) -> tuple[object, ...]:
    plan = offer.plan
    size = (plan.gpu, plan.cpus, plan.memory_mib, plan.disk_gib or 0, offer.provider, plan.id)
    if plan.price is None:
        return (0 if free else 2, "", Decimal(0), *size)
    return (1, plan.price.currency, per_hour(plan.price), *size)
