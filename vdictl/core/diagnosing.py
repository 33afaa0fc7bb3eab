"""What is wrong between this machine and its desktops: each hop in turn, with the evidence and a cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vdictl.contract.capabilities import SupportsDoctor
from vdictl.contract.errors import Invalid, NotConfigured, NotFound, VdictlError
from vdictl.contract.model import Desktop, Health, Hop, Rung, State
from vdictl.core import machine
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather
from vdictl.core.health import Ladder, Probes
from vdictl.core.inventory import desktops_of
from vdictl.core.registry import Opened
from vdictl.core.surveying import Standing, survey


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How it stands with one hop."""

    provider: str  #: empty: this machine, for all providers alike
    hop: Hop
    code: int = 1  #: the exit code, if the hop fails

    @property
    def level(self) -> str:
        """`ok`, `warn` or `fail`."""
        return {True: "ok", None: "warn", False: "fail"}[self.hop.ok]


def worst(findings: Iterable[Finding]) -> int:
    """The exit code for all of them: the highest of those that fail, 0 if none does."""
    return max((finding.code for finding in findings if finding.hop.ok is False), default=0)


def of_error(provider: str, name: str, error: VdictlError) -> Finding:
    """A hop that fails with this error."""
    detail = " ".join(f"{error.brief} {error.details}".split())
    cure = error.advice.replace(", or see `vdictl doctor`", "")  # whoever reads this has done so
    return Finding(provider=provider, hop=Hop(name=name, ok=False, detail=detail, cure=cure), code=error.exit_code)


def walk(
    context: Context, probes: Probes, only: str = "", *, name: str = "", viewers: Iterable[Finding] = ()
) -> Iterator[Finding]:
    """Every hop of this machine and of every provider, `only` of one if it is named.

    `name`: of the caller's desktops, look at this one alone. `viewers`: what the caller found out about showing a
    desktop here. Providers are looked at all at once; one that hangs does not hide the others.

    Raises:
        Invalid: there is no provider of this name.
    """
    if only and only not in context.registry.names():
        context.registry.manifest(only)  # raises, with the name that was probably meant
    yield from of_machine(context.state_dir, context)
    yield from viewers
    standings = survey(context, only, ask=True)
    some = any(standing.configured for standing in standings)
    needed = only or context.config.text("default_provider")
    jobs: dict[str, Callable[[], list[Finding]]] = {}
    for standing in standings:
        matters = not some or standing.name == needed
        jobs[standing.name] = partial(_all_of_provider, context, probes, standing, name, matters=matters)
    answers, silent = gather(jobs, timeout=3 * CALL_SECONDS)
    found = [finding for standing in standings for finding in answers.get(standing.name, ())]
    yield from found
    yield from (of_error(provider, "answer", error) for provider, error in silent.items())
    if name and not any(finding.hop.name == _hop_name(name) for finding in found):
        yield _not_found(context, name)


def of_machine(state_dir: Path, context: Context | None) -> Iterator[Finding]:
    """The hops that all providers share; without a context, those that a broken config leaves."""
    for hop in machine.own_hops(state_dir):
        yield Finding(provider="", hop=hop)
    for hop in machine.config_hops(context) if context else ():
        yield Finding(provider="", hop=hop, code=Invalid.exit_code)


def _not_found(context: Context, name: str) -> Finding:
    cure = f"See which there are: vdictl list; make it: vdictl create {name}"
    hop = Hop(name=_hop_name(name), ok=False, detail=f"{context.owner} has no desktop of this name", cure=cure)
    return Finding(provider="", hop=hop, code=NotFound.exit_code)


def _hop_name(desktop: str) -> str:
    return f"desktop {desktop}"


def _all_of_provider(
    context: Context, probes: Probes, standing: Standing, name: str, *, matters: bool
) -> list[Finding]:
    return list(_of_provider(context, probes, standing, name, matters=matters))


