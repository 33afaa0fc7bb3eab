"""Several desktops at once, on several providers: which are meant, and one outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial

from vdictl.contract.errors import NotFound, VdictlError
from vdictl.contract.model import NOTHING, Desktop
from vdictl.core import inventory
from vdictl.core.context import Context
from vdictl.core.fanout import gather, require_all
from vdictl.core.inventory import Found, Listing
from vdictl.core.operating import Operator
from vdictl.core.registry import Opened

#: Key of a desktop -> what went wrong with it; `None`: nothing.
Outcomes = Mapping[str, VdictlError | None]
WILD = frozenset("*?[")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What the user named: names and globs, or labels that all must fit, or everything of his own."""

    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    everything: bool = False

    @property
    def is_literal(self) -> bool:
        """Whether it is nothing but names: what will be met does not depend on what happens to be there."""
        return bool(self.names) and not any(WILD & set(name) for name in self.names)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a selection met. Of two unfinished desktops of one name both are in `found`."""

    found: Sequence[Found]
    missing: Mapping[str, NotFound]  #: names and globs that met nothing, and what to say of each
    failures: Mapping[str, VdictlError]  #: providers that could not be asked

    @property
    def names(self) -> list[str]:
        """Each name once."""
        return list(dict.fromkeys(item.desktop.name for item in self.found))

    def require_found(self) -> None:
        """Raise NotFound if a name met nothing, or nothing was met at all; Partial if that is not certain."""
        if len(self.missing) == 1:
            raise next(iter(self.missing.values()))
        if self.missing:
            raise NotFound(f"There are no desktops called {', '.join(self.missing)}.", advice="See all: vdictl list")
        if not self.found:
            self.require_complete()
            raise NotFound("There is no such desktop.", advice="See all: vdictl list")

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)


def select(context: Context, selection: Selection, *, only: str = "") -> Chosen:
    """Which desktops of the caller are meant; with an empty selection, his only one.

    Raises:
        NotFound: an empty selection, and there is none. Invalid: an empty selection and there are several, or a name
        is on several providers. Partial: it is not found, and a provider did not answer.
    """
    listing = inventory.list_desktops(context, only)
    own = [f for f in listing.found if f.desktop.owner == context.owner]
    if selection.everything:
        return Chosen(found=own, missing={}, failures=listing.failures)
    if selection.labels:
        met = [f for f in own if selection.labels.items() <= f.desktop.labels.items()]
        return Chosen(found=met, missing={}, failures=listing.failures)
    found: list[Found] = []
    missing: dict[str, NotFound] = {}
    for name in selection.names or (None,):
        try:
            met = _meant(context, name, listing, own)
        except NotFound as error:
            if name is None:
                raise
            missing[name] = error
        else:
            found += [f for f in met if f not in found]
    return Chosen(found=found, missing=missing, failures=listing.failures)


def _meant(context: Context, name: str | None, listing: Listing, own: Sequence[Found]) -> list[Found]:
    if name and WILD & set(name):
        met = [f for f in own if fnmatchcase(f.desktop.name, name)]
        if not met:
            listing.require_complete()
            raise NotFound(f"No desktop's name fits {name}.", advice="See all: vdictl list")
        return met
    one = inventory.pick(context, name, listing)
    return [f for f in own if (f.at.name, f.desktop.name) == (one.at.name, one.desktop.name)]


def destroy(context: Context, found: Sequence[Found], *, also: frozenset[str], wait: bool, timeout: float) -> Outcomes:
    """Take them away, all providers at once. One that fails does not stop the others."""

    def job(at: Opened, desktops: list[Desktop]) -> Outcomes:
        return Operator(context, at, timeout=timeout).destroy(desktops, also=also, wait=wait)

    return each_provider(found, job, timeout=timeout)


def each_provider(
    found: Iterable[Found], job: Callable[[Opened, list[Desktop]], Outcomes], *, timeout: float
) -> Outcomes:
    """Give each provider its desktops, all at once; `job` keeps to the time limit (seconds) by itself."""
    groups: dict[str, tuple[Opened, list[Desktop]]] = {}
    for item in found:
        groups.setdefault(item.at.name, (item.at, []))[1].append(item.desktop)
    if len(groups) == 1:  # the usual case, without a thread
        return job(*next(iter(groups.values())))
    answers, failures = gather({name: partial(job, *group) for name, group in groups.items()}, timeout=timeout + 60)
    outcomes: dict[str, VdictlError | None] = {}
    for outcome in answers.values():
        outcomes |= outcome
    return outcomes | {d.key: error for name, error in failures.items() for d in groups[name][1]}
