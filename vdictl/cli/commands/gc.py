"""`vdictl gc`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.durations import ago, seconds
from vdictl.cli.interrupting import interruptible
from vdictl.cli.leaving import tell_what_stays
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Record
from vdictl.cli.run import Run, running
from vdictl.contract.errors import Invalid, Partial
from vdictl.contract.model import Desktop
from vdictl.core import inventory, sweeping
from vdictl.core.sweeping import Found, Outcome, Rule, Waste

app = verb_app()


@app.command(cls=Listing)
def gc(
    ctx: typer.Context,
    *,
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="What is half made or has lost its desktop counts from this age on.")
    ] = "1h",
    everybody: Annotated[bool, typer.Option("--all-owners", "-A", help="Also what is not your own.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait: 15m.")] = None,
    install_timer: Annotated[bool, typer.Option("--install-timer", help="Run it again and again.")] = False,
    every: Annotated[str | None, typer.Option(metavar="TIME", help="How often; default: 15m.")] = None,
    remove_timer: Annotated[bool, typer.Option("--remove-timer", help="Do not run it any more.")] = False,
    only_print: Annotated[bool, typer.Option("--print", help="Of the timer: only show what would be written.")] = False,
) -> None:
    """Remove what should not be there: expired, half made, or without its desktop. Homes stay.

    Example: vdictl gc --dry-run

    Example: vdictl gc --install-timer --every 15m --print

    It lists first, with age and price, then asks; without a terminal it needs --yes. What another run works on is
    left alone. The timer is one of systemd's for this user, or an entry for cron where there is no systemd; what is
    written is printed first, all of it.
    """
    with running(ctx) as run:
        limit = seconds(older_than, option="--older-than")
        if install_timer and remove_timer:
            raise Invalid("--install-timer and --remove-timer are opposites; give one of them.")
        if install_timer or remove_timer:
            shown = only_print or dry_run
            _timer(run, older_than, every=every, everybody=everybody, remove=remove_timer, only_print=shown)
            return
        if only_print or every:
            raise Invalid("--print and --every are about the timer.", advice="Add --install-timer or --remove-timer.")
        rule = Rule(older_than=timedelta(seconds=limit), owner="" if everybody else run.context.owner)
        found = sweeping.find(run.context, rule, only=run.provider)
        _tell_what_is_left_alone(run, found, older_than)
        if dry_run or not found.waste:
            run.output.many(_rows(run, found, {}), COLUMNS, empty="There is nothing to remove.")
        else:
            _remove(run, found, yes=yes, timeout=run.timeout(timeout))
        found.require_complete()


def _timer(run: Run, older_than: str, *, every: str | None, everybody: bool, remove: bool, only_print: bool) -> None:
    from vdictl.cli import timing  # seldom needed

    if remove:
        timing.remove(run, only_print=only_print)
    else:
        options = ["--older-than", older_than, *(["--all-owners"] if everybody else [])]
        timing.install(run, options, every=every or "15m", only_print=only_print)


def _tell_what_is_left_alone(run: Run, found: Found, limit: str) -> None:
    if found.young:
        run.say(f"Left alone, because somebody may work on it (--older-than {limit}): {found.young} more.")
    for name in found.newer:
        run.context.progress.warn(f"{name} was made by a newer vdictl and is left alone.")


def _remove(run: Run, found: Found, *, yes: bool, timeout: float) -> None:
    if not run.output.is_data or not (yes or run.asks):
        run.output.many(_rows(run, found, {}), COLUMNS)
    run.confirm(f"Remove {'this' if len(found.waste) == 1 else f'these {len(found.waste)}'}?", yes=yes)
    with interruptible(
        "Interrupted while removing.",
        details="What has begun goes on where it is; steps that remain wait for the next run.",
        advice="Go on with it: vdictl gc",
    ):
        outcomes = sweeping.remove(run.context, found.waste, timeout=timeout)
    for one in found.waste:
        result, error = outcomes[one.at.name, one.id]
        run.context.progress.finish(one.thing.name, f"{result}: {error.brief}" if error else _WORDS[result])
    if run.output.is_data:
        run.output.many(_rows(run, found, outcomes), COLUMNS)
    gone = [one for one in found.waste if outcomes[one.at.name, one.id][0] == sweeping.REMOVED]
    tell_what_stays(
        run, [inventory.Found(one.at, one.thing) for one in gone if isinstance(one.thing, Desktop)], frozenset()
    )
    _raise(found, outcomes)


_WORDS = {
    sweeping.REMOVED: "removed",
    sweeping.GONE: "was gone already",
    sweeping.SPARED: "left alone: somebody works on it now",
}


def _raise(found: Found, outcomes: Mapping[tuple[str, str], Outcome]) -> None:
    failed = [(one, error) for one in found.waste if (error := outcomes[one.at.name, one.id][1]) is not None]
    if len(failed) == 1 == len(found.waste):
        raise failed[0][1]
    if failed:
        raise Partial(
            f"{len(failed)} of {len(found.waste)} could not be removed.",
            details="\n".join(f"{one.thing.name} ({one.at.name}): {error.brief}" for one, error in failed),
            advice="The same again goes on with them.",
        )


def _rows(run: Run, found: Found, outcomes: Mapping[tuple[str, str], Outcome]) -> list[dict[str, Any]]:
    return [_row(one, run.context.clock.now(), outcomes.get((one.at.name, one.id))) for one in found.waste]


def _row(one: Waste, now: datetime, outcome: Outcome | None) -> dict[str, Any]:
    result, error = outcome or (None, None)
    return {
        "kind": one.kind,
        "name": one.thing.name,
        "owner": one.thing.owner,
        "provider": one.at.name,
        "id": one.id,
        "since": records.plain(one.since),
        "age_seconds": int((now - one.since).total_seconds()) if one.since else None,
        "price": records.plain(one.price),
        "why": one.why,
        "result": result,
        "error": error.slug if error else None,
        "reason": error.brief if error else None,
    }


def _age(record: Record) -> str:
    now = datetime.fromisoformat(record["since"]) if record["since"] else None
    return ago(now, now=now + timedelta(seconds=record["age_seconds"])) if now else ""


def _price(record: Record) -> str:
    price = record["price"]
    return f"{price['amount']} {price['currency']}/{price['per']}" if price else ""


COLUMNS = (
    Column("KIND", lambda r: str(r["kind"])),
    Column("NAME", lambda r: str(r["name"])),
    Column("OWNER", lambda r: str(r["owner"])),
    Column("PROVIDER", lambda r: str(r["provider"])),
    Column("AGE", _age, right=True),
    Column("PRICE", _price, right=True, optional=True),
    Column("WHY", lambda r: str(r["why"]), wraps=True),
)
