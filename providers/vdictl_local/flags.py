"""The engine's arguments for a desktop and for a copy: pure. Each flag was verified inside a container."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Invalid
from vdictl.contract.model import Mark
from vdictl.engine.engine import Engine
from vdictl.guest import HOME, PAGE_PORT, STATE_DIR, Flavor
from vdictl_local import names
from vdictl_local.errors import PROVIDER
from vdictl_local.names import Who
from vdictl_local.plans import Size

PIDS: Final = 4096  #: threads count too, and a browser with many tabs has a thousand
_SHM: Final = "256m"
_TMPFS: Final = "rw,exec,nosuid,nodev,mode=1777"  # Docker mounts it noexec unless told; programs build in /tmp
_GEOMETRY = re.compile(r"[1-9][0-9]{2,3}x[1-9][0-9]{2,3}")

#: Empties the target first: a copy that was cut off begins anew. `--reflink` makes it instant where the disk can.
COPY_SCRIPT: Final = "find /to -mindepth 1 -delete && cp -a --reflink=auto /from/. /to/"

#: tar ends with 1 where a file changed while it was read: that is no failure of a home that is in use.
EXPORT_SCRIPT: Final = f"tar -c --format=gnu --numeric-owner -C {HOME} -f - . || [ $? -eq 1 ]"
IMPORT_SCRIPT: Final = f"find {HOME} -mindepth 1 -delete && exec tar -x -p --same-owner --numeric-owner -C {HOME} -f -"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a container is made from."""

    mark: Mark
    image: str
    size: Size
    flavor: Flavor | None  #: `None`: an image that is not one of ours by flavor
    home: str  #: the engine's volume; empty: none
    token: str  #: of the operation that makes it
    state: str  #: the volume of the guest's private state
    gpu: Sequence[str] = ()


def make(engine: Engine, plan: Plan, *, start: bool) -> list[str]:
    """`run -d` (or `create`) with everything."""
    mark = plan.mark
    who = Who(mark.fleet, mark.owner, mark.name)
    return [
        *(("run", "--detach") if start else ("create",)),
        "--pull=never",
        *("--name", who.container),
        *("--hostname", mark.name),
        *names.label_flags(_labels(engine, plan, who)),
        *_hardening(engine, mark.spec.sudo, plan.flavor),
        *_limits(engine, plan.size),
        *_network(engine),
        *_log(engine),
        *(("--volume", f"{plan.home}:{HOME}") if plan.home else ()),
        *("--volume", f"{plan.state}:{STATE_DIR}"),
        *_environment(mark),
        *plan.gpu,
        plan.image,
    ]


def copy(engine: Engine, who: Who, *, key: str, token: str, source: str, target: str, image: str) -> list[str]:
    """`run -d` of the helper that copies one volume into another: no network, no rights but over files."""
    labels = {**who.labels("copy", key), names.TOKEN: token}
    rights = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETFCAP")  # what `cp -a` needs to keep owners, modes and attributes
    return [
        *_helper(engine, *rights),
        *("--detach", "--name", who.copy(token)),
        *names.label_flags(labels),
        *_log(engine),
        *("--volume", f"{source}:/from:ro", "--volume", f"{target}:/to"),
        *("--entrypoint", "sh", image, "-c", COPY_SCRIPT),
    ]


def export(engine: Engine, who: Who, *, token: str, source: str, image: str) -> list[str]:
    """`run` of the helper that writes a volume as a tar to its stdout."""
    flags = _stream(engine, who, token, rights=("DAC_READ_SEARCH",), mount=f"{source}:{HOME}:ro")
    return [*flags, image, "-c", EXPORT_SCRIPT]


def unpack(engine: Engine, who: Who, *, token: str, target: str, image: str) -> list[str]:
    """`run` of the helper that unpacks a tar from its stdin into a volume, with owners, modes and links.

    Nothing but the volume can be written in it: an archive that wants to leave has nowhere to go.
    """
    rights = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID")
    flags = _stream(engine, who, token, rights=rights, mount=f"{target}:{HOME}")
    return [*flags, image, "-c", IMPORT_SCRIPT]


def _stream(engine: Engine, who: Who, token: str, *, rights: Sequence[str], mount: str) -> list[str]:
    """A helper whose streams are ours, and which goes when it ends. `who` is named as the volume."""
    # Mounted where a desktop has it: so an engine gives a fresh volume the owner that it has there.
    labels = {**who.labels("copy", token), names.TOKEN: token, names.VOLUME: who.name}
    return [
        *_helper(engine, *rights),
        *("--rm", "--interactive", "--name", who.copy(token)),
        *names.label_flags(labels),
        *("--log-driver", "none"),  # or the engine would write all that goes through to a log
        *("--volume", mount, "--entrypoint", "sh"),
    ]


