"""Is what is asked now what was asked then? And which of two of one name is the desktop?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vdictl.contract.errors import Conflict
from vdictl.contract.mark import asked
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
    if not found:
        return
    lines = [f"{d.option}: asked then {d.then}, asked now {d.now}" for d in found]
    raise Conflict(
        f"The desktop {desktop.name} is there already, with another spec.",
        details="\n".join(lines),
        advice=f"Leave the option away to take it as it is, choose another name, or: vdictl destroy {desktop.name}",
        provider=desktop.provider,
    )


def elder(twins: Iterable[Desktop]) -> Desktop:
    """The one of several of one name that stays: the older one; a tie goes to the smaller id."""
    return min(twins, key=lambda desktop: (desktop.created, desktop.id))


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items()) or "nothing"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "nothing" if value is None else str(value)
