"""Lists and looks at what an engine holds, with labels whole and in as few calls as the engine allows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vdictl.engine.engine import Completed, Engine
from vdictl.engine.errors import EngineError, NoSuchObject
from vdictl.engine.nouns import Container, Image, State, Volume
from vdictl.engine.rows import (
    container_from_inspect,
    container_from_podman,
    image_from_inspect,
    image_from_podman,
    volume_from,
)

__all__ = [
    "Container",
    "Image",
    "State",
    "Volume",
    "image_id",
    "inspect_container",
    "inspect_image",
    "inspect_volume",
    "list_containers",
    "list_images",
    "list_volumes",
    "snapshot_of_everything",
]


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


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of object is listed: in one call where labels come whole, else ids first and then inspect.

    `docker ps --format json` joins labels by commas, and ours hold JSON; only inspect gives them whole.
    """

    podman: tuple[str, ...]
    docker_ids: tuple[str, ...]
    docker_inspect: tuple[str, ...]
    from_podman: Callable[[Any], Any]
    from_docker: Callable[[Any], Any]


def _list(engine: Engine, kinds: Sequence[_Kind], label: str | None) -> list[list[Any]]:
    wanted = _filter(label)
    if engine.kind == "podman":
        texts = engine.together(*((*kind.podman, *wanted) for kind in kinds))
        rows = [_rows(engine, text) for text in texts]
        found = [[kind.from_podman(row) for row in some] for kind, some in zip(kinds, rows, strict=True)]
    else:
        rows = _inspect_all(engine, kinds, wanted)
        found = [[kind.from_docker(row) for row in some] for kind, some in zip(kinds, rows, strict=True)]
    return [[thing for thing in some if _has(thing.labels, label)] for some in found]


def _filter(label: str | None) -> tuple[str, ...]:
    # Before 4.6 Podman splits a filter at its commas; such a value is looked for by its key, and compared by us.
    if label and any(letter in label for letter in ',"\n'):
        label = label.partition("=")[0]
    return ("--filter", f"label={label}") if label else ()


def _inspect_all(engine: Engine, kinds: Sequence[_Kind], wanted: tuple[str, ...]) -> list[list[Any]]:
    ids = [sorted(set(text.split())) for text in engine.together(*((*kind.docker_ids, *wanted) for kind in kinds))]
    asked = [number for number, some in enumerate(ids) if some]
    answers = engine.call_together(*((*kinds[number].docker_inspect, *ids[number]) for number in asked))
    rows: list[list[Any]] = [[] for _ in kinds]
    for number, answer in zip(asked, answers, strict=True):
        _check_inspect(engine, answer)
        rows[number] = _rows(engine, answer.stdout)
    return rows


def _check_inspect(engine: Engine, answer: Completed) -> None:
    # What goes away between the two calls makes inspect fail, but the others are printed all the same.
    if answer.exit_code != 0:
        error = engine.error(answer)
        if not isinstance(error, NoSuchObject):
            raise error


def _rows(engine: Engine, text: str) -> list[Any]:
    try:
        rows = json.loads(text or "[]")
    except ValueError as error:
        raise EngineError(
            f"the container engine {engine.binary} gave an answer that is not JSON",
            details=text[:500],
            advice="Is it really Podman or Docker? See `vdictl doctor`.",
        ) from error
    return rows if isinstance(rows, list) else [rows]


def _has(labels: Mapping[str, str], label: str | None) -> bool:
    # The engines' own filter is trusted for speed only: Podman 4 takes patterns in it.
    if label is None:
        return True
    key, equals, value = label.partition("=")
    return key in labels and (not equals or labels[key] == value)


def _one(text: str) -> Any:
    rows = json.loads(text)
    return rows[0] if isinstance(rows, list) else rows


_CONTAINERS = _Kind(
    podman=("ps", "--all", "--no-trunc", "--format", "json"),
    docker_ids=("ps", "--all", "--quiet", "--no-trunc"),
    docker_inspect=("container", "inspect"),
    from_podman=container_from_podman,
    from_docker=container_from_inspect,
)
_VOLUMES = _Kind(
    podman=("volume", "ls", "--format", "json"),
    docker_ids=("volume", "ls", "--quiet"),
    docker_inspect=("volume", "inspect"),
    from_podman=volume_from,
    from_docker=volume_from,
)
_IMAGES = _Kind(
    podman=("images", "--no-trunc", "--format", "json"),
    docker_ids=("images", "--quiet", "--no-trunc"),
    docker_inspect=("image", "inspect"),
    from_podman=image_from_podman,
    from_docker=image_from_inspect,
)
