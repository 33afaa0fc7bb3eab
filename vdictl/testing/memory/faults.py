"""The faults that the cloud in memory can have, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

#: Name -> what happens.
FAULTS: Final[Mapping[str, str]] = {
    "unavailable": "the call is refused (503) and nothing is done; after `times` calls it works again",
    "reply-lost": "the call is done, and its reply is lost",
    "rate-limited": "the call is refused (429), `value` seconds of patience are asked for",
    "auth-failed": "the call is refused (401)",
    "quota": "a create is refused (403, quota)",
    "page-cut": "the second page of a list fails",
    "stale-list": "for `value` seconds lists show what was there before",
    "slow": "the call takes `value` seconds",
    "two-at-once": "somebody else changes the machine just before the call does",
    "never-ready": "the next machine runs, but its display never answers",
    "delete-late": "the next machine takes `value` seconds longer to go",
    "build-fails": "the next build of an image fails",
}
_DEFAULT_VALUE: Final[Mapping[str, float]] = {"rate-limited": 2.0, "stale-list": 3.0, "slow": 5.0, "delete-late": 30.0}
_ON_CREATE: Final = {"quota": "create_machine", "never-ready": "create_machine"}
_MEANT_FOR: Final = {**_ON_CREATE, "delete-late": "delete_machine", "build-fails": "build_image"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault to come: `times` calls that match `on` ("any", "read", "write", or how the call's name begins)."""

    name: str
    on: str = "any"
    times: int = 1
    value: float = 0.0
    since: float = 0.0

    @classmethod
    def make(cls, name: str, on: str = "any", times: int = 1, value: float | None = None) -> Fault:
        """Check the name, and fill in what is usual.

        Raises:
            ValueError: no such fault.
        """
        if name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(sorted(FAULTS))}")
        usual = _DEFAULT_VALUE.get(name, 0.0)
        return cls(name=name, on=on or "any", times=times, value=usual if value is None else value)

    def meets(self, call: str, kind: str) -> bool:
        """Does it happen in this call?"""
        if self.name in _MEANT_FOR:
            return call == _MEANT_FOR[self.name]
        if self.name == "stale-list":
            return False  # it lasts, and is asked for by `lasting`
        if self.name == "page-cut":
            return call.endswith("+next")
        if self.name == "two-at-once":
            return kind == "write" and call.endswith("_machine") and call != "create_machine"
        return self.on in {"any", kind} or call.startswith(self.on)

    def as_dict(self) -> dict[str, Any]:
        """For the state."""
        return asdict(self)


def parse(text: str) -> list[Fault]:
    """Read "reply-lost:create:1,slow:list:1:3" (the setting `faults`).

    Raises:
        ValueError: a part is not understood.
    """
    faults = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, on, times, value = [*part.split(":"), "", "", ""][:4]
        faults.append(Fault.make(name, on, int(times or 1), float(value) if value else None))
    return faults


def take(state: dict[str, Any], call: str, kind: str, *, only: frozenset[str]) -> Fault | None:
    """Take the first fault of `only` that this call meets, and count it down."""
    for number, entry in enumerate(state["faults"]):
        fault = Fault(**entry)
        if fault.name in only and fault.meets(call, kind):
            entry["times"] -= 1
            if entry["times"] <= 0:
                del state["faults"][number]
            return fault
    return None


def lasting(state: dict[str, Any], now: float) -> float | None:
    """The moment (epoch seconds) at which lists have stopped, if they are stale now."""
    for entry in state["faults"]:
        if entry["name"] == "stale-list" and entry["since"] <= now < entry["since"] + entry["value"]:
            return float(entry["since"])
    return None
