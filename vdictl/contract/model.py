"""The nouns: frozen, keyword-only dataclasses.

Times are aware UTC datetimes. Sizes are bytes, or named in the field (`memory_mib`, `disk_gib`). Money is `Decimal`
with a currency. An empty string or `None` means "not known", never a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
#: Given as a new expiry: it is to have none. Never in a mark, where `None` says so.
NEVER: Final = datetime.max.replace(microsecond=0, tzinfo=UTC)


class Secret:
    """A text that must not show: it prints as `***` everywhere. `reveal` at the last moment only."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap `text`."""
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not to be pickled")


class State(StrEnum):
    """What the machine does. Whether a person could work is `Health`, separately."""

    PENDING = "pending"  #: an unfinished create: a step of ours, or of the provider's, remains
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    PARKED = "parked"  #: no machine, only what it needs to come back
    DELETING = "deleting"
    FAILED = "failed"  #: `Desktop.reason` says why
    UNKNOWN = "unknown"


class Wish(StrEnum):
    """What the user wants in the end. Written before the first step of any change."""

    PRESENT = "present"
    STOPPED = "stopped"
    PARKED = "parked"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One change that a user asked for and that is still open."""

    verb: str  #: create, start, stop, restart, delete, snapshot, restore, remark, resize, ...
    token: str  #: random, not secret: proves whose work something is
    wish: Wish
    arguments: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class DesktopSpec:
    """What was asked for. `None` or empty: not asked, the provider or the settings decide. Holds no secret."""

    name: str
    owner: str
    fleet: str = "default"
    plan: str | None = None
    cpus: float | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    gpu: int | None = None
    region: str | None = None
    image: str | None = None
    flavor: str | None = None
    from_snapshot: str | None = None  #: id of a `Snapshot`
    home: str | None = None  #: name of a volume, or "none", or "ephemeral"; None: a volume named as the desktop
    sudo: bool = False  #: a writable system with root inside
    packages: tuple[str, ...] = ()
    git: str | None = None  #: URL without credentials, cloned into the home on first boot
    dotfiles: str | None = None  #: URL without credentials
    #: What the creating machine delivers over the tunnel: name ("env:FOO", "setup") -> short salted hash of its value.
    inputs: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    expires: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    options: Mapping[str, str] = field(default_factory=lambda: NOTHING)  #: a provider's own, named in its manifest


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What everything of ours carries at the provider. No secret is in it. `mark.encode` gives its text."""

    key: str  #: the token of the create: the desktop's key for life
    fleet: str
    owner: str
    name: str
    spec: DesktopSpec
    operation: Operation | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    expires: datetime | None = None
    engine: str = ""  #: "terraform" where an engine made it
    version: int = 1  #: of the mark itself; a newer one is read-only


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a thing costs. `Decimal`, never float."""

    amount: Decimal
    currency: str
    per: str = "hour"  #: hour | month


@dataclass(frozen=True, kw_only=True)
class Desktop:
    """A desktop as the provider sees it now. Marks and labels are always there; `spec` may be `None` in a list."""

    key: str
    id: str  #: the provider's own, may change with park, rebuild or restore
    provider: str
    fleet: str
    owner: str
    name: str
    state: State
    created: datetime
    spec: DesktopSpec | None = None
    operation: Operation | None = None  #: open, unfinished; `None`: nothing of ours remains to be done
    due: bool = False  #: `advance` would do a step now
    doing: str = ""  #: what goes on, for people: "building image xfce, step 4 of 9"
    progress: float | None = None  #: 0..1 of what goes on, where known
    reason: str = ""  #: why it is failed or unknown
    labels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    expires: datetime | None = None
    plan: str = ""
    region: str = ""
    image: str = ""
    address: str = ""
    home: str = ""  #: the volume's name, or "none" or "ephemeral"
    price: Price | None = None
    engine: str = ""
    mark_version: int = 1
    #: Delivered inputs the guest still waits for ("env:FOO"); only the creating machine has them.
    missing: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=lambda: NOTHING)  #: what else is worth showing ("network": "none")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One way in. `direct`: `host` and `port` can be reached from here; else ask `SupportsTunnel` for a way."""

    kind: str  #: vnc | http | ssh
    host: str = ""
    port: int = 0
    direct: bool = True
    primary: bool = False  #: health is measured here, and `connect` opens it
    username: str = ""
    token: Secret | None = None  #: opens the page (http)
    password: Secret | None = None  #: RFB authentication (vnc)
    fingerprint: str = ""  #: of the host key or certificate, pinned


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A size on offer."""

    id: str
    cpus: float
    memory_mib: int
    disk_gib: int | None = None
    gpu: int = 0
    gpu_model: str = ""
    family: str = ""
    price: Price | None = None
    regions: tuple[str, ...] = ()
    available: bool | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A place where a provider has machines."""

    id: str
    name: str
    country: str = ""
    available: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a desktop can be made from."""

    id: str
    name: str
    kind: str  #: flavor | os | app | iso | snapshot | custom
    ready: bool = True  #: False: it is built on first use
    size_bytes: int | None = None
    created: datetime | None = None
    note: str = ""
    used: bool | None = None  #: a desktop or a snapshot needs it; `None`: not known


@dataclass(frozen=True, kw_only=True)
class Work:
    """A long process of ours at the provider: an image build. Ask again to look; it never blocks."""

    id: str
    done: bool
    failed: bool = False
    doing: str = ""
    progress: float | None = None
    reason: str = ""
    log: str = ""  #: where the log is


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A desktop's state kept for later."""

    id: str
    name: str
    provider: str
    fleet: str
    owner: str
    desktop_key: str
    desktop_name: str
    created: datetime
    complete: bool  #: False: half made, or its making goes on
    size_bytes: int | None = None
    image: str = ""
    spec: DesktopSpec | None = None
    price: Price | None = None


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A disk that outlives desktops: a home."""

    id: str
    name: str
    provider: str
    fleet: str
    owner: str
    created: datetime
    attached_to: str = ""  #: key of a desktop
    size_bytes: int | None = None
    region: str = ""
    price: Price | None = None


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One step of the ladder from "exists" to "a person could work"."""

    name: str
    ok: bool | None  #: None: not looked at, because a rung below fails or it can't be seen from here
    detail: str = ""
    seconds: float | None = None  #: how long looking took
    fatal: bool = False  #: waiting will not heal it


