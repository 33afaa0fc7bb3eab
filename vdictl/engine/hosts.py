"""Hosts that are not ordinary: what stands in Podman's way, and the cure. Each function looks and changes nothing."""

from __future__ import annotations

import os
import pwd
import resource
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vdictl.engine.candidate import Obstacle

__all__ = ["LOOKS", "Finding", "Host", "Obstacle", "look_around"]

_CAP_SYS_RESOURCE = 24
_PODMAN_NOFILE = 1048576  # what Podman 4 asks for by default, for files and for processes
_MOST_PROCESSES = 32768
_HELPER_FOLDERS = ("usr/lib/podman", "usr/libexec/podman", "usr/local/lib/podman", "usr/local/libexec/podman")
_CNI_FOLDERS = ("opt/cni/bin", "usr/lib/cni", "usr/libexec/cni", "usr/local/lib/cni", "usr/local/libexec/cni")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An obstacle, its cure (settings for containers.conf: section -> key -> value; variables), and what is lost.

    `blocks`: Podman starts and answers all the same, but can neither unpack nor run an image.
    """

    obstacle: Obstacle
    settings: Mapping[str, Mapping[str, str | list[str]]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    no_ports: bool = False
    no_limits: bool = False
    blocks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine as the functions below see it; `root` is where /proc, /sys and /dev are looked for."""

    env: Mapping[str, str]
    uid: int
    user: str
    nofile: int
    nproc: int
    root: Path = Path("/")
    which: Callable[[str], str | None] = shutil.which

    @classmethod
    def here(cls, env: Mapping[str, str]) -> Host:
        """This machine, this user. A hard limit of `unlimited` counts as a very large number."""
        uid = os.geteuid()
        path = env.get("PATH")
        return cls(
            env=env,
            uid=uid,
            user=_user_name(uid),
            nofile=_hard(resource.RLIMIT_NOFILE),
            nproc=_hard(resource.RLIMIT_NPROC),
            which=lambda name: shutil.which(name, path=f"{path}:/usr/sbin:/sbin" if path else None),
        )

    @property
    def rootless(self) -> bool:
        """Podman works in a user namespace."""
        return self.uid != 0

    @property
    def has_systemd(self) -> bool:
        """Systemd runs this machine."""
        return (self.root / "run/systemd/system").is_dir()

    def path(self, name: str) -> Path:
        """An absolute path of the host, under `root`."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str:
        """A file's text; empty where it can't be read."""
        try:
            return self.path(name).read_text(errors="replace")
        except OSError:
            return ""


def hybrid_cgroups(host: Host) -> Finding | None:
    """Cgroup v1 with controllers in a v2 tree beside it: crun refuses (`cgroups in hybrid mode not supported`)."""
    controllers = host.text("/sys/fs/cgroup/unified/cgroup.controllers").split()
    if not controllers:
        return None
    runc = host.which("runc")
    obstacle = Obstacle(
        what="the control groups are hybrid, which the runtime crun refuses",
        evidence=f"/sys/fs/cgroup/unified/cgroup.controllers: {' '.join(controllers)}",
        cure='runtime = "runc"' if runc else "install runc (apt-get install runc)",
        applied=bool(runc),
    )
    return Finding(obstacle=obstacle, settings={"engine": {"runtime": "runc"}} if runc else {})


def low_ulimits(host: Host) -> Finding | None:
    """Root without CAP_SYS_RESOURCE can't raise its limits to what Podman asks for (rootless, Podman lowers them)."""
    if host.rootless or host.nofile >= _PODMAN_NOFILE or _capable(host, _CAP_SYS_RESOURCE):
        return None
    files, processes = host.nofile, min(host.nproc, _MOST_PROCESSES)
    limits = [f"nofile={files}:{files}", f"nproc={processes}:{processes}"]
    obstacle = Obstacle(
        what="this root may not raise its limit of open files",
        evidence=f"ulimit -Hn is {files}, no CAP_SYS_RESOURCE",
        cure=f"default_ulimits = {limits}",
        applied=True,
    )
    return Finding(obstacle=obstacle, settings={"containers": {"default_ulimits": limits}})


def no_cni(host: Host) -> Finding | None:
    """Podman 4 may look for CNI plug-ins that are not there although netavark is."""
    if any((host.path(folder) / "bridge").exists() for folder in _CNI_FOLDERS):
        return None
    netavark = next((folder for folder in _HELPER_FOLDERS if (host.path(folder) / "netavark").exists()), None)
    if netavark is None and host.which("netavark") is None:
        obstacle = Obstacle(
            what="Podman has no network back end",
            evidence="neither netavark nor CNI plug-ins are installed",
            cure="apt-get install netavark aardvark-dns",
            applied=False,
        )
        return Finding(obstacle=obstacle, no_ports=not host.rootless)
    obstacle = Obstacle(
        what="Podman may look for CNI plug-ins that are not installed",
        evidence="netavark is there, no CNI plug-in is",
        cure='network_backend = "netavark"',
        applied=True,
    )
    return Finding(obstacle=obstacle, settings={"network": {"network_backend": "netavark"}})