def _of_provider(
    context: Context, probes: Probes, standing: Standing, desktop: str, *, matters: bool
) -> Iterator[Finding]:
    name, error = standing.name, standing.trouble
    answers = "engine" if standing.manifest and standing.manifest.cheap_check else "api"
    if error is not None:
        hop = "settings" if isinstance(error, NotConfigured) and answers == "api" else answers
        finding = of_error(name, hop, error)
        if not (matters or standing.configured):  # nobody asked for it
            finding = Finding(provider=name, hop=_mild(finding.hop))
        yield finding
    else:
        who = standing.account
        detail = ", ".join(filter(None, (who.name, who.detail))) if who else ""
        yield Finding(provider=name, hop=Hop(name=answers, ok=True, detail=detail))
    if standing.manifest is None or not (matters or standing.configured):
        return
    try:
        at = context.open(name)
    except VdictlError:
        return  # told above
    yield from _own_hops(at)
    if error is None:
        yield from _desktops(context, probes, at, desktop)


def _mild(hop: Hop) -> Hop:
    return Hop(name=hop.name, ok=None, detail=f"not configured: {hop.detail}", cure=hop.cure)


def _own_hops(at: Opened) -> Iterator[Finding]:
    if not at.can(SupportsDoctor):
        return
    try:
        for hop in at.need(SupportsDoctor, to="examine itself").hops():
            yield Finding(provider=at.name, hop=hop)
    except VdictlError as error:
        yield of_error(at.name, "examination", error)


def _desktops(context: Context, probes: Probes, at: Opened, name: str) -> Iterator[Finding]:
    begun = context.clock.monotonic()
    try:
        desktops = desktops_of(context, at)
    except VdictlError as error:
        yield of_error(at.name, "list", error)
        return
    took = context.clock.monotonic() - begun
    mine = [d for d in desktops if d.owner == context.owner]
    detail = f"{len(mine)} of {context.owner}'s, {len(desktops)} in the fleet, listed in {took * 1000:.0f} ms"
    yield Finding(provider=at.name, hop=Hop(name="list", ok=True, detail=detail))
    mine = [d for d in mine if name in ("", d.name)]
    ladder = Ladder(at, probes, context.clock)
    running = [d for d in mine if d.state is State.RUNNING and d.operation is None]
    healths, failures = gather({d.key: partial(ladder.climb, d) for d in running}, timeout=CALL_SECONDS)
    for desktop in mine:
        hop = _hop_of_desktop(desktop, healths.get(desktop.key), failures.get(desktop.key))
        yield Finding(provider=at.name, hop=hop)


def _hop_of_desktop(desktop: Desktop, health: Health | None, error: VdictlError | None) -> Hop:
    name = _hop_name(desktop.name)
    if error is not None:
        return Hop(name=name, ok=False, detail=error.brief, cure=f"Look again: vdictl health {desktop.name}")
    if health is None:
        return _hop_of_state(name, desktop)
    if health.usable is None:
        return Hop(name=name, ok=None, detail="runs; nobody can see from here whether it is usable")
    failing = health.failing
    if failing is not None:
        return Hop(name=name, ok=False, detail=f"{failing.name}: {failing.detail}", cure=_cure(failing, desktop))
    return Hop(name=name, ok=True, detail=f"usable; {len(health.rungs)} of {len(health.rungs)} rungs hold")


_RESTART = "Often heals it: vdictl restart {0}"
#: What heals the first rung that fails; of those that are not here, a restart.
_CURES: Mapping[str, str] = {
    "runs": "See what it says: vdictl logs {0}",
    "endpoints": "Look again in a moment: vdictl health {0}",
    "first boot": "See what it says: vdictl logs {0} --setup",
}


def _cure(failing: Rung, desktop: Desktop) -> str:
    text = _CURES.get(failing.name, _RESTART)
    if failing.fatal and failing.name not in _CURES:
        text = _CURES["runs"]
    return text.format(desktop.name)


def _hop_of_state(name: str, desktop: Desktop) -> Hop:
    if desktop.state is State.FAILED:
        cure = f"See why: vdictl logs {desktop.name}; take it away: vdictl destroy {desktop.name}"
        return Hop(name=name, ok=False, detail=f"failed: {desktop.reason}", cure=cure)
    if desktop.operation is not None:
        detail = f"{desktop.operation.verb} is not finished: {desktop.doing or desktop.state.value}"
        return Hop(name=name, ok=None, detail=detail, cure=f"Finish it: vdictl wait {desktop.name}")
    if desktop.state is State.UNKNOWN:
        return Hop(name=name, ok=None, detail=desktop.reason or "unknown", cure=f"See: vdictl show {desktop.name}")
    return Hop(name=name, ok=True, detail=desktop.state.value)
