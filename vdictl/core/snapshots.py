"""Which snapshots there are, on all configured providers at once, and which one is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from vdictl.contract.capabilities import SupportsSnapshots
from vdictl.contract.errors import Conflict, Invalid, NotFound, VdictlError
from vdictl.contract.mark import NAME, check_name
from vdictl.contract.model import DesktopSpec, Snapshot
from vdictl.core.context import Context
from vdictl.core.everywhere import ask
from vdictl.core.fanout import require_all
from vdictl.core.registry import Opened

#: What a provider's own id of a snapshot may look like, so that nothing else is looked for.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}")


@dataclass(frozen=True)
class Kept:
    """A snapshot and the provider that has it."""

    at: Opened
    snapshot: Snapshot


@dataclass(frozen=True)
class Shelf:
    """The snapshots that were found, and which providers could not be asked."""

    kept: Sequence[Kept]
    failures: Mapping[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)

    def choose(self, text: str, *, desktop: str = "", key: str = "") -> Kept:
        """The one that `text` means: its name, `DESKTOP/NAME`, or its id at the provider.

        `desktop` narrows it to snapshots of that desktop, living or gone. Where an earlier desktop of the same name
        has left one of the same name, `key` prefers that of the living one.

        Raises:
            Invalid: the text can be none of these, or several are meant; they are named with their ids.
            NotFound: there is none. Partial: there is none, and a provider did not answer.
        """
        owner, name = _parts(text, desktop)
        meant = [k for k in self.kept if k.snapshot.id == text and owner in ("", k.snapshot.desktop_name)]
        meant = meant or [k for k in self.kept if _is(k.snapshot, owner, name)]
        living = [k for k in meant if k.snapshot.desktop_key == key]
        found = living if len(living) == 1 else meant
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(name, found)
        self.require_complete()
        raise _missing(owner, name, [k.snapshot for k in self.kept])


def shelf(context: Context, only: str = "", *, everybody: bool = False) -> Shelf:
    """The caller's snapshots (`everybody`: those of every owner), also half-made ones, oldest first.

    Raises:
        Unsupported: the provider `only` takes no snapshots. What a single named provider raises.
    """
    told = ask(context, only, SupportsSnapshots, lambda able: able.snapshots(), to="take snapshots")
    names = {at: [(s.owner, f"{s.desktop_name}/{s.name}") for s in found] for at, found in told.given.items()}
    context.lexicon.keep("snapshot", names)
    kept = [Kept(context.open(name), s) for name, found in told.given.items() for s in found]
    mine = [k for k in kept if everybody or k.snapshot.owner == context.owner]
    return Shelf(sorted(mine, key=_order), told.failures)


def find_snapshot(context: Context, text: str, *, only: str = "") -> Kept:
    """The caller's snapshot that `text` means, fit to make a desktop from; see `Shelf.choose`.

    Raises:
        Conflict: it is half made.
    """
    _parts(text, "")  # what cannot be one is refused before anybody is asked
    return require_whole(shelf(context, only).choose(text))


def require_whole(kept: Kept) -> Kept:
    """Give it back, if it is complete.

    Raises:
        Conflict: it is half made, or its making goes on.
    """
    snapshot = kept.snapshot
    if snapshot.complete:
        return kept
    raise Conflict(
        f"The snapshot {snapshot.name} of {snapshot.desktop_name} is not complete.",
        advice=f"See whether it is still being made: vdictl snapshot list {snapshot.desktop_name}",
        provider=kept.at.name,
    )


def like(snapshot: Snapshot, now: DesktopSpec) -> DesktopSpec:
    """What to ask for, so that a new desktop is like the one that the snapshot was taken of.

    What is not asked now is as it was asked then: size, image, system. What was done once to the home (repository,
    dotfiles, set-up, delivered values) is in the snapshot; expiry and labels belong to the old desktop.
    """
    skipped: set[str] = set()
    for group in (_SIZE, _IMAGE):
        skipped |= set(group) if any(getattr(now, name) for name in group) else set()
    then = snapshot.spec
    old = {name: getattr(then, name) for name in (*_SIZE, *_IMAGE, *_SYSTEM) if name not in skipped} if then else {}
    if then and then.home in ("none", "ephemeral"):
        old["home"] = then.home  # any other is a name, and belongs to the old desktop
    return replace(now, **{n: v for n, v in old.items() if not getattr(now, n)}, from_snapshot=snapshot.id)


_SIZE = ("plan", "cpus", "memory_mib", "disk_gib", "gpu")
_IMAGE = ("image", "flavor")
_SYSTEM = ("region", "sudo", "packages", "options")


def _order(kept: Kept) -> tuple[object, ...]:
    snapshot = kept.snapshot
    return (snapshot.owner, snapshot.desktop_name, snapshot.created, snapshot.name, kept.at.name)


def _parts(text: str, desktop: str) -> tuple[str, str]:
    """Desktop (or an empty string) and name of the snapshot."""
    before, slash, after = text.partition("/")
    if slash and not desktop and NAME.fullmatch(before) and NAME.fullmatch(after):
        return before, after
    if not _ID.fullmatch(text):
        check_name("snapshot", text)
    return desktop, text


def _is(snapshot: Snapshot, desktop: str, name: str) -> bool:
    return snapshot.name == name and desktop in ("", snapshot.desktop_name)


def _ambiguous(name: str, found: Sequence[Kept]) -> Invalid:
    lines = [f"{k.snapshot.desktop_name}/{k.snapshot.name} ({k.at.name}, id {k.snapshot.id})" for k in found]
    advice = "Name it as DESKTOP/SNAPSHOT or by its id, or add -p PROVIDER."
    return Invalid(f"Several snapshots are called {name}.", details="\n".join(lines), advice=advice)


def _missing(desktop: str, name: str, there: Iterable[Snapshot]) -> NotFound:
    names = [s.name if desktop else f"{s.desktop_name}/{s.name}" for s in there if desktop in ("", s.desktop_name)]
    of_which = f" of {desktop}" if desktop else ""
    return NotFound(
        f"There is no snapshot called {name}{of_which}.",
        details=f"There are: {', '.join(names[:20])}." if names else "There are none.",
        advice="See all: vdictl snapshot list",
    )