def measure(engine: Engine, volumes: Sequence[str], *, image: str) -> list[str]:
    """`run` of a helper that tells what each volume takes on the disk: lines of bytes and `/at/NUMBER`."""
    mounts = [word for number, name in enumerate(volumes) for word in ("--volume", f"{name}:/at/{number}:ro")]
    script = "du --summarize --block-size=1 /at/*"
    return [
        *_helper(engine, "DAC_READ_SEARCH"),
        "--rm",
        *_log(engine),
        *mounts,
        *("--entrypoint", "sh", image, "-c", script),
    ]


def _helper(engine: Engine, *rights: str) -> list[str]:
    """A container for work on volumes: no network, a read-only system, no rights but over files."""
    return [
        *("run", "--pull=never", "--network", "none", "--user", "0", "--read-only"),
        *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
        *(("--read-only-tmpfs=false",) if engine.kind == "podman" else ()),
        *(f"--cap-add={name}" for name in rights),
    ]


def update(engine: Engine, container: str, size: Size) -> list[str]:
    """Other limits for a container that runs. Docker keeps the old one of memory and swap together unless told."""
    swap = ["--memory-swap", f"{2 * size.memory_mib}m"] if engine.kind == "docker" else []
    return ["update", *_amount(size), *swap, container]


def size_text(size: Size) -> str:
    """A size for people."""
    return f"{size.cpus:g} cores, {size.memory_mib} MiB"


def network(engine: Engine) -> str:
    """How a desktop's page is reached: by a port of this machine's loopback, or (`none`) through the engine."""
    return "loopback" if engine.traits.ports else "none"


def check_geometry(text: str) -> str:
    """Give `text` back if it is a screen size.

    Raises:
        Invalid: it is none.
    """
    if _GEOMETRY.fullmatch(text):
        return text
    raise Invalid(f"{text[:40]!a} is no screen size.", advice="Write it as 1280x800.", provider=PROVIDER)


def _labels(engine: Engine, plan: Plan, who: Who) -> Mapping[str, str]:
    return {
        **who.labels("desktop", plan.mark.key),
        # Without the operation: should the marker volumes be pruned, a container that is there is made.
        names.MARK: names.pack(marks.encode(replace(plan.mark, operation=None))),
        names.TOKEN: plan.token,
        names.HOME: plan.home,
        names.PLAN: plan.size.plan,
        names.SIZE: size_text(plan.size),
        names.NETWORK: network(engine),
        names.SYSTEM: "writable" if plan.mark.spec.sudo else "read-only",
        names.LIMITS: "enforced" if engine.traits.limits else "ignored",
    }


def _hardening(engine: Engine, sudo: bool, flavor: Flavor | None) -> list[str]:
    tmpfs = ["--tmpfs", f"/tmp:{_TMPFS}", "--tmpfs", f"/run:{_TMPFS}"]  # noqa: S108 - inside the desktop
    if sudo:
        return tmpfs  # root inside needs the engine's default rights and a way to get them
    return [
        *tmpfs,
        "--read-only",
        *(("--read-only-tmpfs=false",) if engine.kind == "podman" else ()),
        "--cap-drop=ALL",
        *(f"--cap-add={name}" for name in (flavor.cap_add if flavor else ())),
        "--security-opt=no-new-privileges",
    ]


def _limits(engine: Engine, size: Size) -> list[str]:
    shm = ["--shm-size", _SHM]
    return [*shm, *_amount(size), "--pids-limit", str(PIDS)] if engine.traits.limits else shm


def _amount(size: Size) -> list[str]:
    return ["--cpus", f"{size.cpus:g}", "--memory", f"{size.memory_mib}m"]


def _network(engine: Engine) -> list[str]:
    if network(engine) == "none":
        return ["--network", "none"]
    return ["--publish", f"127.0.0.1::{PAGE_PORT}"]


def _log(engine: Engine) -> list[str]:
    driver = "k8s-file" if engine.kind == "podman" else "json-file"  # Podman's own choice may be a journal that is not
    return ["--log-driver", driver, "--log-opt", "max-size=10m"]


def _environment(mark: Mark) -> list[str]:
    """Nothing secret: anybody who may ask the engine can read it."""
    values = {"VDICTL_KEY": mark.key}
    if geometry := mark.spec.options.get("geometry"):
        values["VDICTL_GEOMETRY"] = geometry
    if mark.expires:
        values["VDICTL_EXPIRES"] = str(int(mark.expires.timestamp()))
    if digest := marks.inputs_digest(mark.spec):
        values["VDICTL_INPUTS"] = digest
    return [word for name, value in values.items() for word in ("--env", f"{name}={value}")]
