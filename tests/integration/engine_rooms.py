"""A container engine with a storage of its own, so that a test may kill, fill and remove as it likes."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from vdictl.engine.base import BASE_TAG, ensure_base
from vdictl.engine.build import BuildStatus, ensure_started
from vdictl.engine.discovery import open_engine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import BuildFailed, EngineError
from vdictl.engine.objects import image_id

_kept: list[Path] = []

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


@contextmanager
def docker_room() -> Iterator[Room]:
    """A Docker daemon of the test's own (root) in its own network, so that the machine's rules stay as they are.

    Without `dockerd`, or without root, the test is left out with the reason. `-p` works inside that network only.
    """
    daemon = shutil.which("dockerd")
    if daemon is None or shutil.which("docker") is None or os.geteuid() != 0:
        pytest.skip("Docker is not installed here, or this is not root (Debian: apt-get install docker.io)")
    folder = Path(tempfile.mkdtemp(prefix="vdictl-engine-", dir="/var/tmp"))
    where = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    address = f"unix://{folder}/d.sock"
    command = f"ip link set lo up; exec {daemon} {' '.join(where)} --host {address}"
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", command], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        env = {**os.environ, "DOCKER_HOST": address}
        yield Room(_patiently(env, folder, child), folder / "state", folder)
    finally:
        child.terminate()
        child.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _patiently(env: Mapping[str, str], folder: Path, child: subprocess.Popen[bytes]) -> Engine:
    deadline = time.monotonic() + 60
    while True:
        try:
            return open_engine(env, state_dir=folder / "state", prefer="docker")
        except EngineError as error:
            if child.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")[-600:]
                pytest.skip(f"Docker does not start here: {error}\n{log}")
        time.sleep(0.2)


def give_base(room: Room) -> None:
    """The base image, made as a user's would be; the test is left out, with the reason, where that can't be done.

    It is made once in a run of the tests; later rooms get a copy.
    """
    if _kept:
        room.engine.run("load", "--input", str(_kept[0]), timeout=300)
        assert image_id(room.engine, BASE_TAG)
        return
    log = room.folder / "base.log"
    log.touch()
    try:
        ensure_base(room.engine, PUBLIC, work=room.folder / "work", log=log, say=lambda _text: None)
    except BuildFailed as error:
        pytest.skip(f"no base image can be had here: {error}")
    assert image_id(room.engine, BASE_TAG)
    copy = Path(tempfile.mkdtemp(prefix="vdictl-base-", dir="/var/tmp")) / "base.tar"
    atexit.register(shutil.rmtree, copy.parent, ignore_errors=True)
    room.engine.run("save", "--output", str(copy), BASE_TAG, timeout=300)
    _kept.append(copy)


def finish(
    room: Room, context: Context, state: Path, seconds: float = 120, since: datetime | None = None
) -> tuple[BuildStatus, list[str]]:
    """Call ensure_started until it is done or failed; the last status, and what was told on the way."""
    texts: list[str] = []
    deadline = time.monotonic() + seconds
    while True:
        status = ensure_started(room.engine, context, state_dir=state, since=since)
        if status.state != "running":
            return status, texts
        assert time.monotonic() < deadline, status
        texts.append(f"{status.step}/{status.total} {status.text}\n{status.tail}")
        time.sleep(0.1)
