"""Optional verbs, a Protocol each. The manifest lists the names of those that a provider has.

Every verb that changes something takes the operation's `token`, opens the operation (the wish is written first) and
gives the desktop back; the core calls `advance` until no operation is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from vdictl.contract.model import (
    Command,
    Desktop,
    DesktopSpec,
    Endpoint,
    Hop,
    Image,
    Machine,
    Plan,
    Price,
    Region,
    Secret,
    Snapshot,
    Stray,
    Volume,
    Work,
)


class SupportsPower(Protocol):
    """Switch on and off. What is already so is success."""

    def start(self, desktop: Desktop, *, token: str) -> Desktop:
        """Start a stopped desktop."""
        ...

    def stop(self, desktop: Desktop, *, token: str, grace: float) -> Desktop:
        """Stop it; after `grace` seconds hard."""
        ...

    def restart(self, desktop: Desktop, *, token: str) -> Desktop:
        """Stop and start; never twice for one token."""
        ...


class SupportsSnapshots(Protocol):
    """Keep a desktop's state. A clone is a `create` whose spec has `from_snapshot`."""

    def snapshots(self) -> Iterable[Snapshot]:
        """All of the fleet, also half-made ones and those whose desktop is gone."""
        ...

    def snapshot_create(self, desktop: Desktop, name: str, *, token: str) -> Desktop:
        """Begin a snapshot. Conflict if the desktop has one of this name."""
        ...

    def snapshot_delete(self, snapshot: Snapshot) -> None:
        """Remove it; already gone is success."""
        ...

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot, *, token: str) -> Desktop:
        """Begin to put the desktop back to the snapshot, in place. Never done twice for one token."""
        ...


class SupportsVolumes(Protocol):
    """Homes, which outlive desktops."""

    def volumes(self, *, measure: bool = False) -> Iterable[Volume]:
        """All of the fleet that are whole. `measure`: with their sizes, also where finding out takes a while."""
        ...

    def volume_create(
        self, name: str, *, owner: str, fleet: str, token: str, size_gib: int | None = None, region: str = ""
    ) -> Volume:
        """Make an empty one. The same token gives the same volume.

        Raises:
            Conflict: the owner has one of this name. Invalid: no such region. Unsupported: no sizes here.
        """
        ...

    def volume_delete(self, volume: Volume) -> None:
        """Remove it; Conflict while a desktop uses it; already gone is success."""
        ...


class SupportsAttach(Protocol):
    """Give a desktop another home. It must be stopped: else Conflict. What is already so is success."""

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        """Begin to make `volume` its home, in the place of the one it has, which stays. Conflict: it is in use."""
        ...

    def volume_detach(self, desktop: Desktop, *, token: str) -> Desktop:
        """Begin to take its home away, which stays. What the desktop has in its place goes with the desktop."""
        ...


class SupportsTransfer(Protocol):
    """Homes as tar archives: names are relative, owners are numbers, as inside a desktop."""

    def volume_export(self, volume: Volume) -> Command:
        """A command that writes what is in it to its stdout, and ends with 0 only if that is whole."""
        ...

    def volume_import(self, name: str, *, owner: str, fleet: str, token: str, replace: bool = False) -> Command:
        """Make room for a home that does not count yet; the command unpacks a tar from its stdin there.

        It counts from `volume_import_finish` on. The room of an import that was killed is removed by the next one of
        this name, and is a stray until then.

        Raises:
            Conflict: the owner has one of this name, unless `replace`; a desktop uses it; another import of it runs.
        """
        ...

    def volume_import_finish(self, name: str, *, owner: str, fleet: str, token: str) -> Volume:
        """The command has ended well: let it count, in the place of what was there. Again with the token: as before.

        Raises:
            Conflict: a desktop took the name up meanwhile, or the room was removed.
        """
        ...

    def volume_import_drop(self, name: str, *, owner: str, fleet: str, token: str) -> None:
        """It has failed: remove its room. Already gone, or already counting, is success."""
        ...


class SupportsCatalogue(Protocol):
    """What is on offer."""

    def plans(self) -> Iterable[Plan]:
        """Sizes, cheapest first."""
        ...

    def regions(self) -> Iterable[Region]:
        """Places; empty where there is just one."""
        ...


class SupportsImages(Protocol):
    """What desktops are made from."""

    def images(self) -> Iterable[Image]:
        """Those that are there, and those that would be built on first use."""
        ...

    def image_build(self, name: str, *, packages: Sequence[str] = (), retry: bool = False) -> Work:
        """Begin the build, or look at it if it runs. `retry` begins a failed one again."""
        ...

    def image_delete(self, image: Image) -> None:
        """Remove it; Conflict while in use."""
        ...


