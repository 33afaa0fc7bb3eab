"""An engine found on this machine, and what stands in its way; light, for it is read at every start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vdictl.engine.engine import Engine, Kind, Traits
from vdictl.engine.errors import EngineError


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something that stands in the way: what, how we know, the cure, and whether vdictl applied it by itself."""

    what: str
    evidence: str
    cure: str
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An engine installed here. `extra` is what its environment needs besides the caller's; `error`: why it is silent.

    `address` is where Docker's daemon listens (empty: not known, or Podman, which has none).
    """

    kind: Kind
    binary: str
    answers: bool
    traits: Traits = field(default_factory=Traits)
    obstacles: tuple[Obstacle, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    error: EngineError | None = None

    @property
    def version(self) -> str:
        """The engine's own version; empty where it does not answer."""
        return self.traits.version

    @property
    def rootless(self) -> bool:
        """It runs in a user namespace, without the rights of root."""
        return self.traits.rootless

    @property
    def cgroup_version(self) -> str:
        """Control groups: `1`, `2` or empty."""
        return self.traits.cgroup_version

    def engine(self, env: Mapping[str, str], *, timeout: float, facts: Path | None = None) -> Engine:
        """The means to give it orders."""
        return Engine(self.kind, self.binary, {**env, **self.extra}, timeout, self.traits, facts)
