"""Which desktop a verb means, and what verbs that change one say of it afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vdictl.cli import asking, records
from vdictl.cli.output import Column, Record
from vdictl.cli.probes import LateProbes
from vdictl.cli.run import Run
from vdictl.contract.errors import Invalid, Partial, VdictlError
from vdictl.contract.mark import check_name
from vdictl.contract.model import Desktop
from vdictl.core import bulk, inventory
from vdictl.core.aims import Aim, wait_for
from vdictl.core.bulk import WILD, Chosen, Outcomes, Selection
from vdictl.core.inventory import Found


def one(run: Run, name: str | None) -> Found:
    """The desktop of this name; without a name, the only one."""
    if name is not None:
        check_name("desktop", name)
    return inventory.find(run.context, name, only=run.provider)


def selection(names: Iterable[str], labels: Iterable[str] = (), *, everything: bool = False) -> Selection:
    """What the words of the line select.

    Raises:
        Invalid: a name cannot be one, or two ways of selecting are mixed.
    """
    names, wanted = tuple(dict.fromkeys(names)), asking.pairs(labels, option="--selector")
    if sum(map(bool, (names, wanted, everything))) > 1:
        raise Invalid("Select by names, by --selector or by --all, not by two of them.")
    for name in names:
        if not WILD & set(name):
            check_name("desktop", name)
        elif len(name) > 100 or not name.isprintable():
            raise Invalid(f"{name[:60]!a} cannot be a pattern of names.")
    return Selection(names=names, labels=wanted, everything=everything)


def chosen(run: Run, wanted: Selection, *, question: str, yes: bool) -> Chosen:
    """What is meant, asked about where it is more than one that was named. `question`: the verb, "Label".

    Raises:
        NotFound, Partial: something is not there. Invalid: nobody can be asked, or the answer was no.
    """
    met = bulk.select(run.context, wanted, only=run.provider)
    met.require_found()
    ask_about(run, wanted, met, question=question, yes=yes)
    return met


def ask_about(run: Run, wanted: Selection, met: Chosen, *, question: str, yes: bool, too: str = "") -> None:
    """List what would be changed and ask, unless it is one that was named, or the only one and nobody can be asked."""
    names = met.names
    certain = len(names) == 1 and (wanted.is_literal or (wanted == Selection() and not run.asks))
    if certain or yes:
        return
    for item in met.found:
        desktop = item.desktop
        run.tell(f"  {desktop.name}  {item.at.name}  {desktop.state.value}  {desktop.plan}".rstrip())
    which = "this desktop" if len(names) == 1 else f"these {len(names)} desktops"
    run.confirm(f"{question} {which}{too}?", yes=yes)


def tell_outcomes(run: Run, met: Chosen, outcomes: Outcomes, result: str) -> None:
    """What came of each, on both streams.

    Raises:
        Partial: some of several failed, or a provider could not be asked. The error of the only one.
    """
    for item in met.found:
        run.context.progress.finish(item.desktop.name, "" if outcomes[item.desktop.key] else result)
    run.output.many([outcome(item, result, outcomes[item.desktop.key]) for item in met.found], OUTCOME)
    raise_outcome(met.found, outcomes)
    met.require_complete()


def show_changed(run: Run, desktop: Desktop, *, usable: bool | None = None) -> None:
    """The record of a desktop that a verb has changed."""
    state = "usable" if usable else desktop.state.value
    record = records.of_desktop(desktop) | {"usable": usable}
    run.output.words(record, [f"{desktop.name}  {state}  {desktop.provider}"])


def until_usable(run: Run, found: Found, *, timeout: float) -> None:
    """Wait until a person could work in it, or raise."""
    outcomes = wait_for(run.context, [found], Aim.USABLE, probes=LateProbes(), timeout=timeout)
    if error := outcomes[found.desktop.key]:
        raise error
    run.context.progress.finish(found.desktop.name, "usable")


OUTCOME = (
    Column("NAME", lambda r: str(r["name"])),
    Column("PROVIDER", lambda r: str(r["provider"])),
    Column("RESULT", lambda r: str(r["result"])),
)


def outcome(found: Found, result: str, error: VdictlError | None, **more: Any) -> Record:
    """What came of one of several desktops."""
    desktop = found.desktop
    said = "failed" if error else result
    return {"name": desktop.name, "key": desktop.key, "provider": found.at.name, "result": said} | more | _why(error)


def _why(error: VdictlError | None) -> dict[str, Any]:
    return {"error": error.slug if error else None, "reason": error.brief if error else None}


def raise_outcome(found: Iterable[Found], outcomes: Outcomes) -> None:
    """End well if all went well; of one desktop raise its own error, of several one that names those that failed.

    Raises:
        Partial: some of several failed.
    """
    names = {item.desktop.key: item.desktop.name for item in found}
    failed = {key: error for key, error in outcomes.items() if error is not None}
    if not failed:
        return
    if len(names) == 1:
        raise next(iter(failed.values()))
    raise Partial(
        f"{len(names) - len(failed)} of {len(names)} desktops are done, {len(failed)} failed.",
        details="\n".join(f"{names[key]}: {error.brief} {error.details}".rstrip() for key, error in failed.items()),
        advice="The same command again goes on with them.",
    )
