"""From the engines' JSON to our nouns: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from vdictl.engine.nouns import Container, Image, State, Volume

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


def container_from_podman(row: Any) -> Container:
    """A row of `podman ps --format json`."""
    names = row.get("Names") or [""]
    return Container(
        id=row["Id"],
        name=names[0] if isinstance(names, list) else str(names),
        labels=row.get("Labels") or {},
        state=_STATES.get(str(row.get("State", "")).lower(), "unknown"),
        exit_code=row.get("ExitCode") if row.get("Exited") else None,
        created=moment(row.get("Created")),
        image=row.get("Image") or "",
        image_id=_sha(row.get("ImageID")),
        ports=_podman_ports(row.get("Ports") or ()),
        started=_moment_or_none(row.get("StartedAt")),
        finished=_moment_or_none(row.get("ExitedAt")) if row.get("Exited") else None,
    )


def container_from_inspect(row: Any) -> Container:
    """One element of `podman container inspect` or `docker container inspect`."""
    state = row.get("State") or {}
    word = _STATES.get(str(state.get("Status", "")).lower(), "unknown")
    over = word in ("exited", "dead")
    return Container(
        id=row["Id"],
        name=str(row.get("Name", "")).removeprefix("/"),
        labels=(row.get("Config") or {}).get("Labels") or {},
        state=word,
        exit_code=state.get("ExitCode") if over else None,
        created=moment(row.get("Created")),
        image=row.get("ImageName") or (row.get("Config") or {}).get("Image") or "",
        image_id=_sha(row.get("Image")),
        ports=_inspect_ports((row.get("NetworkSettings") or {}).get("Ports") or {}),
        started=_moment_or_none(state.get("StartedAt")),
        finished=_moment_or_none(state.get("FinishedAt")) if over else None,
    )


def volume_from(row: Any) -> Volume:
    """A row of `podman volume ls`, `podman volume inspect` or `docker volume inspect`."""
    return Volume(
        name=row["Name"],
        labels=row.get("Labels") or {},
        created=moment(row.get("CreatedAt")),
        fresh=bool(row.get("NeedsChown")),
    )


def image_from_podman(row: Any) -> Image:
    """A row of `podman images --format json`."""
    return Image(
        id=_sha(row["Id"]),
        digest=row.get("Digest") or _sha(row["Id"]),
        tags=tuple(row.get("Names") or row.get("RepoTags") or ()),
        labels=row.get("Labels") or {},
        created=moment(row.get("Created")),
        size_bytes=int(row.get("Size") or 0),
    )


def image_from_inspect(row: Any) -> Image:
    """One element of `podman image inspect` or `docker image inspect`."""
    pulled = [str(name).partition("@")[2] for name in row.get("RepoDigests") or ()]
    labels = row.get("Labels") or (row.get("Config") or {}).get("Labels") or {}
    return Image(
        id=_sha(row["Id"]),
        digest=row.get("Digest") or (pulled[0] if pulled else _sha(row["Id"])),
        tags=tuple(row.get("RepoTags") or ()),
        labels=labels,
        created=moment(row.get("Created")),
        size_bytes=int(row.get("Size") or 0),
    )


def moment(value: Any) -> datetime:
    """An engine's time, in whatever form, as an aware UTC datetime; the epoch where it says nothing."""
    if isinstance(value, int | float) and value > 0:
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str) and value:
        try:
            told = datetime.fromisoformat(value)
        except ValueError:
            return _EPOCH
        return max((told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC), _EPOCH)
    return _EPOCH


def _moment_or_none(value: Any) -> datetime | None:
    told = moment(value)
    return told if told > _EPOCH else None


def _sha(value: Any) -> str:
    text = str(value or "")
    return text if not text or text.startswith("sha256:") else f"sha256:{text}"


def _podman_ports(rows: Iterable[Any]) -> dict[int, int]:
    ports: dict[int, int] = {}
    for row in rows:
        if row.get("protocol", "tcp") != "tcp" or (row.get("host_ip") or "") not in _LOOPBACK:
            continue
        for step in range(row.get("range") or 1):
            ports[row["container_port"] + step] = row["host_port"] + step
    return ports


def _inspect_ports(table: Mapping[str, Any]) -> dict[int, int]:
    ports: dict[int, int] = {}
    for name, bindings in table.items():
        number, _, protocol = name.partition("/")
        for binding in bindings or ():
            if protocol == "tcp" and (binding.get("HostIp") or "") in _LOOPBACK and binding.get("HostPort"):
                ports[int(number)] = int(binding["HostPort"])
    return ports
