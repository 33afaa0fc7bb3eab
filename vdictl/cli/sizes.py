"""Sizes for people."""

from __future__ import annotations


def of_bytes(size: int | None) -> str:
    """`1.5 GiB`; empty where it is not known."""
    if size is None:
        return ""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def of_mebibytes(size: int) -> str:
    """`4 GiB`, `512 MiB`."""
    return f"{size / 1024:g} GiB" if size % 512 == 0 and size >= 1024 else f"{size} MiB"
