"""Is a desktop usable by now? Asked at every beat while somebody waits for it; delivers its inputs on the way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from vdictl.contract.errors import Partial, TimedOut, VdictlError
from vdictl.contract.mark import inputs_digest
from vdictl.contract.model import Desktop, DesktopSpec, Health
from vdictl.core import inputs as core_inputs
from vdictl.core.context import Context
from vdictl.core.health import Ladder, Probes
from vdictl.core.inputs import Inputs
from vdictl.core.registry import Opened


@dataclass
class Usability:
    """Asks for one desktop. `health` is what was seen last."""

    context: Context
    at: Opened
    probes: Probes
    spec: DesktopSpec | None = None  #: what was asked, where a list does not tell it
    inputs: Inputs | None = None  #: what this machine can deliver
    health: Health | None = None
    _delivered: bool = False

    def reached(self, desktop: Desktop) -> bool:
        """Whether a person could work now, or it has no endpoint at all. The desktop runs and has no open operation.

        Raises:
            VdictlError: waiting will not heal it. Unavailable: it does not answer yet.
            Partial: it waits for inputs that this machine lacks, or cannot be looked into from here.
        """
        self.inputs_are_there(desktop)
        self.health = health = self.ladder.climb(desktop, to_the_end=False)
        failing = health.failing
        if failing is not None and failing.fatal:
            setup = " --setup" if failing.name == "first boot" else ""
            advice = f"See what it says: vdictl logs {desktop.name}{setup}"
            raise VdictlError(f"{desktop.name}: {failing.name}: {failing.detail}", advice=advice, provider=self.at.name)
        if failing is not None:
            self.context.progress.step(desktop.name, f"waiting for: {failing.name}")
        if health.usable is None and health.rungs[-1].ok is None:
            raise unseen(desktop, self.at)
        return health.usable is not False

    def inputs_are_there(self, desktop: Desktop) -> bool:
        """Deliver what the first boot waits for, once. True, or it raises.

        Raises:
            Partial: this machine does not have them. Unavailable: the guest does not answer yet.
        """
        spec = desktop.spec or self.spec
        if self._delivered or spec is None or not inputs_digest(spec):
            return True
        seen = self.ladder.inside(desktop) or {}
        if (seen.get("inputs") or {}).get("state") == "waiting":
            self.context.progress.step(desktop.name, "delivering its inputs")
            core_inputs.deliver(self.at, desktop, spec, self.inputs)
        self._delivered = True
        return True

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder it climbs."""
        return Ladder(self.at, self.probes, self.context.clock)

    def with_evidence(self, error: VdictlError) -> VdictlError:
        """A time-out tells which rung it waited for."""
        if isinstance(error, TimedOut) and self.health and (rung := self.health.failing):
            error.details = f"{error.details}\nIt waits for: {rung.name}: {rung.detail}".strip()
        return error


def unseen(desktop: Desktop, at: Opened) -> Partial:
    """The error that says that nobody can look from here."""
    return Partial(
        f"{desktop.name} runs, and from here nobody can see whether it is usable.",
        advice="Look from the machine that made it.",
        provider=at.name,
    )
