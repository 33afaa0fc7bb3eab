"""Our private containers.conf: the user's settings, with the cures added where they say nothing."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vdictl.engine.hosts import Finding, Host

_HEAD = "# Written by vdictl for its own calls of Podman (see `vdictl doctor`); changes are overwritten.\n"


def system_files(host: Host) -> list[Path]:
    """The files Podman would read where CONTAINERS_CONF is not set, in its order: a later one wins."""
    home = Path(host.env.get("XDG_CONFIG_HOME") or Path(host.env.get("HOME") or "/nonexistent") / ".config")
    files = [host.path("/usr/share/containers/containers.conf")]
    folders = [host.path("/etc/containers"), *([home / "containers"] if host.rootless else [])]
    for folder in folders:
        files.append(folder / "containers.conf")
        files.extend(sorted((folder / "containers.conf.d").glob("*.conf")))
    return [file for file in files if file.is_file()]


def compose(host: Host, findings: Iterable[Finding]) -> str:
    """The text of the private file, or nothing where no cure needs one.

    With CONTAINERS_CONF set, Podman reads no other file (the variable that adds to them came with Podman 4.6), so the
    settings of the others are carried over. Raises ValueError where one of them is not TOML.
    """
    cures = [finding.settings for finding in findings if finding.settings]
    if not cures:
        return ""
    merged: dict[str, Any] = {}
    for file in system_files(host):
        _merge(merged, tomllib.loads(file.read_text(errors="replace")), over=True)
    for cure in cures:
        _merge(merged, cure, over=False)
    return _HEAD + "\n".join(_tables("", merged)) + "\n"


def write(path: Path, text: str) -> None:
    """Put the text there whole or not at all; a file that says the same already is left alone."""
    try:
        if path.read_text() == text:
            return
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def _merge(into: dict[str, Any], source: Mapping[str, Any], *, over: bool) -> None:
    for key, value in source.items():
        if isinstance(value, Mapping):
            _merge(into.setdefault(key, {}), value, over=over)
        elif over or key not in into:
            into[key] = value


def _tables(name: str, table: Mapping[str, Any]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{name}]"] if name and plain else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _tables(f"{name}.{_key(key)}" if name else _key(key), value)
    return lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    return _quoted(value) if isinstance(value, str) else str(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = "".join(_escape(letter) for letter in text)
    return f'"{escaped}"'


def _escape(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
