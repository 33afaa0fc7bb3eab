"""What should not be there: half made for long, expired, or without its desktop; found at all providers, and removed.

What another run works on right now is never taken. A desktop with an open operation counts only if it does not move
while several looks are taken, over a longer time than a run that follows it would take for its next step, and if the
journal knows of no process here that is at it; a stray counts only if every look sees it. Before each is removed it is
looked at once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from vdictl.contract import mark as marks
from vdictl.contract.capabilities import SupportsSnapshots, SupportsStrays
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Desktop, Price, Snapshot, State, Stray
from vdictl.core import chronicle
from vdictl.core.clock import Deadline
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather, require_all
from vdictl.core.following import LONGEST_TICK
from vdictl.core.inventory import configured, desktops_of
from vdictl.core.operating import Operator, is_leaving, new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again, again_with_token
from vdictl.core.sameness import elder

QUIET = 1.6 * LONGEST_TICK  #: seconds of looking: a follower's next step comes sooner
LOOKS = 4  #: a step may be over in a second, and leave everything looking as before
LONGEST_TASK = timedelta(days=1)  #: a task of the provider's that takes longer does not go on any more

REMOVED, GONE, SPARED, FAILED = "removed", "gone", "spared", "failed"


Thing: TypeAlias = Desktop | Snapshot | Stray


@dataclass(frozen=True, kw_only=True)
class Waste:
    """One thing that should not be there."""

    at: Opened
    thing: Thing
    kind: str  #: desktop, snapshot, or that of the stray
    why: str
    since: datetime | None  #: it is waste, or there, since then

    @property
    def id(self) -> str:
        """Tells it from all others of its provider."""
        return self.thing.key if isinstance(self.thing, Desktop) else self.thing.id

    @property
    def price(self) -> Price | None:
        """What it costs."""
        return self.thing.price


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What counts as waste."""

    older_than: timedelta
    owner: str = ""  #: only this one's; empty: everybody's


@dataclass(frozen=True, kw_only=True)
class Found:
    """What there is, and which providers could not be asked."""

    waste: Sequence[Waste]
    young: int  #: so many more are too young, or somebody works on them
    newer: Sequence[str]  #: names of desktops whose mark only a newer vdictl may change
    failures: Mapping[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)


#: What became of a thing, and what went wrong with it.
Outcome = tuple[str, VdictlError | None]


# -- find -------------------------------------------------------------------------------------------------------------


def find(context: Context, rule: Rule, *, only: str = "") -> Found:
    """Look at every configured provider, `only` that one if it is named; all at once.

    Raises:
        NotConfigured: none is. What the named one raises.
    """
    first, failures = _look(context, rule, [context.open(name) for name in configured(context, only)])
    young = sum(sight.young for sight in first.values())
    kept = [one for sight in first.values() for one in sight.waste]
    if not all(_is_sure(one) for one in kept):
        context.progress.say("Looking several times, so that nothing is taken that somebody works on.")
        still = _unmoved(context, rule, kept, failures)
        young += len(kept) - len(still)
        kept = still
    if only and failures:
        raise failures[only]
    newer = [name for sight in first.values() for name in sight.newer]
    return Found(waste=kept, young=young, newer=newer, failures=failures)


def _unmoved(context: Context, rule: Rule, waste: list[Waste], failures: dict[str, VdictlError]) -> list[Waste]:
    """Those that nobody works on. A provider that falls silent on the way is one more of `failures`."""
    busy = chronicle.read(context.state_dir).in_work(now=context.clock.now())
    waste = [one for one in waste if not (isinstance(one.thing, Desktop) and _token(one.thing) in busy)]
    for _ in range(LOOKS - 1):
        unsure = {one.at.name: one.at for one in waste if not _is_sure(one)}
        if not unsure:
            break
        context.clock.sleep(QUIET / (LOOKS - 1))
        seen, silent = _look(context, rule, unsure.values())
        failures |= silent
        still = {(one.at.name, one.id): _place(one.thing) for sight in seen.values() for one in sight.waste}
        waste = [one for one in waste if _is_sure(one) or still.get((one.at.name, one.id)) == _place(one.thing)]
    return waste


