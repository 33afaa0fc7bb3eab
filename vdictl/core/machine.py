"""The hops that are this machine's own: vdictl itself, its config and the secrets in it, its folder. Only looks."""

from __future__ import annotations

import os
import platform
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from vdictl import __version__
from vdictl.contract.model import Hop
from vdictl.core import secrets
from vdictl.core.context import Context

_LITTLE = 10 << 20  #: bytes free, below which journal and caches soon fail


def own_hops(state_dir: Path) -> Iterator[Hop]:
    """Those that need no config that can be read."""
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield Hop(name="vdictl", ok=True, detail=f"{__version__}, Python {platform.python_version()}, {system}")
    yield _state(state_dir)


def config_hops(context: Context) -> Iterator[Hop]:
    """The config that was read, and how secrets are kept in it."""
    config = context.config
    there = f"{config.file}" if config.file.exists() else f"{config.file} is not there: defaults hold"
    profile = f", profile {config.profile}" if config.profile else ""
    detail = f"{there}{profile}; owner {context.owner}, fleet {context.fleet}"
    others = _others(config.file)
    if "change" in others:
        cure = f"Run: chmod go-w {shlex.quote(str(config.file))}"
        yield Hop(name="config", ok=None, detail=f"{detail}; others can change it", cure=cure)
    else:
        yield Hop(name="config", ok=True, detail=detail)
    yield from _clear_texts(context, others)


def _clear_texts(context: Context, others: str) -> Iterator[Hop]:
    """A secret that stands in the file itself: refused where it is used, and told here for all providers."""
    for manifest in context.registry.manifests().values():
        for setting in (one for one in manifest.settings if one.secret):
            found = context.config.provider_value(manifest, setting)
            if not found.text or secrets.is_reference(found.text):
                continue
            name = f"providers.{manifest.name}.{setting.name}"
            seen = f", which others can {others}" if others else ""
            new = " Others may know it: ask for a new one first." if others else ""
            yield Hop(
                name="secrets",
                ok=False,
                detail=f"{name} holds a secret in clear text, in {found.origin}{seen}",
                cure=f"Put it into a file with mode 600, and write {name} = 'file:PATH'.{new}",
            )


def _others(file: Path) -> str:
    """What people other than the owner can do with it: read, change, both or nothing."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return ""
    can = [
        word
        for word, bit in (("read", stat.S_IRGRP | stat.S_IROTH), ("change", stat.S_IWGRP | stat.S_IWOTH))
        if mode & bit
    ]
    return " and ".join(can)


def _state(folder: Path) -> Hop:
    """Whether the journal and the caches can be kept; without them everything works, and is slower."""
    cure = "Free space there, or set XDG_STATE_HOME to a folder that can be written to."
    try:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = os.statvfs(there) if hasattr(os, "statvfs") else None
    except (OSError, StopIteration) as error:
        return Hop(name="state", ok=None, detail=f"no journal and no caches: {error}", cure=cure)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Hop(name="state", ok=None, detail=f"no journal and no caches: {there} cannot be written to", cure=cure)
    if free is not None and free.f_bavail * free.f_frsize < _LITTLE:
        return Hop(name="state", ok=None, detail=f"no journal and no caches: the disk of {there} is full", cure=cure)
    new = "" if there == folder else ", which is made when it is needed"
    return Hop(name="state", ok=True, detail=f"{folder}{new}")
