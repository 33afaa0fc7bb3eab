"""The ladder from "it exists" to "a person could work", rung by rung.

What looks from outside (handshake, frame, page) is handed in; what looks from inside is the guest's own probe, run by
the provider's `exec`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from vdictl.contract.capabilities import SupportsExec
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Command, Desktop, Endpoint, Health, Rung, State
from vdictl.core import running
from vdictl.core.clock import Clock
from vdictl.core.doors import tunnel_to
from vdictl.core.registry import Opened

LOOK_SECONDS = 10.0  #: the time limit of one look


class Probes(Protocol):
    """Looks at an endpoint from here. Never raises what is not a `VdictlError`; never takes longer than `timeout`."""

    def rfb(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> tuple[Rung, Rung]:
        """The rungs "handshake" and "frame"."""
        ...

    def page(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> Rung:
        """The rung "page": it answers behind its login, and refuses without."""
        ...


@dataclass(frozen=True)
class Ladder:
    """Climbs for one provider."""

    at: Opened
    probes: Probes
    clock: Clock
    known: dict[str, Sequence[Endpoint]] = field(default_factory=dict)  #: by key: asking for them may be slow

    def climb(self, desktop: Desktop, *, to_the_end: bool = True) -> Health:
        """Look at every rung. With `to_the_end=False` stop at the first that fails: quicker, while waiting."""
        runs = _runs(desktop)
        rungs = [Rung(name="exists", ok=True, detail=desktop.id), runs]
        if not runs.ok:
            return Health(usable=False, rungs=tuple(rungs))
        try:
            endpoints = self.endpoints(desktop)
        except VdictlError as error:
            return Health(usable=False, rungs=(*rungs, Rung(name="endpoints", ok=False, detail=error.brief)))
        if not endpoints:
            return Health(usable=None, rungs=tuple(rungs))
        looks = self._looks(desktop, endpoints)
        for name, look in looks:
            seen = self._timed(name, look)
            rungs += seen
            if not to_the_end and any(rung.ok is False for rung in seen):
                break
        if any(rung.ok is False and rung.name in {"handshake", "page"} for rung in rungs):
            self.known.pop(desktop.key, None)  # they may be others by now
        return Health(usable=_verdict(rungs), rungs=tuple(sorted(rungs, key=lambda rung: ORDER.index(rung.name))))

    def endpoints(self, desktop: Desktop) -> Sequence[Endpoint]:
        """The ways in; asked for once, and again after one of them has failed."""
        if desktop.key not in self.known:
            self.known[desktop.key] = list(self.at.provider.endpoints(desktop))
        return self.known[desktop.key]

    def _looks(self, desktop: Desktop, endpoints: Sequence[Endpoint]) -> list[tuple[str, Callable[[], Sequence[Rung]]]]:
        """Quickest evidence first; `climb` sorts the rungs afterwards."""
        looks: list[tuple[str, Callable[[], Sequence[Rung]]]] = []
        for endpoint in endpoints:
            tunnel = tunnel_to(self.at, desktop, endpoint)
            if endpoint.kind == "vnc":
                looks.append(("handshake", partial(self.probes.rfb, endpoint, tunnel, timeout=LOOK_SECONDS)))
            if endpoint.kind == "http":
                looks.append(("page", partial(self._page, endpoint, tunnel)))
        looks.sort(key=lambda look: look[0])  # handshake, then page
        looks.insert(1, ("display", lambda: _inside_rungs(self.inside(desktop))))
        return looks

    def inside(self, desktop: Desktop) -> Mapping[str, Any] | None:
        """What the guest's probe says; `None`: this provider gives no way in."""
        if not self.at.can(SupportsExec):
            return None
        command = self.at.need(SupportsExec, to="look inside").exec(desktop, ["vdictl-guest", "probe", "--json"])
        return running.answer(command, timeout=LOOK_SECONDS)

    def _page(self, endpoint: Endpoint, tunnel: Command | None) -> Sequence[Rung]:
        return [self.probes.page(endpoint, tunnel, timeout=LOOK_SECONDS)]

    def _timed(self, name: str, look: Callable[[], Sequence[Rung]]) -> list[Rung]:
        begun = self.clock.monotonic()
        try:
            rungs = look()
        except VdictlError as error:
            rungs = [Rung(name=name, ok=False, detail=f"{error.brief} {error.details}".strip())]
        took = self.clock.monotonic() - begun
        return [rung if rung.seconds is not None else replace(rung, seconds=took) for rung in rungs]


ORDER = ("exists", "runs", "endpoints", "display", "handshake", "window manager", "frame", "page", "first boot")


def _runs(desktop: Desktop) -> Rung:
    running_now = desktop.state is State.RUNNING and desktop.operation is None
    detail = desktop.reason or desktop.doing or desktop.state.value
    return Rung(name="runs", ok=running_now, detail=detail, fatal=desktop.state is State.FAILED)


def _inside_rungs(seen: Mapping[str, Any] | None) -> list[Rung]:
    """The guest's answers as rungs; a part that is null does not exist in this flavor."""
    if seen is None:
        return [Rung(name="display", ok=None, detail="cannot be looked at from here")]
    rungs = [
        Rung(name=name.replace("_", " "), ok=bool(seen[name].get("ok")), detail=str(seen[name].get("detail", "")))
        for name in ("display", "window_manager")
        if seen.get(name)
    ]
    inputs = seen.get("inputs") or {}
    if inputs.get("state", "none") != "none":
        failed = inputs.get("state") == "failed"
        detail = str(inputs.get("detail", inputs["state"]))
        rungs.append(Rung(name="first boot", ok=bool(inputs.get("ok")), detail=detail, fatal=failed))
    return rungs


def _verdict(rungs: Sequence[Rung]) -> bool | None:
    if any(rung.ok is False for rung in rungs):
        return False
    return None if any(rung.ok is None for rung in rungs) else True
