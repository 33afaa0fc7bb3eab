"""What an engine holds, in one shape for Podman and Docker: containers, volumes, images, with their labels whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from vdictl.engine.engine import Completed, Engine
from vdictl.engine.errors import EngineError, NoSuchObject, translate

State = Literal[
    "created", "running", "paused", "restarting", "stopping", "exited", "removing", "dead", "unknown"
]

# Podman's own words for stages that mean the same to us; what is not here is taken as it is.
_STATES: Mapping[str, State] = {
    "configured": "created",
    "initialized": "created",
    "created": "created",
    "running": "running",
    "paused": "paused",
    "restarting": "restarting",
    "stopping": "stopping",
    "stopped": "exited",
    "exited": "exited",
    "removing": "removing",
    "dead": "dead",
}
_LOOPBACK = frozenset({"127.0.0.1", "0.0.0.0", ""})  # noqa: S104 - read, not bound: both are reached over loopback
_EPOCH = datetime.fromtimestamp(0, UTC)


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
    """A named volume. `created`: aware, UTC (whole seconds on Docker)."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image. `digest` is the manifest's (Docker knows one only for pulled images: else the id, `sha256:...`)."""

    id: str
    digest: str
    tags: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime
    size_bytes: int


def list_containers(engine: Engine, *, label: str | None = None) -> list[Container]:
    """All containers in whatever state, of one label (`key` or `key=value`). One call on Podman, two on Docker."""
    return _list(engine, (_CONTAINERS,), label)[0]


def list_volumes(engine: Engine, *, label: str | None = None) -> list[Volume]:
    """All named volumes of one label (`key` or `key=value`). One call on Podman, two on Docker."""
    return _list(engine, (_VOLUMES,), label)[0]


def list_images(engine: Engine, *, label: str | None = None) -> list[Image]:
    """All images, dangling ones too, of one label (`key` or `key=value`). One call on Podman, two on Docker."""
    return _list(engine, (_IMAGES,), label)[0]


def snapshot_of_everything(engine: Engine, label: str | None = None) -> tuple[list[Container], list[Volume]]:
    """Containers and volumes of one label, asked for at the same time (Docker: twice two calls at the same time)."""
    containers, volumes = _list(engine, (_CONTAINERS, _VOLUMES), label)
    return containers, volumes


def inspect_container(engine: Engine, name: str) -> Container:
    """One container by name or id. Raises NoSuchObject."""
    return container_from_inspect(_one(engine.run("container", "inspect", name)))


def inspect_volume(engine: Engine, name: str) -> Volume:
    """One volume by name. Raises NoSuchObject."""
    return volume_from(_one(engine.run("volume", "inspect", name)))


def inspect_image(engine: Engine, name: str) -> Image:
    """One image by tag, id or digest. Raises NoSuchObject."""
    return image_from_inspect(_one(engine.run("image", "inspect", name)))


def image_id(engine: Engine, tag: str) -> str | None:
    """The id (`sha256:...`) of an image, or None where there is none of that tag."""
    try:
        return "sha256:" + engine.run("image", "inspect", "--format", "{{.Id}}", tag).strip().removeprefix("sha256:")
    except NoSuchObject:
        return None
