"""Remembers which engine answered, until something changes about the machine that could change the answer."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from vdictl.engine.candidate import Candidate, Obstacle
from vdictl.engine.engine import Kind, Traits

_VERSION = 3
_VARIABLES = (
    "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINER_CONNECTION", "CONTAINER_HOST", "CONTAINER_SSHKEY",
    "DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKER_HOST",
    "HOME", "PATH", "STORAGE_DRIVER", "STORAGE_OPTS", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
)  # fmt: skip
_FILES = (
    "/etc/containers/containers.conf", "/etc/containers/storage.conf", "/etc/subuid", "/etc/subgid", "/dev/net/tun",
    "/usr/bin/newuidmap", "/usr/bin/runc", "/usr/sbin/runc", "/usr/bin/slirp4netns", "/usr/lib/podman/netavark",
    "/run/systemd/system",
)  # fmt: skip


def signature(engines: Iterable[tuple[Kind, str]], env: Mapping[str, str]) -> str:
    """All that decides which engine answers and what it needs, as a text; some 20 calls of stat, no program started."""
    home = env.get("HOME", "")
    names = ("containers.conf", "storage.conf", "podman-connections.json")
    own = [f"{home}/.config/containers/{name}" for name in names]
    files = [*_FILES, *(own if home else []), f"{home}/.docker/config.json"]
    facts = {
        "version": _VERSION,
        "boot": _boot_id(),
        "uid": os.geteuid(),
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "engines": [(kind, binary, _stamp(binary)) for kind, binary in engines],
        "env": {name: env.get(name) for name in _VARIABLES},
        "files": {name: _stamp(name) for name in files},
    }
    return json.dumps(facts, sort_keys=True)


def recall(file: Path, expected: str) -> Candidate | None:
    """What was kept under this signature; None where there is nothing, it is damaged, or a file it needs is gone."""
    try:
        data = json.loads(file.read_bytes())
        if data["signature"] != expected:
            return None
        known = Candidate(
            kind=data["kind"],
            binary=data["binary"],
            answers=True,
            traits=Traits(**data["traits"]),
            obstacles=tuple(Obstacle(**one) for one in data["obstacles"]),
            extra={str(name): str(value) for name, value in data["extra"].items()},
            address=str(data["address"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    conf = known.extra.get("CONTAINERS_CONF")
    return None if conf and not Path(conf).is_file() else known


def keep(file: Path, given: str, known: Candidate) -> None:
    """Write it down, whole or not at all. A folder that can't be written costs the time of looking again, no more."""
    data = {
        "signature": given,
        "kind": known.kind,
        "binary": known.binary,
        "traits": asdict(known.traits),
        "obstacles": [asdict(one) for one in known.obstacles],
        "extra": dict(known.extra),
        "address": known.address,
    }
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(data))
        fresh.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _stamp(name: str) -> list[int] | None:
    try:
        found = Path(name).stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return [found.st_mode]  # times of devices and folders change for reasons that are none of ours
    return [found.st_mtime_ns, found.st_size, found.st_mode]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
