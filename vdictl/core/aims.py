"""What can be waited for: running, usable, stopped, parked, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from vdictl.contract.errors import Conflict, NotFound, VdictlError
from vdictl.contract.model import Desktop, State
from vdictl.core.bulk import Outcomes, each_provider
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.creating import has_failed
from vdictl.core.following import Follower
from vdictl.core.health import Probes
from vdictl.core.inventory import Found
from vdictl.core.operating import is_leaving
from vdictl.core.registry import Opened
from vdictl.core.usability import Usability


class Aim(StrEnum):
    """Where a desktop should get to."""

    RUNNING = "running"
    USABLE = "usable"
    STOPPED = "stopped"
    PARKED = "parked"
    DELETED = "deleted"


_STATES = {Aim.STOPPED: State.STOPPED, Aim.PARKED: State.PARKED}


class Watch:
    """Tells whether one desktop has got there: a `core.following.Goal`."""

    def __init__(self, aim: Aim, usability: Usability, name: str) -> None:
        """`usability` is asked only where the aim is that."""
        self._aim, self._usability, self._name = aim, usability, name

    def __call__(self, now: Desktop | None) -> bool:
        """See `core.following.Goal`.

        Raises:
            NotFound: it is gone. Conflict: it is being destroyed, or has failed. What `Usability.reached` raises.
        """
        if self._aim is Aim.DELETED:
            return now is None
        if now is None:
            raise NotFound(f"{self._name} was removed by somebody else.")
        if is_leaving(now):
            advice = f"Wait for that: vdictl wait {self._name} --for deleted"
            raise Conflict(f"{self._name} is being destroyed.", advice=advice, provider=now.provider)
        if now.state is State.FAILED and not now.due:
            raise has_failed(now)
        if now.operation is not None or now.state is not _STATES.get(self._aim, State.RUNNING):
            return False
        return self._aim is not Aim.USABLE or self._usability.reached(now)

    def explain(self, error: VdictlError | None) -> VdictlError | None:
        """The error with the rung that it waited for."""
        return self._usability.with_evidence(error) if error else None


def wait_for(context: Context, found: Sequence[Found], aim: Aim, *, probes: Probes, timeout: float) -> Outcomes:
    """Until each has got there, all providers at once; what is half made is finished on the way."""

    def job(at: Opened, desktops: list[Desktop]) -> Outcomes:
        follower = Follower(context, at, Deadline(context.clock, timeout))
        watches: dict[str, Watch] = {}
        for desktop in desktops:
            usability = Usability(context, at, probes, spec=desktop.spec)
            watches[desktop.key] = Watch(aim, usability, desktop.name)
            follower.add(desktop, watches[desktop.key])
        return {key: watches[key].explain(error) for key, error in follower.run().items()}

    return each_provider(found, job, timeout=timeout)