def _token(desktop: Desktop) -> str:
    return desktop.operation.token if desktop.operation else ""


@dataclass(frozen=True, kw_only=True)
class _Sight:
    at: Opened
    waste: Sequence[Waste]
    young: int
    newer: Sequence[str]


def _look(context: Context, rule: Rule, opened: Iterable[Opened]) -> tuple[dict[str, _Sight], dict[str, VdictlError]]:
    jobs: dict[str, Callable[[], _Sight]] = {at.name: partial(_look_at, context, rule, at) for at in opened}
    return gather(jobs, timeout=2 * CALL_SECONDS)


def _look_at(context: Context, rule: Rule, at: Opened) -> _Sight:
    now = context.clock.now()
    strays, desktops = _strays(context, at), desktops_of(context, at)
    there = [*_of_desktops(at, desktops, now), *_of_snapshots(context, at, desktops, strays)]
    there += [Waste(at=at, thing=one, kind=one.kind, why=one.why, since=one.created) for one in strays]
    found = [one for one in there if rule.owner in ("", one.thing.owner)]
    old = [one for one in found if _is_old(one, now, rule.older_than)]
    writable = [one for one in old if _is_writable(one.thing)]
    newer = [one.thing.name for one in old if not _is_writable(one.thing)]
    return _Sight(at=at, waste=writable, young=len(found) - len(old), newer=newer)


def _strays(context: Context, at: Opened) -> list[Stray]:
    if not at.can(SupportsStrays):
        return []
    able = at.need(SupportsStrays, to="look for strays")
    deadline = Deadline(context.clock, CALL_SECONDS)
    return again(lambda: list(able.strays()), clock=context.clock, deadline=deadline)


def _of_snapshots(
    context: Context, at: Opened, desktops: Sequence[Desktop], strays: Sequence[Stray]
) -> Iterator[Waste]:
    """Half-made ones whose desktop is at rest or gone, and that are no strays already."""
    if not at.can(SupportsSnapshots):
        return
    busy = {desktop.key for desktop in desktops if desktop.operation}
    known = {one.name for one in strays} | {one.id for one in strays}
    for one in Operator(context, at).snapshots():
        if not one.complete and one.desktop_key not in busy and one.id not in known:
            why = f"half a snapshot of {one.desktop_name}"
            yield Waste(at=at, thing=one, kind="snapshot", why=why, since=one.created)


def _of_desktops(at: Opened, desktops: Sequence[Desktop], now: datetime) -> Iterator[Waste]:
    for desktop in desktops:
        operation = desktop.operation
        since = (operation and operation.since) or desktop.created
        expired = desktop.expires is not None and desktop.expires <= now
        if is_leaving(desktop):
            yield _waste(at, desktop, "its delete was not finished", since)
        elif operation is not None and operation.verb == "create":
            yield _waste(at, desktop, _why_half_made(desktop, desktops), since)
        elif expired and operation is not None:
            yield _waste(at, desktop, f"its time is over, and its {operation.verb} was not finished", since)
        elif expired:
            yield _waste(at, desktop, "its time is over", desktop.expires)


def _waste(at: Opened, desktop: Desktop, why: str, since: datetime | None) -> Waste:
    return Waste(at=at, thing=desktop, kind="desktop", why=why, since=since)


def _why_half_made(desktop: Desktop, desktops: Sequence[Desktop]) -> str:
    named = [d for d in desktops if (d.owner, d.name) == (desktop.owner, desktop.name)]
    if elder(named) is not desktop:
        return "half made, and an older one has its name"
    reason = f": {desktop.reason}" if desktop.state is State.FAILED and desktop.reason else ""
    return f"half made{reason}"


