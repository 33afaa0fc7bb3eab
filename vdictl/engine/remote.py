"""Engines on another machine: which variables name one, and where it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from vdictl.engine.engine import Engine, Kind

_HERE = ("", "unix", "npipe", "fd")
_MIB = 1 << 20
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


def far(address: str) -> str:
    """Where an engine's address leads, as `user@host`, without a password; empty: to this machine.

    An address that goes over the network counts as another machine even where it names this one: what listens there
    may be a virtual machine's (as Podman's own on macOS), and going through the engine works in both cases.
    """
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return address.rpartition("@")[2]
    if parts.scheme in _HERE:
        return ""
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    return f"{parts.username}@{host}{port}" if parts.username else f"{host}{port}"


def named(env: Mapping[str, str]) -> Kind | None:
    """The engine that the environment means, where a variable of one of them names another machine."""
    if env.get("CONTAINER_CONNECTION") or far(env.get("CONTAINER_HOST", "")):
        return "podman"
    return "docker" if far(env.get("DOCKER_HOST", "")) else None


def podman_place(engine: Engine, info: Mapping[str, Any]) -> str:
    """Where the Podman is that gave this `info`; empty: on this machine."""
    if not info["host"].get("serviceIsRemote"):
        return ""
    if address := engine.env.get("CONTAINER_HOST"):
        return far(address)
    done = engine.call("system", "connection", "list", "--format", "json")
    rows = json.loads(done.stdout or "[]") if done.exit_code == 0 else []
    wanted = engine.env.get("CONTAINER_CONNECTION")
    uris = [str(row["URI"]) for row in rows if (row.get("Name") == wanted if wanted else row.get("Default"))]
    return far(uris[0]) if uris else "another machine"


def podman_machine(info: Mapping[str, Any]) -> dict[str, Any]:
    """What the traits say of its machine."""
    about = info["host"]
    return {"cpus": int(about["cpus"]), "memory_mib": int(about["memTotal"]) // _MIB, "arch": arch(str(about["arch"]))}


def docker_machine(info: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a Docker."""
    memory = int(info.get("MemTotal") or 0) // _MIB
    return {"cpus": int(info.get("NCPU") or 0), "memory_mib": memory, "arch": arch(str(info.get("Architecture") or ""))}


def arch(name: str) -> str:
    """The kernel's and Docker's names of processors as Go, Debian and Podman write them."""
    return _ARCHITECTURES.get(name, name)
