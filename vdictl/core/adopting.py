"""Take machines that were made without vdictl."""

from __future__ import annotations

from vdictl.contract.capabilities import SupportsAdopt
from vdictl.contract.errors import Conflict
from vdictl.contract.model import Desktop, DesktopSpec, Machine
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.inventory import desktops_of
from vdictl.core.operating import new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again, again_with_token

_TO = "adopt machines"


def machines(context: Context, at: Opened, *, timeout: float) -> list[Machine]:
    """Those of the account that nobody's vdictl has made or taken, oldest first."""
    able = at.need(SupportsAdopt, to=_TO)
    deadline = Deadline(context.clock, timeout)
    found = again(lambda: list(able.machines()), clock=context.clock, deadline=deadline)
    return sorted(found, key=lambda machine: (machine.created, machine.id))


def adopt(context: Context, at: Opened, machine: str, spec: DesktopSpec, *, timeout: float) -> Desktop:
    """Write a mark on it.

    Raises:
        NotFound: there is no such machine. Conflict: it is a desktop already, or the name is taken.
    """
    able, token = at.need(SupportsAdopt, to=_TO), new_token()
    if any((d.owner, d.name) == (spec.owner, spec.name) for d in desktops_of(context, at)):
        raise Conflict(
            f"There is a desktop called {spec.name} already.",
            advice="Say another name: vdictl adopt ID NAME",
            provider=at.name,
        )
    deadline = Deadline(context.clock, timeout)
    with context.journal.operation("adopt", token=token, key=token, name=spec.name, provider=at.name):
        return again_with_token(lambda: able.adopt(machine, spec, token=token), clock=context.clock, deadline=deadline)
