"""A create to its first drawn frame, against the engine's own `run` of the same image to the same frame."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Result, paired, seconds_of, vdictl
from tests.integration.guest_support import Guest, built, started
from vdictl.connect.probes import OutsideProbes
from vdictl.contract.model import Command, Endpoint, Secret
from vdictl.engine.discovery import open_engine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineError
from vdictl.guest import context

BAR = 1.2
FLAVORS = ("xfce", "minimal")
LOOK_AGAIN = 0.05  #: seconds between two looks
FRAME_SECONDS = 60.0


def run(folder: Path, *, runs: int = 7) -> Iterator[Result]:
    """Both flavors that have a screen. Ours also sees to homes, marks, the page and its login."""
    engine = open_engine(dict(os.environ), state_dir=folder / "vdictl" / "local")
    env = {**os.environ, "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    for flavor in FLAVORS:
        tag = built(engine, context(flavor), folder / "vdictl" / "local")
        mine = {**env, "VDICTL_FLEET": f"bench-{secrets.token_hex(3)}", "VDICTL_OWNER": "bench"}

        def ours(flavor: str = flavor, mine: dict[str, str] = mine) -> float:
            took = seconds_of(vdictl("-p", "local", "create", "--flavor", flavor, "-q"), mine)
            seconds_of(vdictl("-p", "local", "destroy", "--all", "--yes", "--with-volumes", "-q"), mine)
            return took

        def theirs(tag: str = tag) -> float:
            begun = time.perf_counter()
            with started(engine, tag) as guest:
                until_drawn(engine, guest)
                return time.perf_counter() - begun

        what = f"`create --flavor {flavor}` to usable (frame drawn, page answers)"
        yield paired(what, "`podman run` of the image to its first frame", ours, theirs, bar=BAR, runs=runs)


def until_drawn(engine: Engine, guest: Guest) -> None:
    """Look until the screen shows a picture."""
    probes, end = OutsideProbes(), time.monotonic() + FRAME_SECONDS
    way = Command(argv=(engine.binary, "exec", "-i", guest.name, "vdictl-guest", "rfb"), environment=dict(engine.env))
    while time.monotonic() < end:
        try:
            password = Secret(json.loads(guest.exec("vdictl-guest", "access"))["password"])
        except EngineError:  # not there yet
            continue
        endpoint = Endpoint(kind="vnc", direct=False, password=password)
        while time.monotonic() < end:
            if probes.rfb(endpoint, way, timeout=10.0)[1].ok:
                return
            time.sleep(LOOK_AGAIN)
    raise RuntimeError("no frame was drawn")
