"""A container engine with a storage of its own, so that a test may kill, fill and remove as it likes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vdictl.engine.base import BASE_TAG, ensure_base
from vdictl.engine.discovery import open_engine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import BuildFailed, EngineError
from vdictl.engine.objects import image_id

PUBLIC = "docker.io/library/debian:bookworm-slim"


@dataclass(frozen=True)
class Context:
    """A build context, written by hand."""

    tag: str
    files: Mapping[str, bytes]
    base: str = PUBLIC
    parent: Context | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)


def recipe(tag: str, *lines: str, parent: Context | None = None) -> Context:
    """A context with the given lines behind its FROM."""
    head = f"FROM {parent.tag}\n" if parent else f"ARG BASE={PUBLIC}\nFROM ${{BASE}}\n"
    text = head + "".join(f"{line}\n" for line in lines)
    return Context(tag, {"Containerfile": text.encode()}, parent.tag if parent else PUBLIC, parent)


@dataclass(frozen=True)
class Room:
    """Podman with its own storage, and a state folder."""

    engine: Engine
    state: Path
    folder: Path


@contextmanager
def podman_room() -> Iterator[Room]:
    """Podman with an empty storage; all of it goes away at the end."""
    # Not under pytest's folder: overlay needs a real disk, and the path of a socket below it must be short.
    folder = Path(tempfile.mkdtemp(prefix="vdictl-engine-", dir="/var/tmp"))
    try:
        storage = folder / "storage.conf"
        storage.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n')
        env = {**os.environ, "CONTAINERS_STORAGE_CONF": str(storage)}
        env.pop("CONTAINERS_CONF", None)
        try:
            engine = open_engine(env, state_dir=folder / "state", prefer="podman")
        except EngineError as error:
            pytest.skip(f"no Podman answers here: {error}")
        yield Room(engine, folder / "state", folder)
        engine.call("rm", "--all", "--force", "--time", "0")
        engine.call("rmi", "--all", "--force")
    finally:
        subprocess.run(["umount", f"{folder}/graph/overlay"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def give_base(room: Room) -> None:
    """The base image, made as a user's would be; the test is left out, with the reason, where that can't be done."""
    log = room.folder / "base.log"
    log.touch()
    try:
        ensure_base(room.engine, PUBLIC, work=room.folder / "work", log=log, say=lambda _text: None)
    except BuildFailed as error:
        pytest.skip(f"no base image can be had here: {error}")
    assert image_id(room.engine, BASE_TAG)