def _is_sure(one: Waste) -> bool:
    """Whether one look is enough: nothing is open, and its time is over."""
    return isinstance(one.thing, Desktop) and one.thing.operation is None


def _is_old(one: Waste, now: datetime, limit: timedelta) -> bool:
    if _is_sure(one) or one.since is None:
        return True
    thing = one.thing
    works = isinstance(thing, Desktop) and not thing.due and thing.state is not State.FAILED
    return one.since <= now - (max(limit, LONGEST_TASK) if works else limit)


def _is_writable(thing: Thing) -> bool:
    return not isinstance(thing, Desktop) or thing.mark_version <= marks.VERSION


def _place(thing: Thing | None) -> object:
    """What changes while somebody works on it."""
    if not isinstance(thing, Desktop):
        return thing and thing.id
    if thing.operation is None:  # nobody does; that its own timer stops it is no work
        return thing.expires
    return thing.state, thing.due, thing.operation, thing.id, thing.doing, thing.progress, thing.expires


# -- remove -----------------------------------------------------------------------------------------------------------


def remove(context: Context, waste: Sequence[Waste], *, timeout: float) -> dict[tuple[str, str], Outcome]:
    """Take it all away, every provider at once; what became of each, by provider and id. Homes stay."""
    groups: dict[str, list[Waste]] = {}
    for one in waste:
        groups.setdefault(one.at.name, []).append(one)
    jobs: dict[str, Callable[[], dict[tuple[str, str], Outcome]]] = {
        name: partial(_remove_at, context, some, timeout) for name, some in groups.items()
    }
    answers, failures = gather(jobs, timeout=timeout + CALL_SECONDS)
    outcomes = {key: outcome for some in answers.values() for key, outcome in some.items()}
    for name, error in failures.items():
        outcomes |= {(name, one.id): (FAILED, error) for one in groups[name]}
    return outcomes


def _remove_at(context: Context, waste: Sequence[Waste], timeout: float) -> dict[tuple[str, str], Outcome]:
    """All of one provider: desktops first, because what goes with them is no stray while they are there."""
    at = waste[0].at
    outcomes: dict[tuple[str, str], Outcome] = {}
    wanted = [one.thing for one in waste if isinstance(one.thing, Desktop)]
    now = {desktop.key: desktop for desktop in desktops_of(context, at)} if wanted else {}
    desktops = [desktop for desktop in wanted if _place(now.get(desktop.key)) == _place(desktop)]
    for desktop in wanted:
        if desktop not in desktops:
            outcomes[at.name, desktop.key] = (SPARED if desktop.key in now else GONE, None)
    for key, error in Operator(context, at, timeout=timeout).destroy(desktops).items():
        outcomes[at.name, key] = (FAILED if error else REMOVED, error)
    others = [one for one in waste if not isinstance(one.thing, Desktop)]
    still = _there(context, at) if others else set()
    for one in others:
        outcomes[at.name, one.id] = _try(context, one) if one.id in still else (GONE, None)
    return outcomes


def _there(context: Context, at: Opened) -> set[str]:
    """Ids of the strays and half-made snapshots that are there now."""
    half = _of_snapshots(context, at, desktops_of(context, at), ())
    return {stray.id for stray in _strays(context, at)} | {one.id for one in half}


def _try(context: Context, one: Waste) -> Outcome:
    try:
        if isinstance(one.thing, Snapshot):
            Operator(context, one.at).snapshot_delete(one.thing)
        elif isinstance(one.thing, Stray):
            _remove_stray(context, one.at, one.thing)
    except VdictlError as error:
        return FAILED, error
    return REMOVED, None


def _remove_stray(context: Context, at: Opened, stray: Stray) -> None:
    able = at.need(SupportsStrays, to="remove strays")
    deadline = Deadline(context.clock, CALL_SECONDS)
    with context.journal.operation("stray-delete", token=new_token(), key="", name=stray.name, provider=at.name):
        again_with_token(lambda: able.stray_delete(stray), clock=context.clock, deadline=deadline)
