"""Mistakes in lists and nouns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tests.conformance.broken.base import Broken
from vdictl.contract.errors import Unavailable
from vdictl.contract.model import Desktop, DesktopSpec, Mark, State, Volume
from vdictl.testing.memory import convert
from vdictl.testing.memory.cloud import Raw


class ListsOtherFleets(Broken):
    """All desktops of the account are ours."""

    caught_by = "test_lists_its_own_fleet_only"
    says = "At index 0 diff"

    def _machines(self, *, all_fleets: bool = False) -> list[tuple[Raw, Mark]]:
        return super()._machines(all_fleets=True)


class ReadsTheFirstPage(Broken):
    """Ignores the second page."""

    caught_by = "test_lists_every_page"
    says = "3 were made, 2 are listed"

    def _machines(self, *, all_fleets: bool = False) -> list[tuple[Raw, Mark]]:
        found = [(raw, convert.mark_of(raw)) for raw in self.api.machines()[0]]
        return [(raw, mark) for raw, mark in found if mark and (all_fleets or mark.fleet == self.fleet)]


class HalfAList(Broken):
    """Takes what it got where a page fails."""

    caught_by = "test_half_a_list_is_no_list"
    says = "DID NOT RAISE"

    def desktops(self) -> Iterable[Desktop]:
        try:
            return super().desktops()
        except Unavailable:
            return [convert.desktop(raw, mark) for raw in self.api.machines()[0] if (mark := convert.mark_of(raw))]


class GoesByTheName(Broken):
    """Takes what is called like ours for ours."""

    caught_by = "test_foreign_things_are_left_alone"
    says = "something foreign is listed"

    def desktops(self) -> Iterable[Desktop]:
        spec = DesktopSpec(name="one", owner="suite", fleet=str(self.fleet))
        unmarked = Mark(key="", fleet=spec.fleet, owner=spec.owner, name=spec.name, spec=spec)
        machines = [raw for raw in self.api.machines()[0] if raw["name"].startswith(f"vdictl-{self.fleet}")]
        return [convert.desktop(raw | {"delivered": True}, convert.mark_of(raw) or unmarked) for raw in machines]


class NaiveTimes(Broken):
    """Gives times without a zone."""

    caught_by = "test_times_are_aware_utc"
    says = "is naive"

    def desktops(self) -> Iterable[Desktop]:
        return [replace(each, created=each.created.replace(tzinfo=None)) for each in super().desktops()]


class FloatMoney(Broken):
    """Gives prices as float."""

    caught_by = "test_money_is_decimal"
    says = "is not Decimal"

    def volumes(self, *, measure: bool = False) -> Iterable[Volume]:
        found = [(each, each.price) for each in super().volumes(measure=measure)]
        return [replace(each, price=price and replace(price, amount=float(price.amount))) for each, price in found]  # type: ignore[arg-type]


class SizesAsText(Broken):
    """Gives sizes as the vendor writes them."""

    caught_by = "test_nouns_are_sound"
    says = "memory_mib is a str, not a int"

    def plans(self) -> Any:
        return [replace(each, memory_mib=f"{each.memory_mib}M") for each in super().plans()]  # type: ignore[arg-type]


class YoungerAtEachLook(Broken):
    """Says when it was started for when it was made."""

    caught_by = "test_created_is_when_it_was_made"
    says = "age changes"

    def desktop(self, key: str) -> Desktop:
        there = super().desktop(key)
        return replace(there, created=self.api.cloud.clock.now()) if there.state is State.RUNNING else there
