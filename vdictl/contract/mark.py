"""The mark's text: JSON, stable, without a secret. How a provider carries it (tags, labels, description) is its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from vdictl.contract.errors import Invalid
from vdictl.contract.model import NEVER, NOTHING, DesktopSpec, Mark, Operation, Wish

VERSION: Final = 1
#: Name of a desktop, volume or snapshot: a DNS label, so that it fits as host name, label and tag everywhere.
NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
#: Owner and fleet may be a little freer: a login or mail-like name without the at sign.
OWNER: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?")

#: What of a spec is the size.
SIZE: Final = ("plan", "cpus", "memory_mib", "disk_gib", "gpu")


def check_name(kind: str, text: str, pattern: re.Pattern[str] = NAME) -> str:
    """Give `text` back if it may be the name of a `kind`.

    Raises:
        Invalid: with a shortened, printable form of what was given.
    """
    if pattern.fullmatch(text):
        return text
    shown = ascii(text if len(text) <= 60 else text[:57] + "...")
    raise Invalid(
        f"{shown} cannot be the name of {'an' if kind[0] in 'aeiou' else 'a'} {kind}.",
        details=f"{len(text)} characters were given.",
        advice="Use 1 to 40 of a-z, 0-9 and '-', beginning and ending with a letter or digit.",
    )


def asked(spec: DesktopSpec) -> dict[str, Any]:
    """What was asked, as plain JSON data: only what was given, without name, owner, fleet, expiry and labels."""
    data: dict[str, Any] = {}
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name in {"name", "owner", "fleet", "expires", "labels"} or value in (None, False, ()) or value == {}:
            continue
        data[field.name] = list(value) if isinstance(value, tuple) else _plain(value)
    return data


def remarked(
    mark: Mark,
    *,
    name: str | None = None,
    labels: Mapping[str, str | None] | None = None,
    expires: datetime | None = None,
) -> Mark:
    """The mark with what is given changed, as `SupportsMark.remark` means it.

    The home is called after the desktop's first name: once that is another one, the spec says so.

    Raises:
        Invalid: the name cannot be one.
    """
    called = check_name("desktop", name) if name else mark.name
    home = mark.spec.home or (mark.name if called != mark.name else None)
    merged = {key: value for key, value in {**mark.labels, **(labels or {})}.items() if value is not None}
    end = mark.expires if expires is None else None if expires == NEVER else expires
    spec = replace(mark.spec, name=called, home=home, labels=merged, expires=end)
    return replace(mark, name=called, labels=merged, expires=end, spec=spec)


def resized(spec: DesktopSpec, to: DesktopSpec) -> DesktopSpec:
    """`spec` with the size that `to` asks for."""
    return replace(spec, **{name: getattr(to, name) for name in SIZE})


def inputs_digest(spec: DesktopSpec) -> str:
    """What the first boot waits for, as one hash; empty: there is nothing to deliver."""
    if not (spec.inputs or spec.git or spec.dotfiles):
        return ""
    parts = [_plain(spec.inputs), spec.git, spec.dotfiles]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


def encode(mark: Mark) -> str:
    """The mark as one line of JSON with sorted keys."""
    operation = mark.operation
    data: dict[str, Any] = {
        "v": mark.version,
        "key": mark.key,
        "fleet": mark.fleet,
        "owner": mark.owner,
        "name": mark.name,
        "spec": asked(mark.spec),
        "labels": dict(mark.labels),
        "expires": _stamp(mark.expires),
        "engine": mark.engine,
        "op": operation
        and {
            "verb": operation.verb,
            "token": operation.token,
            "wish": operation.wish.value,
            "args": dict(operation.arguments),
            "since": _stamp(operation.since),
        },
    }
    return json.dumps({k: v for k, v in data.items() if v}, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def decode(text: str) -> Mark:
    """Read a mark, also one of a newer version (then only what this version knows; `version` tells).

    Raises:
        Invalid: the text is no mark.
    """
    try:
        data = json.loads(text)
        identity = {name: str(data[name]) for name in ("key", "fleet", "owner", "name")}
        expires, labels = _time(data.get("expires")), dict(data.get("labels", NOTHING))
        return Mark(
            **identity,
            spec=_spec(data.get("spec", {}), identity, labels, expires),
            operation=_operation(data.get("op")),
            labels=labels,
            expires=expires,
            engine=str(data.get("engine", "")),
            version=int(data["v"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid("This is no vdictl mark.", details=text[:200]) from error


def _spec(
    data: Mapping[str, Any], identity: Mapping[str, str], labels: Mapping[str, str], expires: datetime | None
) -> DesktopSpec:
    known: set[str] = {field.name for field in fields(DesktopSpec)} - {"name", "owner", "fleet", "labels", "expires"}
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
    given |= {k: identity[k] for k in ("name", "owner", "fleet")}
    return DesktopSpec(**given, labels=labels, expires=expires)


def _operation(data: Mapping[str, Any] | None) -> Operation | None:
    if not data:
        return None
    return Operation(
        verb=str(data["verb"]),
        token=str(data["token"]),
        wish=Wish(data["wish"]),
        arguments=dict(data.get("args", NOTHING)),
        since=_time(data.get("since")),
    )


def _stamp(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if time else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
