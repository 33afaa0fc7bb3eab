"""Finds the engine that answers on this machine, with the cures it needs; it is looked for once and remembered."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from vdictl.engine import memory, remote
from vdictl.engine.candidate import Candidate
from vdictl.engine.engine import Engine, Kind
from vdictl.engine.errors import EngineMissing, EngineUnreachable

__all__ = ["Candidate", "discover", "open_engine"]

_INSTALL = "Install Podman (on Debian and Ubuntu: apt-get install podman), or see `vdictl doctor`."
_LOOK_SECONDS = 20.0  # a first start of Podman as a new user sets up its storage


def discover(env: Mapping[str, str], *, state_dir: Path, prefer: str | None = None) -> list[Candidate]:
    """Every engine installed here, examined afresh (0.1-1 s each), Podman first. `prefer` narrows it to one.

    `prefer` is `podman`, `docker` or the path of a binary. Writes nothing but the private containers.conf. Without it,
    variables that name an engine on another machine (CONTAINER_HOST, DOCKER_HOST) narrow it to that engine.
    """
    return _examine(_here(env, prefer), env, state_dir)


def open_engine(env: Mapping[str, str], *, state_dir: Path, prefer: str | None = None, timeout: float = 60.0) -> Engine:
    """The engine to use: the first that answers, Podman before Docker. `timeout`: seconds for each of its calls.

    What was found is kept under `state_dir` until the machine, the binary or the settings change, or a call finds
    that the engine does not answer any more; in between this starts no program. Raises EngineMissing where none is
    installed and EngineUnreachable where none answers.

    `prefer` binds: another engine would show another fleet.
    """
    here = _here(env, prefer)
    if not here:
        wanted = prefer or "Podman or Docker"
        raise EngineMissing(f"{wanted} is not installed", details=f"PATH: {env.get('PATH', '')}", advice=_INSTALL)
    file = state_dir / "engine.json"
    signature = memory.signature(here, env)
    known = memory.recall(file, signature)
    if known is None or not _still_listens(known, env):
        candidates = _examine(here, env, state_dir)
        known = next((one for one in candidates if one.answers), None)
        if known is None:
            raise _none_answers(candidates)
        # Looking may have set up what is part of the signature (Podman's storage), so it is taken again.
        memory.keep(file, memory.signature(here, env), known)
    return known.engine(env, timeout=timeout, facts=file)


def _examine(here: list[tuple[Kind, str]], env: Mapping[str, str], state_dir: Path) -> list[Candidate]:
    # Imported where it is needed: what is remembered is enough for nearly every command.
    from vdictl.engine.examine import examine

    return [examine(kind, binary, env, state_dir=state_dir, timeout=_LOOK_SECONDS) for kind, binary in here]


def _here(env: Mapping[str, str], prefer: str | None) -> list[tuple[Kind, str]]:
    kinds: tuple[Kind, ...] = ("podman", "docker")
    meant = None if prefer else remote.named(env)
    if meant and _which(meant, env):
        prefer = meant  # another engine would show another fleet
    if prefer and prefer not in kinds:
        kind: Kind = "podman" if "podman" in Path(prefer).name else "docker"
        binary = _which(prefer, env)
        return [(kind, binary)] if binary else []
    found = ((kind, _which(kind, env)) for kind in kinds if prefer in (None, kind))
    return [(kind, binary) for kind, binary in found if binary]


def _which(name: str, env: Mapping[str, str]) -> str | None:
    # shutil.which, without the compression libraries that shutil brings.
    folders = [""] if os.sep in name else env.get("PATH", os.defpath).split(os.pathsep)
    for folder in folders:
        path = Path(folder, name)
        if os.access(path, os.X_OK) and path.is_file():
            return str(path)
    return None


def _still_listens(known: Candidate, env: Mapping[str, str]) -> bool:
    # Podman has no daemon. Docker's, where it is local, is asked for by opening its socket, which takes 0.1 ms.
    if known.kind != "docker":
        return True
    address = known.address or env.get("DOCKER_HOST", "")
    if not address.startswith("unix://"):
        return True
    import socket

    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.0)
        try:
            line.connect(os.fsencode(address.removeprefix("unix://")))
        except OSError:
            return False
    return True


def _none_answers(candidates: list[Candidate]) -> EngineUnreachable:
    lines: list[str] = []
    cures: list[str] = []
    for one in candidates:
        lines.append(f"{one.binary}: {one.error.brief if one.error else 'does not answer'}")
        if one.error and one.error.advice:
            cures.append(one.error.advice)
            continue
        for obstacle in one.obstacles:
            if not obstacle.applied:
                lines.append(f"  {obstacle.what} ({obstacle.evidence})")
                cures.append(obstacle.cure)
    names = " and ".join(one.kind for one in candidates)
    return EngineUnreachable(
        f"no container engine answers ({names} tried)",
        details="\n".join(lines),
        advice="; ".join(dict.fromkeys(cures)) or "See `vdictl doctor`.",
    )
