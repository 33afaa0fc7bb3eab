"""Lengths of time and sizes as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from vdictl.contract.errors import Invalid

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def seconds(text: str, *, option: str) -> float:
    """`8h`, `90m`, `1h30m`, `45` (seconds).

    Raises:
        Invalid: it is none, or not above zero.
    """
    parts = _PART.findall(text)
    if parts and "".join(n + u for n, u in parts) == text:
        total = sum(float(n) * _SECONDS[u] for n, u in parts)
    elif re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        total = float(text)
    else:
        raise Invalid(f"{option}: {text[:40]!a} is no length of time.", advice="Write it as 45s, 90m, 8h or 2d.")
    if not 0 < total < 10 * 365 * 86400:
        raise Invalid(f"{option}: {text[:40]!a} is not between a moment and ten years.")
    return total


def moment(text: str, *, option: str, now: datetime) -> datetime:
    """An ISO 8601 time (without an offset: this machine's own zone) that lies ahead."""
    try:
        time = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{option}: {text[:40]!a} is no time.", advice="Write it as 2030-01-31T18:00.") from error
    if time <= now:
        raise Invalid(f"{option}: {text[:40]!a} is over already.")
    return time


def mebibytes(text: str, *, option: str) -> int:
    """`16g`, `16gb`, `512m`, `16` (GiB); units are powers of 1024."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise Invalid(f"{option}: {text[:40]!a} is no size.", advice="Write it as 512m, 8g or 8gb.")
    factor = {"k": 1 / 1024, "m": 1.0, "g": 1024.0, "t": 1024.0 * 1024, "": 1024.0}[match[2].lower()]
    size = int(float(match[1]) * factor)
    if not 1 <= size <= 64 * 1024 * 1024:
        raise Invalid(f"{option}: {text[:40]!a} is no sensible size.")
    return size


def ago(time: datetime, *, now: datetime) -> str:
    """How long since, in its largest unit: `3h`."""
    return length((now - time).total_seconds())


def length(total: float) -> str:
    """A length of time in its largest unit."""
    span = abs(timedelta(seconds=total).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if span >= size:
            return f"{int(span // size)}{unit}"
    return f"{int(span)}s"
