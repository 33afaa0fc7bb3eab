"""What can go wrong with a container engine, told apart by the texts that Podman and Docker really print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vdictl.engine.redact import redact

__all__ = [
    "BuildFailed",
    "Busy",
    "CommandFailed",
    "DiskFull",
    "EngineError",
    "EngineHung",
    "EngineMissing",
    "EngineUnreachable",
    "HostLacks",
    "ImageMissing",
    "NameTaken",
    "NoSuchObject",
    "NotRunning",
    "RegistryUnreachable",
    "translate",
]


class EngineError(Exception):
    """The engine could not do what it was asked: what happened, the evidence, and what to do now."""

    def __init__(self, brief: str, *, details: str = "", advice: str = "") -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.advice = advice

    def __str__(self) -> str:
        return "\n".join(part for part in (self.brief, self.details, self.advice) if part)


class EngineMissing(EngineError):
    """There is no such program, or it can't be executed."""


class EngineUnreachable(EngineError):
    """The program is there, but its daemon or socket does not answer, or this user may not use it."""


class EngineHung(EngineError):
    """No answer within the time limit; the program was killed. What it had begun may or may not be done."""


class CommandFailed(EngineError):
    """The engine answered with an error. Its children say which one, where the text tells."""

    def __init__(self, argv: Sequence[str], exit_code: int, stderr: str, *, brief: str = "", advice: str = "") -> None:
        self.argv = redact(argv)
        self.exit_code = exit_code
        self.stderr = stderr
        command = " ".join(self.argv)
        super().__init__(
            brief or last_sentence(stderr) or f"the container engine ended with exit code {exit_code}",
            details=f"{command} (exit code {exit_code})" + (f": {stderr.strip()[-2000:]}" if stderr.strip() else ""),
            advice=advice,
        )


class NoSuchObject(CommandFailed):
    """The container, volume, image, secret or network named is not there."""


class ImageMissing(NoSuchObject):
    """The image to run is neither here nor to be had from a registry."""


class NameTaken(CommandFailed):
    """An object of that name is there already."""


class Busy(CommandFailed):
    """The object is in use by another one, or running."""


class NotRunning(CommandFailed):
    """The command needs a running container and this one is not."""


class DiskFull(CommandFailed):
    """No space (or no inodes, or no quota) is left where the engine stores its things."""


class RegistryUnreachable(CommandFailed):
    """The image registry can't be reached or refuses."""


class HostLacks(CommandFailed):
    """The host withholds something the engine needs (a device, a limit, a cgroup controller)."""


class BuildFailed(EngineError):
    """An image build ended without an image. `tail`: the last lines of its log; `log`: the whole of it."""

    def __init__(self, tag: str, reason: str, *, tail: str = "", log: Path | None = None, advice: str = "") -> None:
        self.tag = tag
        self.tail = tail
        self.log = log
        where = f"\nwhole log: {log}" if log else ""
        super().__init__(f"building {tag} failed: {reason}", details=f"{tail}{where}".strip(), advice=advice)


_FREE_SPACE = "Free some space, for example with `podman system prune` or `docker system prune`, then try again."
_DAEMON = "Start the engine (for Docker: `systemctl start docker`), or see `vdictl doctor`."

# One table for both engines; the first match wins, so the specific stands before the general.
# The texts were read off Podman 4.3.1 and Docker 20.10 and, where marked *, in the sources of the newer ones.
_TABLE: tuple[tuple[str, type[CommandFailed] | type[EngineUnreachable], str], ...] = (
    (r"no space left on device|disk quota exceeded", DiskFull, _FREE_SPACE),
    (r"permission denied.*(docker daemon|docker API|docker\.sock)", EngineUnreachable,
     "Add this user to the group docker and log in again, or use rootless Podman."),
    (r"cannot connect to the docker daemon|error during connect|failed to connect to the docker API", EngineUnreachable,
     _DAEMON),
    (r"cannot connect to podman|unable to connect to podman socket", EngineUnreachable, _DAEMON),
    (r"cannot (re-exec|setresuid)|newuidmap|no subuid ranges|insufficient (uid|gid)s", EngineUnreachable,
     "Rootless Podman needs the package uidmap and a line for this user in /etc/subuid and /etc/subgid."),
    (r"storage-driver .* is not supported|database (graph driver|static dir|run dir).* mismatch", EngineUnreachable,
     "Podman's storage was made with other settings; see `podman system reset` (it removes all containers)."),
    (r"did not resolve to an alias|no such image|unable to find image|pull access denied|manifest unknown", ImageMissing,
     ""),
    (r"pinging container registry|dial tcp|TLS handshake timeout|lookup .* no such host|i/o timeout",
     RegistryUnreachable, "No image registry can be reached from here; vdictl can build its base image without one."),
    (r"already in use by|already exists|name .* is in use|secret name in use|conflict\. the container name", NameTaken,
     ""),
    (r"volume .* (is being used|in use)|volume is in use|is being used by|image (is )?in use|image used by|has children"
     r"|has dependent|conflict: unable to|you cannot remove a running|cannot remove .* as it is running"
     r"|container has active endpoints|unable to remove .*: container is running|stop the container before"
     r"|removal of container .* is already in progress|without force: container state improper", Busy, ""),
    (r"container state improper|is not running|can only (create exec|attach)|cannot exec in a (stopped|paused)"
     r"|is paused, unpause", NotRunning, ""),
    (r"no such (container|volume|object|image|network|secret|pod|exec)|image not known|network not found"
     r"|no container with (name|id)|does not exist in database|container \S+ does not exist"
     r"|could not find the file|no volume with name", NoSuchObject, ""),
    (r"operation not permitted.*rlimit|setting rlimit|RLIMIT_\w+.*operation not permitted|hybrid cgroup"
     r"|/dev/net/tun.*(permission denied|no such file)|slirp4netns failed|pasta failed|cgroup.* controller.*not"
     r"|unresolvable CDI devices", HostLacks, "`vdictl doctor` names what this host lacks and the cure."),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), kind, advice) for pattern, kind, advice in _TABLE)


def last_sentence(stderr: str) -> str:
    """The line that says what went wrong: the last with `Error`, else the last that is no warning; without its prefix."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("Error", "Cannot")) or " daemon: " in line] or [
        line for line in lines if "level=warning" not in line and not line.startswith(("See ", "Try "))
    ]
    if not told:
        return ""
    return re.sub(r"^(Error: |Error response from daemon: |docker: |podman: )+", "", told[-1])[:500]


def translate(argv: Sequence[str], exit_code: int, stderr: str) -> EngineError:
    """The error that this exit code and this text stand for."""
    talk = "\n".join(line for line in stderr.splitlines() if "level=warning" not in line) or stderr
    for pattern, kind, advice in _COMPILED:
        if pattern.search(talk):
            if issubclass(kind, CommandFailed):
                return kind(argv, exit_code, stderr, advice=advice)
            return EngineUnreachable(
                f"the container engine {argv[0]} does not answer: {last_sentence(stderr)}",
                details=stderr.strip()[-2000:],
                advice=advice,
            )
    return CommandFailed(argv, exit_code, stderr)