def no_systemd(host: Host) -> Finding | None:
    """Without systemd (or, rootless, without a session of one's own) Podman must manage control groups by itself."""
    session = host.path(host.env.get("XDG_RUNTIME_DIR") or f"/run/user/{host.uid}") / "systemd"
    if host.has_systemd and not (host.rootless and not session.exists()):
        return None
    obstacle = Obstacle(
        what="no systemd session" if host.has_systemd else "no systemd runs here",
        evidence=f"{session} is not there" if host.has_systemd else "/run/systemd/system is not there",
        cure='cgroup_manager = "cgroupfs", events_logger = "file"',
        applied=True,
    )
    return Finding(obstacle=obstacle, settings={"engine": {"cgroup_manager": "cgroupfs", "events_logger": "file"}})


def no_id_ranges(host: Host) -> Finding | None:
    """Rootless Podman maps users by newuidmap and the ranges in /etc/subuid and /etc/subgid."""
    if not host.rootless:
        return None
    if host.which("newuidmap") is None:
        obstacle = Obstacle(
            what="rootless Podman can't map users",
            evidence="newuidmap is not installed",
            cure="sudo apt-get install uidmap",
            applied=False,
        )
        return Finding(obstacle=obstacle, blocks=True)
    without = [name for name in ("/etc/subuid", "/etc/subgid") if not _has_range(host, name)]
    if not without:
        return None
    obstacle = Obstacle(
        what=f"the user {host.user} has no range of subordinate ids",
        evidence=f"no line for {host.user} in {' and '.join(without)}",
        cure=f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {host.user}"
        " && podman system migrate",
        applied=False,
    )
    return Finding(obstacle=obstacle, blocks=True)


def no_tun(host: Host) -> Finding | None:
    """Rootless networks (slirp4netns, pasta) need /dev/net/tun open; without it only `--network none` works."""
    if not host.rootless:
        return None
    tun = host.path("/dev/net/tun")
    if host.which("slirp4netns") is None and host.which("pasta") is None:
        evidence, cure = "neither slirp4netns nor pasta is installed", "sudo apt-get install slirp4netns"
    elif not tun.exists():
        evidence, cure = "/dev/net/tun is not there", "sudo modprobe tun"
    elif not os.access(tun, os.R_OK | os.W_OK):
        evidence = f"/dev/net/tun has mode {tun.stat().st_mode & 0o777:04o}"
        cure = "sudo chmod 0666 /dev/net/tun"
    else:
        return None
    obstacle = Obstacle(
        what="rootless containers get no network of their own",
        evidence=evidence,
        cure=f"desktops run with `--network none`: usable, but without internet inside; to give it to them: {cure}",
        applied=True,
    )
    return Finding(obstacle=obstacle, no_ports=True)


def no_runtime_folder(host: Host) -> Finding | None:
    """Rootless Podman keeps its running state under XDG_RUNTIME_DIR, else under /tmp."""
    if not host.rootless or host.env.get("XDG_RUNTIME_DIR"):
        return None
    usual = host.path(f"/run/user/{host.uid}")
    there = usual.is_dir() and usual.stat().st_uid == host.uid
    obstacle = Obstacle(
        what="XDG_RUNTIME_DIR is not set",
        evidence=f"{usual} is {'there' if there else 'not there (no login session)'}",
        cure=f"XDG_RUNTIME_DIR={usual}" if there else "Podman uses a folder under /tmp instead; nothing to do",
        applied=True,
    )
    return Finding(obstacle=obstacle, env={"XDG_RUNTIME_DIR": str(usual)} if there else {})


def limits_ignored(host: Host) -> Finding | None:
    """Rootless on cgroup v1, the engine ignores memory, cpu and pids limits and says so only in passing."""
    if not host.rootless or host.path("/sys/fs/cgroup/cgroup.controllers").exists():
        return None
    obstacle = Obstacle(
        what="memory, cpu and process limits are not enforced",
        evidence="rootless on control groups of version 1",
        cure="boot with systemd.unified_cgroup_hierarchy=1, or run vdictl as root",
        applied=False,
    )
    return Finding(obstacle=obstacle, no_limits=True)


LOOKS: tuple[Callable[[Host], Finding | None], ...] = (
    hybrid_cgroups,
    low_ulimits,
    no_cni,
    no_systemd,
    no_id_ranges,
    no_tun,
    no_runtime_folder,
    limits_ignored,
)


def look_around(host: Host) -> list[Finding]:
    """All that stands in Podman's way on this host.

    A user's own CONTAINERS_CONF is left alone: the settings that would go into ours are named as theirs to make.
    """
    findings = [finding for look in LOOKS if (finding := look(host)) is not None]
    own = host.env.get("CONTAINERS_CONF")
    return [_left_alone(finding, own) if own and finding.settings else finding for finding in findings]


def _left_alone(finding: Finding, own: str) -> Finding:
    told = replace(
        finding.obstacle,
        cure=f"{finding.obstacle.cure} in {own} (CONTAINERS_CONF is set, so vdictl leaves it to you)",
        applied=False,
    )
    return replace(finding, obstacle=told, settings={})


def _capable(host: Host, number: int) -> bool:
    for line in host.text("/proc/self/status").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _has_range(host: Host, name: str) -> bool:
    owners = {line.partition(":")[0] for line in host.text(name).splitlines()}
    return bool(owners & {host.user, str(host.uid)})


def _hard(which: int) -> int:
    hard = resource.getrlimit(which)[1]
    return 2**62 if hard == resource.RLIM_INFINITY else hard


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
