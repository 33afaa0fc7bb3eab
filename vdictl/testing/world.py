"""What a provider's author gives the conformance suite: how to open it, how time passes, what can be arranged."""

from __future__ import annotations

import importlib
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from vdictl.contract.errors import NotFound, NotReady
from vdictl.contract.model import Desktop, DesktopSpec, Endpoint, Image, Secret, State
from vdictl.contract.provider import Manifest, Provider

#: More steps than any operation has: who needs more is going round in circles.
MOST_STEPS: Final = 500
_ON_THE_WAY = {State.PENDING, State.STARTING, State.STOPPING, State.DELETING}


class Killed(BaseException):
    """Stands for SIGKILL: `World.cut` raises it inside the provider, which must not catch it."""


class Foreign(Protocol):
    """Things at the provider that look like ours and are not."""

    def untouched(self) -> bool:
        """Are they all there, as they were?"""
        ...

    def remove(self) -> None:
        """Take them away again."""
        ...


class Faults(Protocol):
    """Faults that this world can arrange."""

    #: Of: unavailable, reply-lost, rate-limited, auth-failed, quota, page-cut, stale-list, two-at-once.
    names: frozenset[str]

    def arm(self, name: str, on: str = "any", times: int = 1) -> None:
        """Let the next `times` calls fail that match `on`: any, read, write, create, delete, list."""
        ...

    def clear(self) -> None:
        """No more faults."""
        ...