class SupportsImageTransfer(Protocol):
    """Images as archives, and into registries."""

    def image_save(self, image: Image) -> Command:
        """A command that writes it as a tar to its stdout, and ends with 0 only if that is whole."""
        ...

    def image_load(self) -> Command:
        """A command that takes such a tar from its stdin; what it prints is for `image_loaded`."""
        ...

    def image_loaded(self, said: str) -> Sequence[Image]:
        """The images that came with a load, by what its command printed.

        Raises:
            Invalid: none from which a desktop could be made.
        """
        ...

    def image_push(self, image: Image, reference: str) -> Command:
        """A command that pushes it to a registry, with the login that is there: no credential is in it.

        Raises:
            Invalid: that is no reference.
        """
        ...


class SupportsExec(Protocol):
    """Run a program inside."""

    def exec(self, desktop: Desktop, argv: Sequence[str], *, tty: bool = False) -> Command:
        """The command that runs `argv` as the desktop's user, passing streams, signals and the exit code through."""
        ...


class SupportsTunnel(Protocol):
    """Reach an endpoint that is not `direct`."""

    def tunnel(self, desktop: Desktop, endpoint: Endpoint) -> Command:
        """A command whose stdin and stdout are one connection to the endpoint."""
        ...


class SupportsLogs(Protocol):
    """What it said while it started and ran."""

    def logs(self, desktop: Desktop, *, follow: bool = False, tail: int | None = None) -> Command:
        """A command that prints the log, oldest line first."""
        ...


class SupportsActivity(Protocol):
    """When somebody last worked."""

    def idle_seconds(self, desktop: Desktop) -> float | None:
        """Seconds since the last key or pointer event; `None`: not known."""
        ...


class SupportsMark(Protocol):
    """Rewrite the mark: name, labels, expiry. `mark.remarked` says what becomes of it."""

    def remark(
        self,
        desktop: Desktop,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        expires: datetime | None = None,
    ) -> Desktop:
        """Change what is given. The key, the home and what runs stay as they are.

        `name`: free for the same owner, else Conflict; the old one is free afterwards. `labels`: set these, take away
        those that are `None`, keep the others, so that two at once both count. `expires`: `NEVER` takes the end away.
        The guest's own timer moves with it: at once where it runs, else before the old one could end its next start.
        """
        ...


class SupportsAdopt(Protocol):
    """Take machines that were made without vdictl."""

    def machines(self) -> Iterable[Machine]:
        """All of the account that bear no mark of any fleet and version, every page."""
        ...

    def adopt(self, id: str, spec: DesktopSpec, *, token: str) -> Desktop:
        """Write a mark on this one; nothing that runs is touched. The same token gives the same desktop.

        Of `spec` the name, owner, fleet, labels and expiry count; what it is, the provider adds. It has no home.

        Raises:
            NotFound: there is no such machine. Conflict: it bears a mark already, or the name is taken.
        """
        ...


class SupportsResize(Protocol):
    """Another size. The manifest's `resize_restarts` says whether what runs is ended by it."""

    def resize(self, desktop: Desktop, spec: DesktopSpec, *, token: str) -> Desktop:
        """Begin to change to the size that `spec` asks for (`mark.SIZE`; nothing else of it counts).

        It becomes what was asked of the desktop. What is stopped stays stopped. A size that cannot be had is refused
        before anything is changed: Invalid, QuotaExceeded, Unsupported.
        """
        ...


class SupportsPark(Protocol):
    """Give the machine back and keep what it needs to return."""

    def park(self, desktop: Desktop, *, token: str) -> Desktop:
        """Begin to park. `start` brings it back."""
        ...


class SupportsConsole(Protocol):
    """The provider's own console."""

    def console(self, desktop: Desktop) -> Secret:
        """A URL that opens it; secret."""
        ...


class SupportsStrays(Protocol):
    """Find and remove what has lost its desktop."""

    def strays(self) -> Iterable[Stray]:
        """All of the fleet."""
        ...

    def stray_delete(self, stray: Stray) -> None:
        """Remove it; already gone is success."""
        ...


class SupportsWatch(Protocol):
    """Tell of changes, so that nobody polls."""

    def watch(self) -> Iterator[Desktop]:
        """Desktops as they change. Blocks; the core runs it in a thread of its own."""
        ...


class SupportsBilling(Protocol):
    """What has been spent."""

    def spent(self) -> Mapping[str, Price]:
        """Key of a desktop -> what it has cost so far."""
        ...


class SupportsExpose(Protocol):
    """Make a desktop reachable for others, never without a login."""

    def expose(self, desktop: Desktop, host: str, *, token: str) -> Desktop:
        """Begin to expose it under `host`."""
        ...


class SupportsDoctor(Protocol):
    """Say what is wrong on the way to it, beyond what `check` tells."""

    def hops(self) -> Iterable[Hop]:
        """What must hold, nearest first. Looks and changes nothing; what fails is a `Hop`, not an error."""
        ...
