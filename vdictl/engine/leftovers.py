"""What a build that was killed leaves in the engine's storage, and how it is told from all that is not ours."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineError

__all__ = ["LABEL", "clear", "marked", "prune"]

#: On every image of ours, the intermediate ones too: the repository (without the tag, else no layer could be reused).
LABEL = "vdictl.build"
_OURS = "localhost/vdictl/"
_FROM = re.compile(rb"^(FROM[ \t]+[^\n]+\n?)", re.IGNORECASE | re.MULTILINE)


def marked(containerfile: bytes, tag: str) -> bytes:
    """The Containerfile with our label behind each FROM, so that each layer from there on bears it."""
    label = f"LABEL {LABEL}={_repository(tag)}\n".encode()
    return _FROM.sub(lambda match: match[1].rstrip(b"\n") + b"\n" + label, containerfile)


def clear(engine: Engine, say: Callable[[str], None]) -> None:
    """Remove working containers that killed builds of ours left; then images without a name that only they held.

    Podman keeps the working containers of a killed build for ever, as `external` ones. Nothing is done while another
    build goes on for this user, whoever's it is: a working container in use can't be told from one left over.
    """
    if engine.kind == "podman" and not engine.traits.remote:
        before = time.time()
        if _others_build(engine):
            return
        stale = _stale_containers(engine, before)
        if stale:
            say(f"removing {len(stale)} working containers of a build that was killed")
            engine.call("rm", "--force", *stale)
    prune(engine)


def prune(engine: Engine) -> None:
    """Remove nameless images of ours that nothing stands on, unless another build goes on, which may stand on one.

    Costs nothing but disk where it fails.
    """
    if engine.traits.remote or _others_build(engine):  # who builds on another machine can't be seen from here
        return
    with contextlib.suppress(EngineError):
        engine.call("image", "prune", "--force", "--filter", f"label={LABEL}")


def _stale_containers(engine: Engine, before: float) -> list[str]:
    containers, images = engine.together(
        ["ps", "--all", "--external", "--no-trunc", "--format", "json"],
        ["images", "--all", "--no-trunc", "--format", "json", "--filter", f"label={LABEL}"],
    )
    ours = {str(row["Id"]).removeprefix("sha256:") for row in json.loads(images or "[]")}
    return [
        row["Id"]
        for row in json.loads(containers or "[]")
        if row.get("State") in ("storage", "unknown")
        and row.get("Command") == ["buildah"]
        and int(row.get("Created") or 0) < before - 1
        and (str(row.get("ImageID")).removeprefix("sha256:") in ours or str(row.get("Image")).startswith(_OURS))
    ]


def _others_build(engine: Engine) -> bool:
    """Another process of this user is building an image in the same storage."""
    ours = _storage(engine.env)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid != os.geteuid():
                continue
            words = (folder / "cmdline").read_bytes().split(b"\0")
            program = words[0].rsplit(b"/", 1)[-1]
            builds = program == b"buildah" or (program in (b"podman", b"docker") and b"build" in words[1:4])
            if builds and _storage(_environment(folder)) == ours:
                return True
        except OSError:
            continue
    return False


def _environment(process: Path) -> dict[str, str]:
    pairs = ((process / "environ").read_bytes().decode("utf-8", "replace")).split("\0")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _storage(env: Mapping[str, str]) -> list[str | None]:
    return [env.get(name) for name in ("CONTAINERS_STORAGE_CONF", "XDG_DATA_HOME", "DOCKER_HOST")]


def _repository(tag: str) -> str:
    return re.sub(r":[^:/]*$", "", tag)
