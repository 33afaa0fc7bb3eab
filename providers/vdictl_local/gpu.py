"""GPUs by the Container Device Interface: which devices this machine describes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vdictl.contract.errors import QuotaExceeded, Unsupported
from vdictl.engine.engine import Traits
from vdictl_local.errors import PROVIDER

#: Where CDI specifications live (CDI specification, "Well-known directories").
FOLDERS: Final = (Path("/etc/cdi"), Path("/var/run/cdi"))

_KIND = re.compile(r"""^kind:\s*["']?([A-Za-z0-9._-]+/[A-Za-z0-9._-]+)["']?\s*$""", re.MULTILINE)
_NAMES = re.compile(r"""^[\s-]*name:\s*["']?([A-Za-z0-9._:-]+)["']?\s*$""", re.MULTILINE)


def devices(folders: Iterable[Path] = FOLDERS) -> list[str]:
    """Single GPUs as `vendor/class=name`, sorted; "all" and names by UUID, which mean the same ones, left out."""
    found: set[str] = set()
    for folder in folders:
        for file in sorted([*folder.glob("*.json"), *folder.glob("*.yaml")]):
            found |= _described(file.read_text(errors="replace"))
    return sorted(found)


def devices_of(traits: Traits) -> list[str]:
    """Those of the engine's machine; another machine's cannot be seen from here.

    Raises:
        Unsupported: the engine is on another machine.
    """
    if traits.remote:
        raise Unsupported(
            f"Which GPUs {traits.remote} has cannot be seen from here.", advice="Run vdictl there.", provider=PROVIDER
        )
    return devices()


def flags(count: int, found: list[str]) -> list[str]:
    """`--device` arguments for `count` GPUs.

    Raises:
        Unsupported: the machine describes none. QuotaExceeded: it has fewer.
    """
    if count and not found:
        raise Unsupported(
            "No GPU can be given to a container on this machine.",
            details=f"No CDI device is described in {' or '.join(map(str, FOLDERS))}.",
            advice="With an NVIDIA card: install nvidia-container-toolkit, then run "
            "`nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`.",
            provider=PROVIDER,
        )
    if count > len(found):
        raise QuotaExceeded(f"This machine has {len(found)} GPUs.", details=", ".join(found), provider=PROVIDER)
    return [word for name in found[:count] for word in ("--device", name)]


def _described(text: str) -> set[str]:
    """Names that are numbers: others mean the same cards again, or (in YAML) are the names of hooks."""
    if text.lstrip().startswith("{"):
        return _from_json(text)
    kind = _KIND.search(text)
    return {f"{kind.group(1)}={name}" for name in _NAMES.findall(text) if name.isdigit()} if kind else set()


def _from_json(text: str) -> set[str]:
    try:
        data = json.loads(text)
        return {f"{data['kind']}={one['name']}" for one in data["devices"] if str(one["name"]).isdigit()}
    except (ValueError, KeyError, TypeError):
        return set()  # somebody's broken file: the engine says so when it is asked for the device
