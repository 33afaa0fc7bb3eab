"""Which desktops there are, on all configured providers at once, and which one a name means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from vdictl.contract.errors import AuthFailed, Invalid, NotConfigured, NotFound, VdictlError
from vdictl.contract.model import Desktop
from vdictl.core.clock import Deadline
from vdictl.core.config import nearest
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather, require_all
from vdictl.core.registry import Opened
from vdictl.core.retry import again


@dataclass(frozen=True)
class Found:
    """A desktop and the provider that has it."""

    at: Opened
    desktop: Desktop


@dataclass(frozen=True)
class Listing:
    """What was found, and which providers could not be asked."""

    found: Sequence[Found]
    failures: dict[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)


def configured(context: Context, only: str = "") -> list[str]:
    """The providers that have what they need on this machine, `only` that one if it is named.

    Where no credentials are needed (`cheap_check`), configured means that it answers.

    Raises:
        NotConfigured: none is, or the named one is not.
    """
    if only:
        context.open(only)
        return [only]
    manifests = context.registry.manifests()
    _refuse_unknown(context)
    ready = [n for n, m in manifests.items() if context.config.has_required(m)]
    cheap = {n: partial(_check, context, n) for n in ready if manifests[n].cheap_check}
    _, failures = gather(cheap, timeout=CALL_SECONDS)
    names = [n for n in ready if not isinstance(failures.get(n), AuthFailed)]
    if not names:
        reasons = [f"{n}: {e.brief} {e.advice}".rstrip() for n, e in failures.items()]
        raise NotConfigured(
            "No provider is configured on this machine.",
            details="\n".join(reasons),
            advice="See what each one needs: vdictl doctor",
        )
    return names


def _refuse_unknown(context: Context) -> None:
    """A table of the config for a provider that is not installed is a slip of the pen, or of pip."""
    names = context.registry.names()
    for name in sorted(context.config.providers() - set(names)):
        advice = f"{nearest(name, names)} One of somebody else's must be installed with pip first."
        brief = f"There is no provider called {name[:60]!a}; {context.config.file} has a table for it."
        raise Invalid(brief, advice=advice)


def _check(context: Context, name: str) -> None:
    context.open(name).provider.check()


def list_desktops(context: Context, only: str = "", *, names: Sequence[str] | None = None) -> Listing:
    """All desktops of the fleet, of every owner. `names`: what `configured` said, where that is known."""
    jobs: dict[str, Callable[[], list[Desktop]]] = {}
    failures: dict[str, VdictlError] = {}
    for name in configured(context, only) if names is None else names:
        try:
            jobs[name] = partial(desktops_of, context, context.open(name))
        except VdictlError as error:  # a broken provider must not hide the others
            failures[name] = error
    answers, silent = gather(jobs, timeout=2 * CALL_SECONDS)
    failures |= silent
    if only and failures:
        raise failures[only]
    _remember(context, answers)
    found = [Found(context.open(name), desktop) for name, desktops in answers.items() for desktop in desktops]
    return Listing(sorted(found, key=lambda f: (f.desktop.owner, f.desktop.name, f.at.name)), failures)


def _remember(context: Context, told: Mapping[str, list[Desktop]]) -> None:
    """For completion: the names, and which providers there are."""
    if context.every_fleet:
        return
    context.lexicon.keep("desktop", {name: [(d.owner, d.name) for d in found] for name, found in told.items()})
    context.lexicon.keep("provider", {"": [("", name) for name in context.registry.names()]})


def desktops_of(context: Context, at: Opened) -> list[Desktop]:
    """One provider's desktops, tried again while it is worth it."""
    deadline = Deadline(context.clock, CALL_SECONDS)
    return again(lambda: list(at.provider.desktops()), clock=context.clock, deadline=deadline)


def find(context: Context, name: str | None, *, only: str = "") -> Found:
    """The caller's desktop of this name; without a name, his only one.

    Raises:
        NotFound: there is none; those of others are named.
        Invalid: several providers have one, or no name was given and there are several.
        Partial: not found, or no name was given, and a provider that may have one did not answer.
    """
    return _with_spec(context, pick(context, name, list_desktops(context, only)))


def pick(context: Context, name: str | None, listing: Listing) -> Found:
    """As `find`, from a listing that is there; its `spec` may be `None`."""
    own = [f for f in listing.found if f.desktop.owner == context.owner]
    matching = own if name is None else [f for f in own if f.desktop.name == name]
    distinct = _without_twins(matching)
    if name is None:
        listing.require_complete()  # "the only one" is known only when all have answered
    if len(distinct) == 1:
        return distinct[0]
    if distinct:
        raise _ambiguous(name, distinct)
    listing.require_complete()
    raise _missing(context, name, listing.found)


def _without_twins(found: Iterable[Found]) -> list[Found]:
    """One of each name and provider: two unfinished ones of one name are being settled by whoever advances them."""
    from vdictl.core.sameness import elder  # only where names repeat

    groups: dict[tuple[str, str], list[Found]] = {}
    for item in found:
        groups.setdefault((item.at.name, item.desktop.name), []).append(item)
    chosen = []
    for group in groups.values():
        oldest = elder(f.desktop for f in group)
        chosen.append(next(f for f in group if f.desktop is oldest))
    return chosen


def _with_spec(context: Context, found: Found) -> Found:
    if found.desktop.spec is not None:
        return found
    deadline = Deadline(context.clock, CALL_SECONDS)
    key = found.desktop.key
    return Found(found.at, again(lambda: found.at.provider.desktop(key), clock=context.clock, deadline=deadline))


def _ambiguous(name: str | None, found: Sequence[Found]) -> Invalid:
    names = ", ".join(f"{f.desktop.name} ({f.at.name})" for f in found)
    if name is None:
        return Invalid("Which desktop? There are several.", details=names, advice="Name one of them.")
    return Invalid(f"Several providers have a desktop called {name}.", details=names, advice="Add -p PROVIDER.")


def _missing(context: Context, name: str | None, found: Sequence[Found]) -> NotFound:
    if name is None:
        advice = "Make one: vdictl create"
        return NotFound(f"{context.owner} has no desktop in the fleet {context.fleet}.", advice=advice)
    others = sorted({f.desktop.owner for f in found if f.desktop.name == name})
    if others:
        return NotFound(
            f"{context.owner} has no desktop called {name}.",
            details=f"Others have one: {', '.join(others)}.",
            advice=f"If you mean theirs: --owner {others[0]}",
        )
    own = sorted(f.desktop.name for f in found if f.desktop.owner == context.owner)
    details = f"There are: {', '.join(own[:20])}." if own else "There are none yet."
    return NotFound(f"There is no desktop called {name}.", details=details, advice="See all: vdictl list")
