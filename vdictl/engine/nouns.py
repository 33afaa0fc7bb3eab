"""What an engine holds: containers, volumes, images, in one shape for Podman and Docker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

State = Literal["created", "running", "paused", "restarting", "stopping", "exited", "removing", "dead", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container. `ports`: container port -> port on the host's 127.0.0.1 (TCP only). `created`: aware, UTC."""

    id: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    state: State
    exit_code: int | None = None
    created: datetime
    image: str = ""
    image_id: str = ""
    ports: Mapping[int, int] = field(default_factory=dict)
    started: datetime | None = None
    finished: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A named volume. `created`: aware, UTC (whole seconds on Docker).

    `fresh`: Podman says that no container has had it yet; the first one gives it an owner.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image. `digest` is the manifest's (Docker knows one only for pulled images: else the id, `sha256:...`)."""

    id: str
    digest: str
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime
    size_bytes: int
