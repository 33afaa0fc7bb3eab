"""When this desktop halts by itself: seconds since 1970 in a file that `vdictl-guest expire` rewrites."""

from __future__ import annotations

import os

from . import places, records

WARNING_SECONDS = 300


def parse(text: str) -> int | None:
    """The time in `text`; None for `never`. Raises `ValueError`."""
    text = text.strip()
    if text in ("never", ""):
        return None
    value = int(text)
    if not 0 < value < 1 << 40:
        raise ValueError(f"not a time in seconds since 1970: {text}")
    return value


def read() -> int | None:
    """The time that counts now; None: never. A file that can't be read means never: nothing is halted by mistake."""
    try:
        return parse(places.EXPIRES.read_text())
    except (OSError, ValueError):
        return None


def write(value: int | None) -> None:
    """Set it."""
    records.write(places.EXPIRES, f"{'never' if value is None else value}\n".encode())


def seed() -> None:
    """On the first start, take what the provider asked for. Later starts keep what `extend` has set."""
    if places.EXPIRES.exists():
        return
    try:
        write(parse(os.environ.get("VDICTL_EXPIRES", "never")))
    except ValueError:
        write(None)
