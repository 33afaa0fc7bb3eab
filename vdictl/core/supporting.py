"""What belongs into a bug report, without secrets: versions, doctor's answers, settings, desktops, journal, bugs."""

from __future__ import annotations

import gzip
import io
import json
import os
import platform
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vdictl import __version__
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Desktop
from vdictl.core import chronicle, inventory, settings
from vdictl.core.context import Context, usual_owner
from vdictl.core.scrubbing import Scrubber, known_secrets

EVENTS, LOGS, LOG_BYTES, DESKTOPS = 1000, 10, 64 << 10, 1000  #: the most that goes in
FOLDER = "vdictl-support"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of the bundle."""

    name: str
    about: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the parts come from. Without a context: what a config that cannot be read leaves."""

    context: Context | None
    environment: dict[str, str]
    state_dir: Path
    findings: Sequence[dict[str, Any]]  #: of doctor
    redact_names: bool = False


def parts(source: Source) -> list[Part]:
    """All of them; what cannot be had says so in its place."""
    events = [asdict(event) for event in chronicle.read(source.state_dir).events[-EVENTS:]]
    desktops = _or_error(lambda: _desktops(source.context))
    scrubber = _scrubber(source, events, desktops)
    made = [
        _json("versions.json", "vdictl, Python, this system, installed packages", _versions(source), scrubber),
        _json("doctor.json", "each hop, as doctor sees it", list(source.findings), scrubber),
        _json("settings.json", "where each setting comes from; of secrets the reference", _settings(source), scrubber),
        _json("desktops.json", "the fleet's desktops, without labels and what they hold", desktops, scrubber),
    ]
    lines = "".join(json.dumps(scrubber.data(event), default=_plain) + "\n" for event in events)
    made.append(Part(name="journal.jsonl", about=f"the last {len(events)} events", data=lines.encode()))
    for log in _bug_logs(source):
        text = scrubber.text(_tail(log))
        made.append(Part(name=f"bugs/{log.name}", about="the traceback of a bug", data=text.encode()))
    return made


def pack(parts: Iterable[Part], *, now: datetime) -> bytes:
    """The parts as one tar.gz, without a name of this machine or its user."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=int(now.timestamp())) as squeezed,
        tarfile.open(fileobj=squeezed, mode="w") as archive,
    ):
        for part in parts:
            member = tarfile.TarInfo(f"{FOLDER}/{part.name}")
            member.size, member.mode, member.mtime = len(part.data), 0o600, int(now.timestamp())
            archive.addfile(member, io.BytesIO(part.data))
    return packed.getvalue()


# -- the parts --------------------------------------------------------------------------------------------------------


def _versions(source: Source) -> dict[str, Any]:
    from importlib import metadata  # slow, and only here

    names = sorted({name for name in ("vdictl", "typer", "rich", "PyYAML", "keyring") if _has(metadata, name)})
    return {
        "vdictl": __version__,
        "python": sys.version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "distribution": _distribution(),
        "packages": {name: metadata.version(name) for name in names},
        # Their names only: what is in them may be secret.
        "variables": sorted(
            name for name in source.environment if name.startswith(("VDICTL_", "XDG_", "DOCKER_", "CONTAINER_"))
        ),
        "terminal": source.environment.get("TERM", ""),
        "ci": bool(source.environment.get("CI")),
    }


def _has(metadata: Any, name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _settings(source: Source) -> Any:
    context = source.context
    if context is None:
        return {"error": "the config cannot be read; see doctor.json"}
    return _or_error(lambda: [asdict(setting) for setting in settings.everything(context)])


def _desktops(context: Context | None) -> list[dict[str, Any]]:
    if context is None:
        return []
    listing = inventory.list_desktops(context)
    found = [_desktop(item.desktop) for item in listing.found[:DESKTOPS]]
    return [*found, *({"provider": name, "error": error.brief} for name, error in listing.failures.items())]


def _desktop(desktop: Desktop) -> dict[str, Any]:
    operation = desktop.operation
    return {
        **{name: getattr(desktop, name) for name in ("key", "id", "provider", "fleet", "owner", "name")},
        **{name: getattr(desktop, name) for name in ("plan", "region", "image", "home", "due", "doing", "reason")},
        "state": desktop.state.value,
        "created": desktop.created.isoformat(),
        "expires": desktop.expires.isoformat() if desktop.expires else None,
        "operation": {"verb": operation.verb, "token": operation.token} if operation else None,
        "mark_version": desktop.mark_version,
        "labels": len(desktop.labels),
        "facts": dict(desktop.facts),
    }


def _bug_logs(source: Source) -> list[Path]:
    """The latest, of those that are this user's own."""
    found = [log for place in (source.state_dir, Path(tempfile.gettempdir())) for log in place.glob("bug-*.log")]
    own = [log for log in found if _is_own(log)]
    return sorted(own, key=lambda log: log.name)[-LOGS:]


def _is_own(log: Path) -> bool:
    try:
        return (
            log.is_file() and not log.is_symlink() and (not hasattr(os, "getuid") or log.stat().st_uid == os.getuid())
        )
    except OSError:
        return False


def _tail(log: Path) -> str:
    try:
        data = log.read_bytes()
    except OSError as error:
        return f"it cannot be read: {error.strerror}\n"
    return data[-LOG_BYTES:].decode(errors="replace")


# -- how --------------------------------------------------------------------------------------------------------------


def _scrubber(source: Source, events: Iterable[dict[str, Any]], desktops: Any) -> Scrubber:
    context = source.context
    known = known_secrets(
        context.config if context else None, context.registry if context else None, source.environment
    )
    if not source.redact_names:
        return Scrubber(known)
    rows = [*events, *(desktops if isinstance(desktops, list) else [])]
    names = {str(row[field]) for row in rows for field in ("name", "owner", "by", "fleet", "home") if row.get(field)}
    here = {usual_owner(source.environment), source.environment.get("USER", ""), platform.node()}
    here |= {Path(source.environment.get("HOME", "")).name}
    here |= {context.owner, context.fleet} if context else set()
    return Scrubber(known, names=names | here)


def _json(name: str, about: str, data: Any, scrubber: Scrubber) -> Part:
    text = json.dumps(scrubber.data(data), indent=1, default=_plain)
    return Part(name=name, about=about, data=f"{text}\n".encode())


def _plain(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _or_error(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except VdictlError as error:
        return {"error": f"{error.brief} {error.details}".strip()}