class World:
    """One empty fleet of an account. Subclass it; only `package` and `open` are needed.

    Everything else has a sensible default, or is optional: a test that needs what a world does not have is left
    out and says so.
    """

    #: The importable package that has the MANIFEST.
    package: str = ""
    #: Name of a test -> why this provider does not pass it yet. A gap that has closed fails.
    gaps: Mapping[str, str] = {}
    #: Seconds, in this world's time, after which an operation that has not ended has failed.
    patience: float = 120.0
    #: Seconds between two looks.
    tick: float = 0.2
    #: Desktops that fill more than one page of the provider's list, where that is cheap.
    several: int = 3
    #: Options of every spec, for the smallest desktop there is: {"flavor": "minimal"}.
    small: Mapping[str, Any] = {}
    #: Secrets of the account: they must not show anywhere.
    secrets: Sequence[Secret] = ()
    #: Faults that can be arranged, if any.
    faults: Faults | None = None
    #: The owner of everything that the suite makes.
    owner: str = "suite"

    def __init__(self) -> None:
        """A new fleet."""
        self.fleet = f"t-{secrets.token_hex(4)}"
        self.fleets: set[str] = {self.fleet}

    # -- needed ------------------------------------------------------------------------------------------------------

    def open(self, *, fleet: str | None = None) -> Provider:
        """Open a provider as another machine with the same credentials would. `fleet=None`: the world's own."""
        raise NotImplementedError

    # -- optional ----------------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let time pass. By default real time."""
        threading.Event().wait(seconds)

    def raw_count(self) -> int:
        """How many objects of any kind the provider has of this world's fleets, half-made ones too."""
        raise NotImplementedError

    def raw_text(self) -> str:
        """Everything that the provider shows of them to whoever may look: labels, tags, descriptions, arguments."""
        raise NotImplementedError

    def foreign(self) -> Foreign:
        """Plant things that look like ours: our names, labels with other values, another sign."""
        raise NotImplementedError

    def newer(self, desktop: Desktop) -> None:
        """Rewrite the desktop's mark as a newer vdictl would: with a higher version."""
        raise NotImplementedError

    def outsider_stop(self, desktop: Desktop) -> None:
        """Stop its machine with the vendor's own tool."""
        raise NotImplementedError

    def outsider_remove(self, desktop: Desktop) -> None:
        """Remove its machine with the vendor's own tool."""
        raise NotImplementedError

    def cut(self, calls: int) -> AbstractContextManager[None]:
        """Within: the provider's requests go through until `calls` are done; then `Killed` is raised inside it."""
        raise NotImplementedError

    def image(self, provider: Any) -> Image:
        """An image to write to an archive and read back; by default the smallest that is there."""
        ready: list[Image] = [each for each in provider.images() if each.ready]
        return min(ready, key=lambda each: each.size_bytes or 0)

    # -- for the tests -----------------------------------------------------------------------------------------------

    def can(self, what: str) -> bool:
        """Is this optional part there?"""
        return getattr(type(self), what) is not getattr(World, what)

    @property
    def manifest(self) -> Manifest:
        """The provider's manifest."""
        manifest: Manifest = importlib.import_module(self.package).MANIFEST
        return manifest

    def spec(self, name: str = "one", **changes: Any) -> DesktopSpec:
        """A request for a small desktop."""
        given: dict[str, Any] = {"name": name, "owner": self.owner, "fleet": self.fleet, **self.small, **changes}
        return DesktopSpec(**given)

    def list_lag(self) -> None:
        """Wait until lists show what was made, and no more what is gone."""
        if self.manifest.list_lag:
            self.pass_time(self.manifest.list_lag)

    def settle(self, provider: Provider, desktop: Desktop) -> Desktop | None:
        """Advance until nothing of ours remains to be done; `None`: the desktop is gone.

        Raises:
            AssertionError: it failed, or `patience` has passed.
        """
        passed, steps = 0.0, 0
        while passed <= self.patience and steps < MOST_STEPS:
            steps += 1
            try:
                desktop = provider.advance(desktop)
            except NotFound:
                return None
            if desktop.state is State.FAILED:
                raise AssertionError(f"{desktop.name} has failed: {desktop.reason}")
            if desktop.operation is None and desktop.state not in _ON_THE_WAY:
                return desktop
            if not desktop.due:
                self.pass_time(self.tick)
                passed += self.tick
        raise AssertionError(f"not settled after {passed:.0f} s and {steps} steps: {desktop}")

    def made(self, provider: Provider, name: str = "one", **changes: Any) -> Desktop:
        """A desktop that runs."""
        desktop = provider.create(self.spec(name, **changes), token=new_token())
        settled = self.settle(provider, desktop)
        assert settled is not None, f"{name} was created, and is not there"
        assert settled.state is State.RUNNING, f"{name} was created, and is {settled.state}: {settled.reason}"
        return settled

    def gone(self, provider: Provider, desktop: Desktop, *also: str) -> None:
        """Delete a desktop and wait until it is gone, from lists too."""
        left = provider.delete(desktop, also=frozenset(also))
        if left is not None:
            settled = self.settle(provider, left)
            assert settled is None, f"deleted, and still {settled.state if settled else ''}"
        self.list_lag()

    def ways(self, provider: Provider, desktop: Desktop) -> Sequence[Endpoint]:
        """Its endpoints, once they are ready."""
        passed = 0.0
        while True:
            try:
                return provider.endpoints(desktop)
            except NotReady:
                if passed > self.patience:
                    raise
                self.pass_time(self.tick)
                passed += self.tick

    def clean(self) -> None:
        """Remove all desktops of this world's fleets with their homes and snapshots: for the fixture's end."""
        for fleet in sorted(self.fleets):
            provider = self.open(fleet=fleet)
            try:
                for desktop in list(provider.desktops()):
                    self.gone(provider, desktop, "homes", "snapshots")
                self._clean_kept(provider)
            finally:
                provider.close()

    def _clean_kept(self, provider: Any) -> None:
        capabilities = self.manifest.capabilities
        if "SupportsSnapshots" in capabilities:
            for snapshot in list(provider.snapshots()):
                provider.snapshot_delete(snapshot)
        if "SupportsVolumes" in capabilities:
            for volume in list(provider.volumes()):
                provider.volume_delete(volume)


def new_token() -> str:
    """A token as the core makes it."""
    return secrets.token_hex(8)
