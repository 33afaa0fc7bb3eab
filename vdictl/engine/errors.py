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
_START = "Start the engine (for Docker: `systemctl start docker`), or see `vdictl doctor`."
_FAR = "See that the engine's address is right and that its machine answers: try it with `ssh` or the engine itself."
_GROUP = "Add this user to the group docker and log in again, or use rootless Podman."
_UIDMAP = "Rootless Podman needs the package uidmap and a line for this user in /etc/subuid and /etc/subgid."
_STORAGE = "Podman's storage was made with other settings; see `podman system reset` (it removes all containers)."
_NO_REGISTRY = "No image registry can be reached from here; vdictl can build its base image without one."
_DOCTOR = "`vdictl doctor` names what this host lacks and the cure."

# One table for both engines. The first match wins, so the specific stands before the general. The texts were read off
# Podman 4.3.1, Docker 20.10 and 28.2, and off the sources of Podman 5.
_TABLE: tuple[tuple[type[CommandFailed] | type[EngineUnreachable], str, tuple[str, ...]], ...] = (
    (DiskFull, _FREE_SPACE, ("no space left on device", "disk quota exceeded")),
    (
        EngineUnreachable,
        _FAR,
        (r"^Error: failed to connect: (dial|ssh)", "ssh: (rejected|handshake failed)", "stderr=ssh:"),
    ),
    (EngineUnreachable, _GROUP, (r"permission denied.*(docker daemon|docker API|docker\.sock)",)),
    (
        EngineUnreachable,
        _START,
        (
            "cannot connect to the docker daemon",
            "error during connect",
            "failed to connect to the docker API",
            "cannot connect to podman",
            "unable to connect to podman socket",
        ),
    ),
    (
        EngineUnreachable,
        _UIDMAP,
        (r"cannot (re-exec|setresuid|set up namespace)", "newuidmap", "no subuid ranges", r"insufficient [ug]ids"),
    ),
    (EngineUnreachable, _STORAGE, ("database .* mismatch", "storage-driver .* is not supported")),
    (
        ImageMissing,
        "",
        (
            "did not resolve to an alias",
            "no such image",
            "unable to find image",
            "pull access denied",
            "manifest unknown",
            r"localhost/\S+: .*(connection refused|not found)",
            "localhost/.* pinging container registry localhost",
        ),
    ),
    (
        RegistryUnreachable,
        _NO_REGISTRY,
        ("pinging container registry", "dial tcp", "TLS handshake timeout", "lookup .* no such host", "i/o timeout"),
    ),
    (NameTaken, "", ("already in use by", "already exists", r"conflict\. the container name", "secret name in use")),
    (
        Busy,
        "",
        (
            "volume .* (is being used|in use)",
            "is being used by",
            "image (is )?in use",
            "image used by",
            "image has dependent",
            "conflict: unable to",
            "cannot remove a running",
            "cannot remove .* as it is running",
            "container is running",
            "stop the container before",
            "removal of container .* is already in progress",
            "without force",
            "has active endpoints",
        ),
    ),
    (
        NotRunning,
        "",
        (
            "container state improper",
            "is not running",
            r"can only (create exec|attach)",
            r"cannot exec in a (stopped|paused)",
            "is paused",
        ),
    ),
    (
        NoSuchObject,
        "",
        (
            r"no such (container|volume|object|network|secret|pod|exec)",
            "image not known",
            "network not found",
            r"no (container|volume|pod) with (name|id)",
            r"container \S+ does not exist",
            "could not find the file",
        ),
    ),
    (
        HostLacks,
        _DOCTOR,
        (
            r"rlimit\S*.*(not permitted|invalid argument)",
            r"setting rlimit",
            "cgroups? in hybrid mode",
            r"/dev/net/tun.*(permission denied|no such file)",
            "slirp4netns failed",
            "pasta failed",
            r"cgroup.* controller.*not",
            "unresolvable CDI devices",
            "could not select device driver",
        ),
    ),
)


def last_sentence(stderr: str) -> str:
    """The line that says what went wrong (the last with `Error`, else the last that is no warning), without prefix."""
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
    for kind, advice, texts in _TABLE:
        if any(re.search(text, talk, re.IGNORECASE | re.MULTILINE) for text in texts):
            if kind is NoSuchObject and "image" in talk and set(argv[1:3]) & {"create", "run"}:
                kind = ImageMissing  # noqa: PLW2901 - the same text says less where the image itself was asked for
            if issubclass(kind, CommandFailed):
                return kind(argv, exit_code, stderr, advice=advice)
            return EngineUnreachable(
                f"the container engine {argv[0]} does not answer: {last_sentence(stderr)}",
                details=stderr.strip()[-2000:],
                advice=advice,
            )
    return CommandFailed(argv, exit_code, stderr)
