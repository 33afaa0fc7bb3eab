"""Names and labels of everything the local provider makes: pure, and one-to-one with what they stand for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

SIGN: Final = "vdictl.sign"  #: "1" on all that is ours
KIND: Final = "vdictl.kind"  #: desktop | mark | home | state | snapshot | done | copy
KEY: Final = "vdictl.key"
FLEET: Final = "vdictl.fleet"
OWNER: Final = "vdictl.owner"
NAME: Final = "vdictl.name"  #: of the desktop
MARK: Final = "vdictl.mark"  #: the mark's text, see `pack`
GENERATION: Final = "vdictl.generation"
CREATED: Final = "vdictl.created"  #: on the claim of a later name: when the desktop was made
NONCE: Final = "vdictl.nonce"  #: random: tells whose `volume create` it was where the engine takes a name twice
TOKEN: Final = "vdictl.token"  # noqa: S105 - a label: the operation that made it
COPY: Final = "vdictl.copy"  #: token of the copy that fills a volume: whole only once the copy's done-marker is there
VOLUME: Final = "vdictl.volume"  #: a home's name
HOME: Final = "vdictl.home"  #: on a container: the engine's volume that is its home
PLAN: Final = "vdictl.plan"
NETWORK: Final = "vdictl.network"  #: loopback | none
SYSTEM: Final = "vdictl.system"  #: read-only | writable
LIMITS: Final = "vdictl.limits"  #: enforced | ignored
SNAPSHOT: Final = "vdictl.snapshot"  #: a snapshot's name
IMAGE: Final = "vdictl.from"  #: the image a snapshot was taken of, or holds
DIGEST: Final = "vdictl.digest"
FLAVOR: Final = "vdictl.flavor"
SIZE: Final = "vdictl.size"

SNAPSHOT_IMAGES: Final = "localhost/vdictl/snapshot"

_PLAIN = re.compile(r"[a-z0-9]{1,40}")


@dataclass(frozen=True, order=True, slots=True)
class Who:
    """A desktop by its full name."""

    fleet: str
    owner: str
    name: str

    @property
    def container(self) -> str:
        """Its container. Fleet and owner lose their '-' to '_' (which neither can have), so the join is one-to-one."""
        return f"{self.prefix}-{self.name}"

    @property
    def prefix(self) -> str:
        """What the names of all of this owner's begin with."""
        return f"vdictl-{_part(self.fleet)}-{_part(self.owner)}"

    @property
    def claim(self) -> str:
        """The marker volume that claims the name; it lives as long as the desktop has it."""
        return f"{self.container}.mark"

    def record(self, key: str, generation: int) -> str:
        """A later marker volume: the mark as it was changed. Without the desktop's name: that may be the change."""
        return f"{self.prefix}.mark.{short(key)}.{generation}"

    def state(self, key: str) -> str:
        """The guest's private state; dies with the desktop."""
        return f"{self.container}.state.{short(key)}"

    def snapshot(self, name: str) -> str:
        """A snapshot's volume."""
        return f"{self.container}.snap.{name}"

    def done(self, token: str) -> str:
        """The done-marker of a copy."""
        return f"{self.container}.done.{short(token)}"

    def copy(self, token: str) -> str:
        """The helper container of a copy."""
        return f"{self.container}.copy.{short(token)}"

    def labels(self, kind: str, key: str) -> dict[str, str]:
        """What everything of this desktop bears."""
        return {SIGN: "1", KIND: kind, KEY: key, FLEET: self.fleet, OWNER: self.owner, NAME: self.name}


@dataclass(frozen=True, order=True, slots=True)
class HomeName:
    """A home: it belongs to an owner, not to a desktop, unless it is `scratch` (ephemeral)."""

    fleet: str
    owner: str
    name: str
    scratch: bool = False

    @property
    def id(self) -> str:
        """The engine's volumes are called so, with the number of their generation behind it."""
        kind = "scratch" if self.scratch else "home"
        return f"vdictl-{_part(self.fleet)}-{_part(self.owner)}-{self.name}.{kind}"

    @property
    def lock(self) -> Who:
        """What is locked where somebody takes it up, or makes it."""
        return Who(self.fleet, self.owner, f"{self.name}.home")

    def volume(self, generation: int) -> str:
        """The engine's volume of a generation."""
        return f"{self.id}.{generation}"

    def labels(self, key: str, generation: int) -> dict[str, str]:
        """What a generation bears; `key` is the desktop that made it."""
        return {
            SIGN: "1",
            KIND: "scratch" if self.scratch else "home",
            KEY: key,
            FLEET: self.fleet,
            OWNER: self.owner,
            VOLUME: self.name,
            GENERATION: str(generation),
        }


def short(token: str) -> str:
    """A token as part of a name: itself where it is plain, else a hash."""
    return token if _PLAIN.fullmatch(token) else hashlib.sha256(token.encode()).hexdigest()[:16]


def pack(text: str) -> str:
    """Any text as a label's value: Podman reads `volume create --label` as CSV, so no comma and no quote may be in."""
    return quote(text, safe="{}[]:/@+=._~-")


def unpack(value: str) -> str:
    """The text that `pack` was given."""
    return unquote(value)


def label_flags(labels: Mapping[str, str]) -> list[str]:
    """`--label` arguments, sorted."""
    return [word for name in sorted(labels) for word in ("--label", f"{name}={labels[name]}")]


def _part(text: str) -> str:
    return text.replace("-", "_")
