"""Which snapshots are too many or too old, and which half-made ones nobody works on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from vdictl.core import inventory
from vdictl.core.context import Context
from vdictl.core.snapshots import Kept, Shelf, shelf


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What stays: of each desktop the newest `keep`, and what is not older than `before`; `None`: age says nothing."""

    keep: int = 0
    before: datetime | None = None

    def superfluous(self, kept: Iterable[Kept]) -> list[Kept]:
        """Those whole ones that do not stay, in the order given. Half-made ones do not count as kept."""
        groups: dict[tuple[str, str, str], list[Kept]] = {}
        for one in kept:
            if one.snapshot.complete:
                groups.setdefault(_desktop(one), []).append(one)
        staying = {id(one) for some in groups.values() for one in self._staying(some)}
        return [one for some in groups.values() for one in some if id(one) not in staying]

    def _staying(self, some: Sequence[Kept]) -> list[Kept]:
        newest = sorted(some, key=lambda one: one.snapshot.created, reverse=True)
        young = [one for one in newest if self.before is not None and one.snapshot.created >= self.before]
        return newest[: self.keep] + young


def superfluous(context: Context, rule: Rule, *, desktop: str = "", only: str = "") -> tuple[list[Kept], Shelf]:
    """The caller's snapshots that the rule gives up, and half-made ones that were given up already.

    A half-made one is in nobody's hands if its desktop has nothing open between two looks at it: what is made takes
    an open operation from its first step to its last.
    """
    first = shelf(context, only)
    mine = [one for one in first.kept if desktop in ("", one.snapshot.desktop_name)]
    found = rule.superfluous(mine)
    half = [one for one in mine if not one.snapshot.complete]
    if half:
        busy = {f.desktop.key for f in inventory.list_desktops(context, only).found if f.desktop.operation}
        still = [one.snapshot for one in shelf(context, only).kept]
        found += [one for one in half if one.snapshot in still and one.snapshot.desktop_key not in busy]
    return found, first


def _desktop(one: Kept) -> tuple[str, str, str]:
    return one.at.name, one.snapshot.owner, one.snapshot.desktop_name
