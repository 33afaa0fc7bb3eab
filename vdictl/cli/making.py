"""Make desktops and say what came of it: shared by `create` and `snapshot clone`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from vdictl.cli import records
from vdictl.cli.interrupting import interruptible
from vdictl.cli.probes import LateProbes
from vdictl.cli.run import Run
from vdictl.contract.errors import Invalid, VdictlError
from vdictl.contract.model import DesktopSpec, Secret, State
from vdictl.contract.provider import Manifest
from vdictl.core import choosing, rehearsing
from vdictl.core.creating import Creator, Made, Move, Until
from vdictl.core.inputs import Inputs
from vdictl.core.registry import Opened

GC_TIMER = "vdictl gc --install-timer"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What the user ordered."""

    spec: DesktopSpec
    inputs: Inputs
    snapshot: str | None = None  #: what `--from-snapshot` said
    until: Until = Until.USABLE


def make(run: Run, order: Order, *, timeout: float) -> None:
    """Make it, and print the URL that opens it.

    Raises:
        As `core.creating.Creator.run`.
    """
    at, spec = place(run, order)
    creator = Creator(run.context, at, spec, LateProbes(), inputs=order.inputs, until=order.until, timeout=timeout)
    with interruptible(
        f"Interrupted while {spec.name} was being made.",
        details="What has begun there goes on; steps that remain wait for the next run.",
        advice=f"Finish it: the same create again\nUndo it: vdictl destroy {spec.name}",
    ):
        made = creator.run()
        show(run, at, spec, made, until=order.until)


def place(run: Run, order: Order) -> tuple[Opened, DesktopSpec]:
    """Which provider it goes to, and what is asked of it."""
    spec, only, why = order.spec, run.provider, ""
    if order.snapshot is not None:
        from vdictl.core import snapshots  # only for who has some

        kept = snapshots.find_snapshot(run.context, order.snapshot, only=only)
        spec, only, why = snapshots.like(kept.snapshot, spec), kept.at.name, "the snapshot is there"
    choice = choosing.provider_for(run.context, spec, only)
    if why := why or choice.why:
        run.say(f"Provider: {choice.at.name} ({why}).")
    check_options(choice.at.manifest, spec.options)
    return choice.at, spec


def check_options(manifest: Manifest, given: Mapping[str, str]) -> None:
    """Raise Invalid for an option that the provider has not; what it has is told."""
    for name in given:
        if name not in manifest.options:
            near = get_close_matches(name, manifest.options, n=1)
            there = "".join(f"\n{key}: {summary}" for key, summary in sorted(manifest.options.items()))
            raise Invalid(
                f"The provider {manifest.name} has no option {name[:60]!a}.",
                details=f"It has:{there}" if there else "It has none.",
                advice=f"Did you mean {near[0]}?" if near else "",
                provider=manifest.name,
            )


# -- what came of it --------------------------------------------------------------------------------------------------


def show(run: Run, at: Opened, spec: DesktopSpec, made: Made, *, until: Until) -> None:
    """The desktop and its URL on stdout; how long it lives and how to destroy it on stderr."""
    desktop = made.desktop
    run.context.lexicon.add("desktop", at.name, desktop.owner, desktop.name)
    url = None if until is Until.BEGUN or desktop.state is not State.RUNNING else _url(run, at, made)
    usable = made.health.usable if made.health else None
    record: dict[str, Any] = records.of_desktop(desktop) | {"how": made.how, "usable": usable}
    record["url"] = url.reveal() if url else None
    _tell_life(run, at, made, spec.expires)
    run.say(f"Take it away: vdictl destroy {desktop.name}")
    state = "usable" if usable else desktop.state.value
    line = f"{desktop.name}  {state}  {at.name}  {desktop.plan}".rstrip()
    run.output.words(record, [line, url.reveal()] if url else [line])
    if until is Until.USABLE and usable is None:
        run.say(f"{desktop.name} has no endpoint: that it runs is all that can be known.")
    if url is None and desktop.state is State.RUNNING and (network := desktop.facts.get("network")):
        run.say(f"No URL opens it from here. Its network: {network}.")
    if url is None and not run.output.is_data:
        run.say(f"Open it: vdictl connect {desktop.name}")


def _url(run: Run, at: Opened, made: Made) -> Secret | None:
    """The page's link where it can be reached straight; hidden from a CI's log where that has a way."""
    from vdictl.cli.opening import hide  # only where something can be opened
    from vdictl.connect.redirect import page_url

    try:
        pages = [e for e in made.endpoints or at.provider.endpoints(made.desktop) if e.kind == "http" and e.direct]
    except VdictlError:
        return None  # it stopped in this moment; the record says so
    if not pages:
        return None
    url = page_url(pages[0])
    hide(run, url, *([pages[0].token] if pages[0].token else []))
    return url


def _tell_life(run: Run, at: Opened, made: Made, asked: datetime | None) -> None:
    """When it expires, and whether something there keeps to it."""
    desktop = made.desktop
    if made.how != "created" and asked and asked != desktop.expires:
        run.say("--ttl and --expires count when a desktop is made: this one is there already, and keeps its own.")
        run.say(f"Move its end: vdictl extend {desktop.name} 8h")
    if desktop.expires is None:
        return
    when = f"{desktop.expires:%Y-%m-%d %H:%M} UTC"
    if at.manifest.guest_timer:
        run.say(f"Its own timer stops it at {when}; what destroys it after that is: vdictl gc")
    else:
        run.say(f"It expires at {when}, and nothing there stops it: only gc ends it. Let it: {GC_TIMER}")


# -- what would be done -----------------------------------------------------------------------------------------------

_MOVES = {
    Move.CREATE: "would be created",
    Move.REPLACE: "is being destroyed, and would then be made anew",
    Move.FINISH: "is there, and what goes on with it would be finished",
    Move.START: "is there and stopped, and would be started",
    Move.NOTHING: "is there, and nothing would be done",
}


def rehearse(run: Run, order: Order) -> None:
    """Say what a create would do."""
    at, spec = place(run, order)
    seen = rehearsing.rehearse(run.context, at, spec)
    record = {
        "name": spec.name,
        "provider": at.name,
        "action": seen.move.value,
        "plan": seen.plan or None,
        "price": records.plain(seen.price),
        "builds_image": seen.builds,
        "desktop": records.of_desktop(seen.desktop) if seen.desktop else None,
        "spec": records.plain(spec),
    }
    price = records.money(seen.price) or ("no cost" if not at.manifest.kept_costs else "")
    lines = [
        ("name", spec.name),
        ("action", f"{seen.move.value}: it {_MOVES[seen.move]}"),
        ("provider", at.name),
        ("plan", seen.plan or "the provider's choice"),
        ("price", price),
        ("image", "has to be built first" if seen.builds else ""),
    ]
    run.output.one(record, [line for line in lines if line[1]])
