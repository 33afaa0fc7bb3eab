"""Is what is asked now what was asked then? And which of two of one name is the desktop?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vdictl.contract.errors import Conflict
from vdictl.contract.mark import SIZE, asked
from vdictl.contract.model import Desktop, DesktopSpec


@dataclass(frozen=True)
class Difference:
    """One option that was asked differently."""

    option: str
    then: str
    now: str


def differences(then: DesktopSpec, now: DesktopSpec) -> list[Difference]:
    """The options given now that differ from what was asked then.

    What is not given now does not count, nor do expiry and labels, nor anything that was resolved later.
    """
    before, after = asked(then), asked(now)
    return [Difference(k, _show(before.get(k)), _show(v)) for k, v in after.items() if before.get(k) != v]


def require_same(desktop: Desktop, now: DesktopSpec) -> None:
    """Raise Conflict with the differences, if there are any."""
    found = differences(desktop.spec, now) if desktop.spec else []
    # A home that was not named is called as the desktop: to name just that one asks for nothing else.
    found = [each for each in found if each.option != "home" or now.home != desktop.home]
    if not found:
        return
    name, resizable = desktop.name, all(difference.option in SIZE for difference in found)
    change = f"change its size: vdictl resize {name}" if resizable else "choose another name"
    raise Conflict(
        f"The desktop {name} is there already, with another spec.",
        details=as_table(found),
        advice=f"Leave the option away to take it as it is, {change}, or: vdictl destroy {name}",
        provider=desktop.provider,
    )


def as_table(found: Sequence[Difference]) -> str:
    """Differences as lines of a table."""
    rows = [("option", "asked then", "asked now"), *((d.option, d.then, d.now) for d in found)]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{option:<{wide[0]}}  {then:<{wide[1]}}  {now}" for option, then, now in rows)


def elder(twins: Iterable[Desktop]) -> Desktop:
    """The one of several of one name that stays: the older one; a tie goes to the smaller id."""
    return min(twins, key=lambda desktop: (desktop.created, desktop.id))


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "nothing" if value is None else str(value)
