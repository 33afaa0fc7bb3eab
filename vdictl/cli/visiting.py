"""Open a desktop by the file of a share: no provider is asked, and none has to be configured."""

from __future__ import annotations

from pathlib import Path

from vdictl.cli.opening import link
from vdictl.cli.run import Run
from vdictl.connect import redirect
from vdictl.connect.probes import knock
from vdictl.contract.errors import AuthFailed, TimedOut, Unavailable
from vdictl.core import private
from vdictl.core.shares import Ticket

_SECONDS = 10.0


def visit(run: Run, file: Path, *, only_print: bool) -> None:
    """Open its page, or print the link.

    Raises:
        Invalid: it is no share. NotConfigured: others can read the file. AuthFailed: it is over or revoked.
        Unavailable: the page cannot be reached from here.
    """
    ticket = Ticket.decode(private.read(file))
    ticket.require_time(now=run.context.clock.now())
    if not only_print and ticket.url.startswith("http://"):  # what is printed may be meant for another machine
        _try(ticket)
    link(run, ticket.name, redirect.with_token(ticket.url, ticket.token), ticket.token, only_print=only_print)


def _try(ticket: Ticket) -> None:
    """A browser would only say that there is nothing; we can say why."""
    ask = "Ask who gave it to you"
    try:
        knock(ticket.endpoint, timeout=_SECONDS)
    except AuthFailed as error:
        brief = f"{ticket.name} does not take this share (any more)."
        raise AuthFailed(brief, details=error.details, advice=f"It may be revoked. {ask} for a new one.") from error
    except (Unavailable, TimedOut) as error:
        brief = f"{ticket.name} cannot be reached at {ticket.url}"
        why = f"{error.brief} {error.details}".strip()
        advice = f"{ask} whether it runs, and how this address is reached from here."
        raise Unavailable(brief, details=why, advice=advice) from error