@dataclass(frozen=True, kw_only=True)
class Health:
    """`usable`: a person could work now; `None`: it has no endpoint, or it can't be seen from here."""

    usable: bool | None
    rungs: tuple[Rung, ...] = ()

    @property
    def failing(self) -> Rung | None:
        """The first rung that does not hold."""
        return next((rung for rung in self.rungs if rung.ok is False), None)


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose credentials these are."""

    id: str
    name: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program whose standard streams are the way in (`exec`, `tunnel`, `logs`). No secret in `argv`."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)  #: the whole environment; empty: the caller's own
    #: Where the program does not pass signals on by itself: the command that does, with the signal's name ("TERM") as
    #: one more word; in the same environment. Empty: signals go to the program.
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hop:
    """One thing that must hold on the way from this machine to a desktop, as `doctor` looks at it."""

    name: str  #: engine | network | image | storage | ...
    ok: bool | None  #: None: it works, with less than there could be; or it could not be looked at
    detail: str = ""  #: the evidence
    cure: str = ""  #: what to do, where something is wrong


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine of the account that bears no mark: somebody else's, until it is adopted."""

    id: str
    name: str  #: what it is called there; need not be a name that a desktop can have
    state: State
    created: datetime
    plan: str = ""
    region: str = ""
    image: str = ""
    address: str = ""
    price: Price | None = None


@dataclass(frozen=True, kw_only=True)
class Stray:
    """Something that bears our mark and has no desktop."""

    id: str
    kind: str  #: machine | volume | snapshot | image | rule | key
    name: str
    fleet: str
    owner: str
    created: datetime | None = None
    price: Price | None = None
    why: str = ""
