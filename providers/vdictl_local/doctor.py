"""What `vdictl doctor` says of this machine: engines, what stands in their way, network, limits, image, disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vdictl.contract.model import Hop
from vdictl.contract.provider import Settings
from vdictl.engine.base import BASE_TAG
from vdictl.engine.build import look
from vdictl.engine.candidate import Candidate
from vdictl.engine.discovery import discover
from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineError
from vdictl.engine.objects import image_id
from vdictl.guest import DEFAULT_FLAVOR, context
from vdictl_local import gpu

_GIB: Final = 1 << 30
_IMAGE_NEEDS: Final = 4 * _GIB  #: the default image (1.3 GiB, measured), its base, and room while it is built
_RUNNING_NEEDS: Final = _GIB // 2  #: below this a home and a browser's cache soon fill what is left


def hops(settings: Settings, *, timeout: float) -> Iterator[Hop]:
    """Looks afresh (0.1-1 s an engine), and changes nothing but the private containers.conf."""
    prefer = settings.values.get("engine") or None
    candidates = discover(settings.environment, state_dir=settings.state_dir, prefer=prefer)
    used = next((one for one in candidates if one.answers), None)
    for one in candidates:
        yield _engine(one, used)
    for one in [used] if used else candidates:
        yield from (_obstacle(one, number) for number in range(len(one.obstacles)))
    if used is None:
        return
    yield _network(used)
    yield _limits(used)
    engine = used.engine(settings.environment, timeout=timeout)
    try:
        there = _image(engine, settings)
        yield there
        yield _disk(engine, needed=_RUNNING_NEEDS if there.ok and "is here" in there.detail else _IMAGE_NEEDS)
    except EngineError as error:
        yield Hop(name="image", ok=False, detail=error.brief, cure=error.advice)
    if not used.traits.remote and (cards := gpu.devices()):
        yield Hop(name="gpu", ok=True, detail=", ".join(cards))


def _engine(one: Candidate, used: Candidate | None) -> Hop:
    if one.answers:
        mode = "rootless" if one.rootless else "with root"
        role = "is used" if one is used else "answers too (the setting engine would choose it)"
        control = f", control groups v{one.cgroup_version}" if one.cgroup_version else ""
        place = f" on {one.traits.remote}" if one.traits.remote else ""
        return Hop(name=one.kind, ok=True, detail=f"{one.binary} {one.version}{place}, {mode}{control}: {role}")
    why = one.error.brief if one.error else "does not answer"
    advice = one.error.advice.replace(", or see `vdictl doctor`", "") if one.error else ""
    # Another one that answers makes this one's silence no trouble.
    return Hop(name=one.kind, ok=None if used else False, detail=f"{one.binary}: {why}", cure=advice)


def _obstacle(one: Candidate, number: int) -> Hop:
    obstacle = one.obstacles[number]
    detail = f"{obstacle.what} ({obstacle.evidence})"
    if obstacle.applied:
        return Hop(name="host", ok=True, detail=f"{detail}; vdictl does by itself: {obstacle.cure}")
    return Hop(name="host", ok=None if one.answers else False, detail=detail, cure=obstacle.cure)


def _network(one: Candidate) -> Hop:
    if one.traits.remote:
        detail = f"desktops run on {one.traits.remote}: their page comes through the engine, while connect runs"
        return Hop(name="network", ok=True, detail=detail)
    if one.traits.ports:
        return Hop(name="network", ok=True, detail="a desktop's page is on a port of this machine's loopback")
    detail = "desktops have no network: their page comes through the engine, and inside there is no internet"
    return Hop(name="network", ok=None, detail=detail, cure="What stands in the way is told under host.")


def _limits(one: Candidate) -> Hop:
    if one.traits.limits:
        return Hop(name="limits", ok=True, detail="memory, cpu and process limits of a plan are enforced")
    detail = "memory, cpu and process limits of a plan are not enforced here"
    return Hop(name="limits", ok=None, detail=detail, cure="What stands in the way is told under host.")


def _image(engine: Engine, settings: Settings) -> Hop:
    wanted = context(DEFAULT_FLAVOR)
    status = look(engine, wanted, state_dir=settings.state_dir)
    if status.state == "done":
        return Hop(name="image", ok=True, detail=f"{DEFAULT_FLAVOR} is here: {wanted.tag}")
    if status.state == "running":
        return Hop(
            name="image", ok=True, detail=f"{DEFAULT_FLAVOR} is being built, step {status.step} of {status.total}"
        )
    if status.state == "failed":
        log = f"; log: {status.log}" if status.log else ""
        again = f"vdictl images build {DEFAULT_FLAVOR} --retry"
        return Hop(
            name="image", ok=False, detail=f"{status.reason}{log}", cure=f"{status.advice} Then: {again}".strip()
        )
    if image_id(engine, BASE_TAG) or shutil.which("mmdebstrap", path=settings.environment.get("PATH")):
        detail = f"{DEFAULT_FLAVOR} is built on first use: a minute or two"
        return Hop(name="image", ok=True, detail=detail)
    detail = f"{DEFAULT_FLAVOR} is built on first use, which needs an image registry that answers (not tried here)"
    return Hop(name="image", ok=None, detail=detail, cure="Without one, on Debian: apt-get install mmdebstrap")


def _disk(engine: Engine, *, needed: int) -> Hop:
    field = "{{.Store.GraphRoot}}" if engine.kind == "podman" else "{{.DockerRootDir}}"
    root = Path(engine.run("info", "--format", field).strip())
    if engine.traits.remote:
        return Hop(name="disk", ok=None, detail=f"{root} on {engine.traits.remote} cannot be looked at from here")
    try:
        free = shutil.disk_usage(root).free
    except OSError as error:
        return Hop(name="disk", ok=None, detail=f"{root} cannot be looked at: {error.strerror}")
    detail = f"{free / _GIB:.1f} GiB free in {root}"
    if free >= needed:
        return Hop(name="disk", ok=True, detail=detail)
    cure = f"Free some: {engine.kind} system prune; homes: vdictl list, then destroy with --with-volumes"
    return Hop(name="disk", ok=False if free < _RUNNING_NEEDS else None, detail=f"{detail}: little", cure=cure)
