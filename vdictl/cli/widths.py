"""How much room text takes on a terminal: Chinese letters and emoji take two cells, combining marks none."""

from __future__ import annotations


def width(text: str) -> int:
    """Cells of a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # only for letters that may be wide

    return cell_len(text)


def clip(text: str, room: int, *, encoding: str | None = "utf-8") -> str:
    """The beginning of it, with an ellipsis where something is left out."""
    if width(text) <= room:
        return text
    mark = "…" if _can(encoding) else "~"
    return _head(text, max(room - 1, 0)) + mark if room else ""


def fold(text: str, room: int) -> list[str]:
    """Lines of at most so many cells, broken at blanks where there are some."""
    lines, line = [], ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        left = word
        while width(left) > room:
            part = _head(left, room) or left[0]
            lines.append(part)
            left = left[len(part) :]
        line = left
    return [*lines, line] if line or not lines else lines


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Filled with blanks to so many cells."""
    blanks = " " * (room - width(text))
    return blanks + text if right else text + blanks


def _head(text: str, room: int) -> str:
    """As much from its beginning as has room."""
    if text.isascii():
        return text[:room]
    from rich.cells import chop_cells

    parts = chop_cells(text, room) if room > 0 else []
    return parts[0] if parts and width(parts[0]) <= room else ""


def _can(encoding: str | None) -> bool:
    try:
        "…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
