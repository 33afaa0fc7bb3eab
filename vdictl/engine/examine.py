"""Examines one engine: does it answer, what is it, what stands in its way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vdictl.engine import conf, remote
from vdictl.engine.candidate import Candidate, Obstacle
from vdictl.engine.engine import Completed, Engine, Kind, Traits
from vdictl.engine.errors import EngineError, EngineUnreachable, translate
from vdictl.engine.hosts import Finding, Host, look_around

# An answer of another shape than expected is a TypeError, a KeyError or an AttributeError.
_FAILURES = (EngineError, OSError, ValueError, TypeError, KeyError, AttributeError)
_LIMITS = frozenset({"cpu", "memory", "pids"})


def examine(kind: Kind, binary: str, env: Mapping[str, str], *, state_dir: Path, timeout: float) -> Candidate:
    """Ask one engine who it is. Raises nothing: what goes wrong is in the answer. `timeout` in seconds."""
    if kind == "podman":
        return _examine_podman(binary, env, state_dir, timeout)
    return _examine_docker(binary, env, timeout)


def _examine_podman(binary: str, env: Mapping[str, str], state_dir: Path, timeout: float) -> Candidate:
    host = Host.here(env)
    # What this machine lacks is nothing to an engine on another one.
    findings = [] if remote.named(env) else look_around(host)
    try:
        extra = _cures(host, findings, state_dir / "containers.conf")
        engine = Engine("podman", binary, {**env, **extra}, timeout)
        done, storage = _ask_podman(host, engine)
        info = _parsed(done)
        place = remote.podman_place(engine, info)
        findings = [_far("Podman", place)] if place else findings
        _refuse_blocked(findings)
        traits = _podman_traits(info, place)
        findings += _podman_findings(info, storage)
    except _FAILURES as error:
        obstacles = tuple(finding.obstacle for finding in findings)
        return Candidate(
            kind="podman", binary=binary, answers=False, obstacles=obstacles, error=_as_engine_error(error)
        )
    limits = traits.limits and not any(finding.no_limits for finding in findings)
    ports = not any(finding.no_ports for finding in findings)
    return Candidate(
        kind="podman",
        binary=binary,
        answers=True,
        traits=replace(traits, limits=limits, ports=ports),
        obstacles=tuple(finding.obstacle for finding in findings),
        extra=extra | storage,
    )


def _refuse_blocked(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.blocks:
            told = finding.obstacle
            raise EngineUnreachable(f"{told.what}: {told.evidence}", advice=told.cure)


def _podman_traits(info: Mapping[str, Any], place: str) -> Traits:
    about = info["host"]
    rootless, control = bool(about["security"]["rootless"]), str(about["cgroupVersion"]).removeprefix("v")
    traits = Traits(version=str(info["version"]["Version"]), rootless=rootless, cgroup_version=control)
    if not place:
        return traits
    return replace(traits, remote=place, limits=not (rootless and control == "1"), **remote.podman_machine(info))


def _far(name: str, place: str) -> Finding:
    obstacle = Obstacle(
        what=f"{name} is on another machine: a desktop's port is not on this one",
        evidence=f"it is reached as {place}",
        cure="a desktop's page comes through the engine, while `vdictl connect` runs",
        applied=True,
    )
    return Finding(obstacle=obstacle)


def _cures(host: Host, findings: list[Finding], file: Path) -> dict[str, str]:
    extra = {name: value for finding in findings for name, value in finding.env.items()}
    text = conf.compose(host, findings)
    if text:
        conf.write(file, text)
        extra["CONTAINERS_CONF"] = str(file)
    return extra


def _ask_podman(host: Host, engine: Engine) -> tuple[Completed, dict[str, str]]:
    """`podman info`, with the native overlay where rootless Podman would else copy whole images for each container.

    Podman 4 takes the driver vfs for a new user where fuse-overlayfs does not work, though kernels from 5.13 on have
    overlay for users. The choice is kept in Podman's database by its first call, so it must come before that.
    """
    overlay = {"STORAGE_DRIVER": "overlay"}
    if host.rootless and not _storage_chosen(host):
        done = Engine(engine.kind, engine.binary, {**engine.env, **overlay}, engine.timeout).call(*_INFO)
        if done.exit_code == 0:
            return done, overlay
    done = engine.call(*_INFO)
    kept = done.exit_code == 0 and 'overwritten by graph driver \\"overlay\\"' in done.stderr
    return done, overlay if kept else {}


_INFO = ("info", "--format", "json")


def _storage_chosen(host: Host) -> bool:
    env = host.env
    home = Path(env.get("HOME") or host.path("/nonexistent"))
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "containers/storage.conf"
    storage = Path(env.get("XDG_DATA_HOME") or home / ".local/share") / "containers/storage"
    marks = (config, host.path("/etc/containers/storage.conf"), storage / "libpod", storage / "db.sql")
    chosen = any(name in env for name in ("STORAGE_DRIVER", "STORAGE_OPTS", "CONTAINERS_STORAGE_CONF"))
    return chosen or any(mark.exists() for mark in marks)


def _podman_findings(info: Mapping[str, Any], storage: Mapping[str, str]) -> list[Finding]:
    about = info.get("host") or {}
    driver = str((info.get("store") or {}).get("graphDriverName", ""))
    found: list[Finding] = []
    if driver == "vfs":
        obstacle = Obstacle(
            what="Podman copies whole images for each container (storage driver vfs): slow and large",
            evidence="podman info: graphDriverName vfs",
            cure='podman system reset (removes all its containers), then driver = "overlay" in storage.conf',
            applied=False,
        )
        found.append(Finding(obstacle=obstacle))
    elif storage:
        obstacle = Obstacle(
            what="Podman would copy whole images for each container (storage driver vfs)",
            evidence="rootless, and no storage.conf says otherwise",
            cure="STORAGE_DRIVER=overlay; your own calls of podman want the same in ~/.config/containers/storage.conf",
            applied=True,
        )
        found.append(Finding(obstacle=obstacle))
    if about.get("cgroupVersion") == "v2":
        lacking = sorted(_LIMITS - set(about.get("cgroupControllers") or ()))
        if lacking:
            obstacle = Obstacle(
                what=f"limits of {', '.join(lacking)} are not enforced",
                evidence=f"podman info: cgroupControllers {about.get('cgroupControllers')}",
                cure="systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids",
                applied=False,
            )
            found.append(Finding(obstacle=obstacle, no_limits=True))
    return found


def _examine_docker(binary: str, env: Mapping[str, str], timeout: float) -> Candidate:
    engine = Engine("docker", binary, env, timeout)
    try:
        done = engine.call("info", "--format", "{{json .}}")
        info = _parsed(done)
        if info.get("ServerErrors"):
            raise translate(done.argv, 1, "\n".join(info["ServerErrors"]))
        if not info.get("ServerVersion"):
            raise EngineUnreachable(
                f"{binary} is not Docker, or its daemon does not answer",
                details=done.stdout[:200],
                advice="Podman's stand-in for docker is not needed: vdictl uses podman itself.",
            )
    except _FAILURES as error:
        return Candidate(kind="docker", binary=binary, answers=False, error=_as_engine_error(error))
    options = ",".join(info.get("SecurityOptions") or ())
    without = [name for name, key in _DOCKER_LIMITS.items() if info.get(key) is False]
    address = _docker_address(engine, env)
    place = remote.far(address)
    traits = Traits(
        version=str(info["ServerVersion"]),
        rootless="name=rootless" in options,
        cgroup_version=str(info.get("CgroupVersion") or ""),
        limits=not without,
        remote=place,
        **(remote.docker_machine(info) if place else {}),
    )
    obstacles = _docker_obstacles(place, without)
    return Candidate(kind="docker", binary=binary, answers=True, traits=traits, obstacles=obstacles, address=address)


_DOCKER_LIMITS = {"memory": "MemoryLimit", "cpu": "CpuCfsQuota", "pids": "PidsLimit"}


def _docker_address(engine: Engine, env: Mapping[str, str]) -> str:
    if env.get("DOCKER_HOST"):
        return env["DOCKER_HOST"]
    done = engine.call("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return done.stdout.strip() if done.exit_code == 0 else ""


def _docker_obstacles(place: str, without: list[str]) -> tuple[Obstacle, ...]:
    found = [_far("Docker", place).obstacle] if place else []
    if without:
        weak = Obstacle(
            what=f"limits of {', '.join(without)} are not enforced",
            evidence="docker info",
            cure="see the warnings at the end of `docker info`",
            applied=False,
        )
        found.append(weak)
    return tuple(found)


def _parsed(done: Completed) -> dict[str, Any]:
    text = done.stdout.strip()
    # Docker prints what it knows of the client, and why the daemon is silent on stderr (28) or inside (20).
    if done.exit_code != 0 and (done.stderr.strip() or not text.startswith("{")):
        raise translate(done.argv, done.exit_code, done.stderr)
    try:
        info = json.loads(text)
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise EngineUnreachable(
            f"{done.argv[0]} gave an answer that is not what Podman or Docker says",
            details=(text or done.stderr.strip())[:500],
        )
    return info


def _as_engine_error(error: Exception) -> EngineError:
    if isinstance(error, EngineError):
        return error
    if isinstance(error, OSError | ValueError):
        return EngineUnreachable(f"the engine's settings can't be read or written: {error}")
    return EngineUnreachable(f"the engine's answer is not what Podman or Docker says: {error!r}")
