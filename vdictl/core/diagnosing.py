"""What is wrong between this machine and its desktops: each hop in turn, with the evidence and a cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from vdictl.contract.capabilities import SupportsDoctor
from vdictl.contract.errors import NotConfigured, VdictlError
from vdictl.contract.model import Desktop, Health, Hop, State
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather
from vdictl.core.health import Ladder, Probes
from vdictl.core.inventory import desktops_of
from vdictl.core.paths import make_private
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
    return Finding(
        provider=provider, hop=Hop(name=name, ok=False, detail=detail, cure=error.advice), code=error.exit_code
    )


def walk(context: Context, probes: Probes, only: str = "", *, viewers: Iterable[Finding] = ()) -> Iterator[Finding]:
    """Every hop of this machine and of every provider, `only` of one if it is named; each as soon as it is known.

    `viewers`: what the caller found out about showing a desktop here.

    Raises:
        Invalid: there is no provider of this name.
    """
    if only and only not in context.registry.names():
        context.registry.manifest(only)  # raises, with the name that was probably meant
    yield from _of_machine(context)
    yield from viewers
    standings = survey(context, only, ask=True)
    some = any(standing.configured for standing in standings)
    needed = only or context.config.text("default_provider")
    for standing in standings:
        yield from _of_provider(context, probes, standing, matters=not some or standing.name == needed)


def _of_machine(context: Context) -> Iterator[Finding]:
    """The hops that all providers share."""
    config = context.config
    there = f"{config.file}" if config.file.exists() else f"{config.file} is not there: defaults hold"
    profile = f", profile {config.profile}" if config.profile else ""
    who = f"owner {context.owner}, fleet {context.fleet}"
    yield Finding(provider="", hop=Hop(name="config", ok=True, detail=f"{there}{profile}; {who}"))
    yield Finding(provider="", hop=_state_folder(context))


def _state_folder(context: Context) -> Hop:
    probe = context.state_dir / ".doctor"
    try:
        make_private(context.state_dir)
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        cure = "Free space there, or set XDG_STATE_HOME to a folder that can be written to."
        return Hop(name="state", ok=None, detail=f"no journal and no caches: {error}", cure=cure)
    return Hop(name="state", ok=True, detail=f"{context.state_dir}")


def _of_provider(context: Context, probes: Probes, standing: Standing, *, matters: bool) -> Iterator[Finding]:
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
        yield from _desktops(context, probes, at)


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


def _desktops(context: Context, probes: Probes, at: Opened) -> Iterator[Finding]:
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
    ladder = Ladder(at, probes, context.clock)
    running = [d for d in mine if d.state is State.RUNNING and d.operation is None]
    healths, failures = gather({d.key: partial(ladder.climb, d) for d in running}, timeout=CALL_SECONDS)
    for desktop in mine:
        hop = _hop_of_desktop(desktop, healths.get(desktop.key), failures.get(desktop.key))
        yield Finding(provider=at.name, hop=hop)


def _hop_of_desktop(desktop: Desktop, health: Health | None, error: VdictlError | None) -> Hop:
    name = f"desktop {desktop.name}"
    if error is not None:
        return Hop(name=name, ok=False, detail=error.brief, cure=f"Look again: vdictl health {desktop.name}")
    if health is None:
        return _hop_of_state(name, desktop)
    if health.usable is None:
        return Hop(name=name, ok=None, detail="runs; nobody can see from here whether it is usable")
    failing = health.failing
    if failing is not None:
        detail = f"{failing.name}: {failing.detail}"
        return Hop(name=name, ok=False, detail=detail, cure=f"Often heals it: vdictl restart {desktop.name}")
    return Hop(name=name, ok=True, detail=f"usable; {len(health.rungs)} of {len(health.rungs)} rungs hold")


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
