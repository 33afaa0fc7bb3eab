"""Change the config file: comments and order stay, and it is there as a whole or not at all, for this user only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vdictl.contract.errors import Conflict, Invalid, NotConfigured, VdictlError
from vdictl.core.clock import Clock
from vdictl.core.locking import held
from vdictl.core.paths import make_private

PATIENCE = 10.0  #: seconds to wait for another one who writes


Check = Callable[[Mapping[str, Any]], None]


def put(file: Path, way: Sequence[str], value: str, *, check: Check, clock: Clock) -> None:
    """Set the key at the end of `way` (`providers`, `local`, `engine`); `check` may refuse what would be written.

    Raises:
        Invalid: the file is no TOML, or something on the way is no table. What `check` raises.
        Busy: another process writes it for long. VdictlError: it cannot be written.
    """

    def change(document: Any) -> bool:
        import tomlkit  # 30 ms, and only for who writes

        *tables, key = way
        for number, name in enumerate(tables):
            # [providers] and [profiles] hold tables only: no heading of their own, as a person would write it.
            document = document.setdefault(name, tomlkit.table(is_super_table=name in {"providers", "profiles"}))
            if not isinstance(document, dict):
                raise Invalid(f"{'.'.join(tables[: number + 1])} in {file} is no table.")
        if document.get(key) == value:
            return False
        document[key] = value
        return True

    _edit(file, change, check=check, clock=clock)


def drop(file: Path, way: Sequence[str], *, clock: Clock) -> bool:
    """Take the key at the end of `way` out of the file. False: it was not in it.

    Raises:
        As `put`.
    """
    dropped = False

    def change(document: Any) -> bool:
        nonlocal dropped
        *tables, key = way
        for name in tables:
            document = document.get(name, {})
            if not isinstance(document, dict):
                return False
        dropped = document.pop(key, None) is not None
        return dropped

    _edit(file, change, check=lambda _: None, clock=clock)
    return dropped


def begin(file: Path, text: str) -> None:
    """Write a first config file.

    Raises:
        Conflict: there is one already; it is never written over. VdictlError: it cannot be written.
    """
    try:
        make_private(file.parent)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        advice = "See what is in it: vdictl config list\nTo begin anew, move it away first."
        raise Conflict(f"There is a config already: {file}.", advice=advice) from error
    except OSError as error:
        raise _unwritable(file, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:  # a full disk
        with suppress(OSError):
            file.unlink()
        raise _unwritable(file, error) from error


def _edit(file: Path, change: Callable[[Any], bool], *, check: Check, clock: Clock) -> None:
    try:
        make_private(file.parent)
        target = file.resolve()  # a link stays a link
        with held(target.parent / f".{target.name}.lock", clock=clock, patience=PATIENCE, what="the config"):
            document = _read(target)
            if change(document):
                check(document.unwrap())
                _replace(target, document.as_string())
    except OSError as error:
        raise _unwritable(file, error) from error


def _read(file: Path) -> Any:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise Invalid(f"The config file {file} is no valid TOML.", details=str(error)) from error


def _replace(file: Path, text: str) -> None:
    """Written beside it, then renamed: who is killed, or has a full disk, still has the old one."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(temporary).replace(file)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _unwritable(file: Path, error: OSError) -> VdictlError:
    return NotConfigured(f"The config {file} cannot be written.", details=error.strerror or str(error))
