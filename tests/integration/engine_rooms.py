"""A container engine with a storage of its own, so that a test may kill, fill and remove as it likes."""

from __future__ import annotations

import atexit
import os
import secrets
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
    """An engine with its own storage, a state folder, and the environment in which it is found."""

    engine: Engine
    state: Path
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)


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
        yield Room(engine, folder / "state", folder, env)
        engine.call("rm", "--all", "--force", "--time", "0")
        engine.call("rmi", "--all", "--force")
    finally:
        subprocess.run(["umount", f"{folder}/graph/overlay"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


#: The daemon, its bridge (of addresses kept for tests of networks, RFC 2544, so hardly in use) and its data, in memory
#: where there is enough: a real image is there sooner, and gone at once. All of it ends with us, though we be killed.
_DAEMON = """
folder=$1 bridge=$2 address=$3 in_memory=$4; shift 4
mkdir "$folder/data"
if [ "$in_memory" = True ]; then mount -t tmpfs -o mode=0711 vdictl "$folder/data"; fi
trap 'ip link delete "$bridge"; kill -0 $PPID || rm -rf "$folder"' EXIT
ip link add "$bridge" type bridge && ip address add "$address" dev "$bridge" && ip link set "$bridge" up || exit
"$@" & daemon=$!
trap 'kill $daemon' TERM
while kill -0 $daemon; do wait $daemon; done
if [ "$in_memory" = True ]; then umount -l "$folder/data"; fi
"""


def _memory_to_spare() -> bool:
    """As much as images take, and that is left for those who use it; tmpfs takes up to half of what there is."""
    text = Path("/proc/meminfo").read_text()
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in text.splitlines())}
    return kib["MemAvailable"] > 8 << 20


@contextmanager
def docker_room() -> Iterator[Room]:
    """A Docker daemon of the test's own, with its own storage, socket and bridge; all of it goes away at the end.

    The machine's packet rules stay as they are: ports are published by Docker's own proxy, on loopback alone, and
    containers reach nothing outside. Without root, or where no daemon runs, the test is left out with the reason.
    """
    missing = [name for name in ("dockerd", "docker", "ip", "unshare", "setpriv") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)} (Debian: apt-get install docker.io iproute2)")
    if os.geteuid() != 0:
        pytest.skip("a Docker daemon of the test's own needs root")
    # Not under pytest's folder, as above.
    folder = Path(tempfile.mkdtemp(prefix="vdictl-docker-", dir="/var/tmp"))
    address = f"unix://{folder}/d.sock"
    env = {**os.environ, "DOCKER_HOST": address, "VDICTL_ENGINE": "docker"}
    env.pop("DOCKER_CONTEXT", None)
    bridge, network = f"vdt{secrets.token_hex(4)}", f"198.18.{secrets.randbelow(256)}.1/24"
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [
                *("unshare", "--mount", "setpriv", "--pdeathsig", "TERM"),
                *("sh", "-c", _DAEMON, "sh", folder, bridge, network, str(_memory_to_spare())),
                *("dockerd", "--host", address, "--pidfile", f"{folder}/pid"),
                *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
                *("--bridge", bridge, "--iptables=false", "--ip-masq=false", "--ip-forward=false"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            engine = _patiently(env, folder, child)
            yield Room(engine, folder / "state", folder, env)
            if left := engine.call("ps", "--all", "--quiet").stdout.split():
                engine.call("rm", "--force", *left)
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


def give_image(room: Room, tag: str) -> bool:
    """Copy an image out of this machine's Podman into the room; False where it has none of that tag."""
    keeper = shutil.which("podman")
    if keeper is None or subprocess.run([keeper, "image", "exists", tag], check=False).returncode != 0:
        return False
    saving = subprocess.Popen([keeper, "save", tag], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    loading = room.engine.popen("load", stdin=saving.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert saving.stdout is not None
    saving.stdout.close()  # it is the loader's alone
    return saving.wait(600) == 0 and loading.wait(600) == 0


def give_base(room: Room) -> None:
    """The base image, made as a user's would be; the test is left out, with the reason, where that can't be done.

    It is made once in a run of the tests; later rooms get a copy.
    """
    if _kept:
        room.engine.run("load", "--input", str(_kept[0]), timeout=300)
        assert image_id(room.engine, BASE_TAG)
        return
    if room.engine.kind == "docker" and give_image(room, BASE_TAG):
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
