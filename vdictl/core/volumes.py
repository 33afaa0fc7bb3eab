"""Which homes there are, on all configured providers at once, which one is meant, and what is done to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vdictl.contract.capabilities import SupportsVolumes
from vdictl.contract.errors import Conflict, Invalid, NotFound, VdictlError
from vdictl.contract.mark import NAME, check_name
from vdictl.contract.model import Volume
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.everywhere import ask
from vdictl.core.fanout import require_all
from vdictl.core.operating import new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again, again_with_token

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}")


@dataclass(frozen=True)
class Stored:
    """A home and the provider that has it."""

    at: Opened
    volume: Volume


@dataclass(frozen=True)
class Store:
    """The homes that were found, and which providers could not be asked."""

    found: Sequence[Stored]
    failures: Mapping[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)

    def choose(self, text: str) -> Stored:
        """The one that `text` means: its name, or its id at the provider.

        Raises:
            Invalid: several are meant. NotFound: there is none. Partial: there is none, and a provider was silent.
        """
        check_volume(text)
        named = [one for one in self.found if text == one.volume.id]
        named = named or [one for one in self.found if text == one.volume.name]
        if len(named) == 1:
            return named[0]
        if named:
            lines = "\n".join(f"{one.volume.name} ({one.at.name}, id {one.volume.id})" for one in named)
            raise Invalid(f"Several volumes are called {text}.", details=lines, advice="Add -p PROVIDER.")
        self.require_complete()
        names = ", ".join(one.volume.name for one in self.found[:20])
        raise NotFound(
            f"There is no volume called {text}.",
            details=f"There are: {names}." if names else "There are none.",
            advice="See all: vdictl volume list",
        )


def check_volume(text: str) -> None:
    """Raise Invalid for what can be neither a name nor an id."""
    if not NAME.fullmatch(text) and not _ID.fullmatch(text):
        check_name("volume", text)


def store(context: Context, only: str = "", *, everybody: bool = False, measure: bool = False) -> Store:
    """The caller's homes (`everybody`: those of every owner), by name.

    Raises:
        Unsupported: the provider `only` has no volumes. What a single named provider raises.
    """
    told = ask(context, only, SupportsVolumes, lambda able: able.volumes(measure=measure), to="keep volumes")
    context.lexicon.keep("volume", {name: [(v.owner, v.name) for v in found] for name, found in told.given.items()})
    found = [Stored(context.open(name), volume) for name, volumes in told.given.items() for volume in volumes]
    mine = [one for one in found if everybody or one.volume.owner == context.owner]
    return Store(sorted(mine, key=lambda one: (one.volume.owner, one.volume.name, one.at.name)), told.failures)


def create(
    context: Context, at: Opened, name: str, *, size_gib: int | None, region: str, timeout: float
) -> tuple[Volume, bool]:
    """An empty home of the caller's, and whether it was made now; one that is there already is as good.

    Raises:
        Conflict: it is there with another size or region. What the provider raises.
    """
    check_name("volume", name)
    able = at.need(SupportsVolumes, to="make volumes")
    deadline, token = Deadline(context.clock, timeout), new_token()

    def make() -> Volume:
        return able.volume_create(
            name, owner=context.owner, fleet=context.fleet, token=token, size_gib=size_gib, region=region
        )

    there = _there(context, at, name, deadline)
    if there is None:
        try:
            with context.journal.operation("volume-create", token=token, key="", name=name, provider=at.name):
                return again_with_token(make, clock=context.clock, deadline=deadline), True
        except Conflict:
            there = _there(context, at, name, deadline)  # somebody was quicker
            if there is None:
                raise
    _require_alike(at, there, size_gib, region)
    return there, False


def delete(context: Context, stored: Stored, *, timeout: float) -> None:
    """Remove it; already gone is success. Conflict while a desktop uses it."""
    able = stored.at.need(SupportsVolumes, to="delete volumes")
    deadline, name = Deadline(context.clock, timeout), stored.volume.name
    with context.journal.operation("volume-delete", token=new_token(), key="", name=name, provider=stored.at.name):
        again_with_token(lambda: able.volume_delete(stored.volume), clock=context.clock, deadline=deadline)


def _there(context: Context, at: Opened, name: str, deadline: Deadline) -> Volume | None:
    able = at.need(SupportsVolumes, to="list volumes")
    found = again(lambda: list(able.volumes()), clock=context.clock, deadline=deadline)
    return next((one for one in found if (one.owner, one.name) == (context.owner, name)), None)


def _require_alike(at: Opened, there: Volume, size_gib: int | None, region: str) -> None:
    differs = []
    if size_gib is not None and there.size_bytes not in (None, size_gib << 30):
        differs.append(f"size: it has {(there.size_bytes or 0) / (1 << 30):g} GiB, asked for are {size_gib} GiB")
    if region and region != there.region:
        differs.append(f"region: it is in {there.region or 'the only one'}, asked for is {region}")
    if differs:
        advice = f"Choose another name, or remove it: vdictl volume delete {there.name}"
        brief = f"There is a volume called {there.name} already, and it is another."
        raise Conflict(brief, details="\n".join(differs), advice=advice, provider=at.name)
