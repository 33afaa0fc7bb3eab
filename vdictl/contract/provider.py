"""The verbs: what every provider can do. Optional ones are in `capabilities`.

A provider answers at once. It never sleeps, retries, prints, prompts, starts threads or reads the environment: the
core owns time. It translates foreign errors into `vdictl.contract.errors` at its border.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from vdictl.contract.model import NOTHING, Account, Desktop, DesktopSpec, Endpoint, Secret

CONTRACT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a provider: `[providers.NAME] setting = ...` in the config, or one of its variables."""

    name: str
    summary: str
    variables: tuple[str, ...] = ()  #: of the environment, first that is set wins: the vendor's own names
    secret: bool = False
    required: bool = False
    default: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the core must know before it imports a provider's code. Lives in the package's `__init__` as `MANIFEST`."""

    name: str
    title: str
    summary: str
    entry: str  #: "package.module:Class"
    capabilities: frozenset[str] = frozenset()  #: class names of `vdictl.contract.capabilities`
    settings: tuple[Setting, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: NOTHING)  #: own create options: name -> summary
    extra: str = ""  #: the pip extra that brings what it needs
    contract: int = CONTRACT_VERSION
    list_lag: float = 0.0  #: seconds after which a new desktop is certainly listed
    timestamp_unit: float = 1.0  #: seconds: resolution of the provider's creation times
    requests_per_second: float | None = None  #: the published limit, for the client-side token bucket
    cheap_check: bool = False  #: no credentials are needed: configured means that `check` succeeds
    guest_timer: bool = False  #: what runs inside stops the desktop when its time is over; else only `gc` ends it
    kept_costs: bool = True  #: what stays after a destroy (homes, snapshots) costs money
    resize_restarts: bool = False  #: `resize` stops and starts what runs: its programs end


def _unthrottled() -> None:
    """No published limit: nothing to wait for."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the core hands to `open`: resolved settings, and where caches may be kept."""

    values: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    fleet: str | None = "default"  #: None: all fleets
    state_dir: Path = field(default_factory=Path)  #: caches, logs of builds: deleting it loses nothing
    environment: Mapping[str, str] = field(default_factory=dict)  #: for child processes only
    throttle: Callable[[], None] = _unthrottled  #: call it before each request; it waits while the limit is reached


class Provider(Protocol):
    """A place where desktops live."""

    @classmethod
    def open(cls, settings: Settings, *, timeout: float) -> Self:
        """Make a provider. No I/O; every client it makes gets the time limit (seconds).

        Raises:
            NotConfigured: a required setting is missing.
        """
        ...

    def close(self) -> None:
        """Let go of connections. Twice is fine."""
        ...

    def check(self) -> Account:
        """One cheap, authenticated read: are the credentials good, and whose are they?

        Raises:
            AuthFailed, NotConfigured, Unavailable.
        """
        ...

    def desktops(self) -> Iterable[Desktop]:
        """All of the fleet that bear our mark, every page. A page that fails raises: half a list is no list."""
        ...

    def desktop(self, key: str) -> Desktop:
        """The one with this key, with its `spec`.

        Raises:
            NotFound: a successful call said that it is not there.
        """
        ...

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        """Write the mark and do the first step, at once; gives it back PENDING (or further).

        The same token gives the same desktop, however often it is sent. The token becomes the desktop's key.

        Raises:
            Invalid, Conflict (the name or home is taken), QuotaExceeded, Unsupported; ReplyLost: look for the token.
        """
        ...

    def advance(self, desktop: Desktop) -> Desktop:
        """Do the next step of the open operation if one is due; else give the desktop back as it is now.

        Idempotent, never blocks, and writes no wish. Two at once do one step.

        Raises:
            NotFound: the operation was a delete, and it is done (or somebody else removed the desktop).
        """
        ...

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        """Open the delete: the wish first, then the first step. `None`: it is gone. Already gone is success.

        `also` names what goes with it: "homes", "snapshots". What bears the mark goes last.
        """
        ...

    def endpoints(self, desktop: Desktop) -> Sequence[Endpoint]:
        """The ways in, secrets included.

        Raises:
            NotReady: while PENDING or not running.
        """
        ...
