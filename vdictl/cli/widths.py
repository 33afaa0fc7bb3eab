"""How much room text takes on a terminal: Chinese letters and emoji take two cells, combining marks none."""

from __future__ import annotations

from unicodedata import category, east_asian_width

_JOINER, _AS_EMOJI = "\u200d", "\ufe0f"


def width(text: str) -> int:
    """Cells of a terminal."""
    return len(text) if text.isascii() else sum(cells for _, cells in _pieces(text))


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
    taken = ""
    for piece, cells in _pieces(text):
        if cells > room:
            break
        taken, room = taken + piece, room - cells
    return taken


def _pieces(text: str) -> list[tuple[str, int]]:
    """What stands together in one place, and its cells: a letter with its marks, emoji that are joined to one."""
    pieces: list[tuple[str, int]] = []
    joins = False
    for letter in text:
        if pieces and (joins or letter == _JOINER or category(letter) in {"Mn", "Me"} or _is_tone(letter)):
            piece, cells = pieces[-1]
            pieces[-1] = (piece + letter, 2 if letter == _AS_EMOJI else cells)
        else:
            pieces.append((letter, 0 if category(letter) in {"Mn", "Me", "Cf"} else 2 if _is_wide(letter) else 1))
        joins = letter == _JOINER
    return pieces


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in {"W", "F"}


def _is_tone(letter: str) -> bool:
    """The colour of a skin, which belongs to the emoji before it."""
    return "\U0001f3fb" <= letter <= "\U0001f3ff"


def _can(encoding: str | None) -> bool:
    try:
        "…".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
