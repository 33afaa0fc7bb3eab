"""`vdictl share`."""

from __future__ import annotations

import ipaddress
import sys
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from vdictl.cli import orders, records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago, length, seconds
from vdictl.cli.groups import group_with
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Record
from vdictl.cli.run import Run, running
from vdictl.cli.targets import one
from vdictl.contract.errors import Invalid, NotFound, VdictlError
from vdictl.contract.model import Desktop
from vdictl.core import shares
from vdictl.core.inventory import Found
from vdictl.core.journal import Account
from vdictl.core.operating import new_token
from vdictl.core.private import Draft
from vdictl.core.shares import Share, Ticket

app = verb_app(
    cls=group_with("create"),
    no_args_is_help=True,
    help="Let somebody open one desktop who has no keys: make, list and revoke shares."
    "\n\n`vdictl share NAME` is short for `vdictl share create NAME`.",
)
SUFFIX = ".vdictl-share"


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The desktop; default: the only one.")] = None,
    *,
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="For how long, like 30m or 2d.")] = "8h",
    file: Annotated[
        Path | None,
        typer.Option("--output-file", metavar="FILE", help=f"Where to; default: NAME{SUFFIX}. - is stdout."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a file with which somebody who has no keys opens this one desktop: vdictl connect FILE.

    Example: vdictl share desktop --for 8h --output-file for-ann.vdictl-share

    The file is a secret, with mode 0600: give it to nobody else. It opens the page, as the desktop's user, until its
    time is over or it is revoked. Where the page cannot be reached from outside it is exit 6, with the reason.
    """
    wanted = seconds(lasts, option="--for")
    with running(ctx) as run:
        found = one(run, name)
        url = shares.page_of(found.at, found.desktop)
        to_stdout = file is not None and str(file) == "-"
        target = file or Path(f"{found.desktop.name}{SUFFIX}")
        with (
            _told(run, "share", found) as account,
            nullcontext() if to_stdout else Draft(target, replace=force) as draft,
        ):
            share, ticket = shares.make(found.at, found.desktop, url, seconds=wanted, by=run.context.owner)
            account.step(f"share {share.id}")
            try:
                _hand_over(run, ticket, draft)
            except BaseException:
                with suppress(VdictlError):  # nobody has it: it ends by itself too
                    shares.revoke(found.at, found.desktop, [share.id])
                raise
        _tell(run, found.desktop, ticket)
        if draft is not None:
            record = {**_record(found.desktop, share), "file": str(target), "url": url}
            run.output.words(record, [str(target)])


@app.command("list", cls=Listing)
def list_(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="The desktop; default: the only one.")] = None,
) -> None:
    """List the shares of a desktop that hold.

    Example: vdictl share list desktop -o json
    """
    with running(ctx) as run:
        found = one(run, name)
        there = shares.listed(found.at, found.desktop)
        empty = f"{found.desktop.name} is not shared. Share it: vdictl share {found.desktop.name}"
        run.output.many([_record(found.desktop, share) for share in there], _columns(run), empty=empty)


@app.command()
def revoke(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The desktop.")],
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Which: see vdictl share list.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All shares of the desktop.")] = False,
) -> None:
    """Take shares back. What they have open ends within a second.

    Example: vdictl share revoke desktop --all
    """
    wanted = list(dict.fromkeys(ids or ()))
    if bool(wanted) == everything:
        raise Invalid("Which share? Name ids, or say --all.", advice=f"See them: vdictl share list {ascii(name)[1:-1]}")
    if bad := [id for id in wanted if not (id.isascii() and id.isalnum())]:
        raise Invalid(f"{bad[0][:40]!a} cannot be the id of a share.")
    with running(ctx) as run:
        found = one(run, name)
        there = {share.id: share for share in shares.listed(found.at, found.desktop)}
        if missing := [id for id in wanted if id not in there]:
            details = f"There are: {', '.join(there)}." if there else "There are none."
            raise NotFound(f"{name} has no share {missing[0]}.", details=details)
        with _told(run, "share-revoke", found) as account:
            gone = shares.revoke(found.at, found.desktop, None if everything else wanted)
            account.step(f"taken back: {', '.join(gone) or 'none'}")
        run.say(f"{len(gone)} revoked." if gone else "There was none.")
        if run.output.is_data:
            run.output.many([_record(found.desktop, there[id]) for id in gone if id in there], [])


def _told(run: Run, verb: str, found: Found) -> AbstractContextManager[Account]:
    """Around what is done: the journal tells of it."""
    desktop = found.desktop
    return run.context.journal.operation(
        verb, token=new_token(), key=desktop.key, name=desktop.name, provider=found.at.name
    )


def _hand_over(run: Run, ticket: Ticket, draft: Draft | None) -> None:
    if draft is not None:
        draft.finish(ticket.encode())
        return
    from vdictl.cli.opening import hide  # only where a secret is printed

    hide(run, ticket.token)
    sys.stdout.write(ticket.encode())
    sys.stdout.flush()


def _tell(run: Run, desktop: Desktop, ticket: Ticket) -> None:
    """What whoever gets it, and whoever gives it, should know."""
    until = ticket.until.astimezone(UTC)
    run.say(f"It opens {desktop.name} until {until:%Y-%m-%d %H:%M} UTC: vdictl connect FILE. It is a secret.")
    if desktop.expires and desktop.expires < ticket.until:
        run.say(f"The desktop itself ends before: {desktop.expires:%Y-%m-%d %H:%M} UTC.")
    run.say(f"Take it back: vdictl share revoke {desktop.name} {ticket.id}")
    parts = urlsplit(ticket.url)
    if _is_loopback(parts.hostname or ""):
        near = f"ssh -N -L {parts.port}:{parts.hostname}:{parts.port} THIS-MACHINE"
        run.say(f"The page is on this machine's loopback. From elsewhere it opens while this runs there: {near}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _record(desktop: Desktop, share: Share) -> Record:
    return {"name": desktop.name} | records.of(share)


def _columns(run: Run) -> list[Column]:
    now = run.context.clock.now()

    def left(record: Record) -> str:
        return length((datetime.fromisoformat(record["until"]) - now).total_seconds())

    return [
        Column("ID", lambda r: str(r["id"])),
        Column("DESKTOP", lambda r: str(r["name"])),
        Column("BY", lambda r: str(r["by"])),
        Column("AGE", lambda r: ago(datetime.fromisoformat(r["created"]), now=now), right=True, order=orders.age),
        Column(
            "LEFT",
            lambda r: length((datetime.fromisoformat(r["until"]) - now).total_seconds()),
            right=True,
            order=orders.field("until"),
        ),
    ]
