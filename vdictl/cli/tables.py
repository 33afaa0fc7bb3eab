"""Tables: plain columns through a pipe, fitted on a terminal.

Which columns have room, and which go on in a next line, is decided here: rich's tables squeeze all of them instead of
leaving the last ones out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TextIO

from vdictl.cli.output import Column, Record
from vdictl.cli.reporting import printable
from vdictl.cli.widths import clip, fold, pad, width

GAP = "  "
_LEAST_WRAPPED, _LEAST_CLIPPED = 16, 8  #: narrower than this a column is of no use
_BOLD, _PLAIN = "\033[1m", "\033[0m"


def styled(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether bold and colour may be written: no-color.org and force-color.org, else on a terminal that can."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def moves(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal's cursor can be moved: what NO_COLOR says is of no matter for that."""
    return environment.get("TERM") != "dumb"


def draw(records: Sequence[Record], columns: Sequence[Column], *, chosen: bool = False, quiet: bool = False) -> None:
    """Write the table. `chosen`: by name, so that none may be left out, however narrow the terminal."""
    columns = [c for c in columns if chosen or not c.optional or any(c.show(r) for r in records)]
    cells = [[printable(column.show(record)) for column in columns] for record in records]
    if sys.stdout.isatty():
        from shutil import get_terminal_size  # only on a terminal

        room = get_terminal_size().columns
        kept = len(columns) if chosen else _that_fit(columns, cells, room)
        if kept < len(columns) and not quiet:
            left_out = ", ".join(column.heading for column in columns[kept:])
            sys.stderr.write(f"No room for {left_out}; choose: --columns name,...\n")
        columns, cells = columns[:kept], [row[:kept] for row in cells]
        widths = _fitted(columns, cells, room)
    else:
        widths = _natural(columns, cells)
    heading = "".join(_lines([c.heading for c in columns], columns, widths))
    sys.stdout.write(f"{_BOLD}{heading[:-1]}{_PLAIN}\n" if styled(sys.stdout) else heading)
    for row in cells:
        sys.stdout.writelines(_lines(row, columns, widths))


def _natural(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
    """As wide as the widest cell."""
    return [max(width(text) for text in (c.heading, *(row[i] for row in cells))) for i, c in enumerate(columns)]


def _least(columns: Sequence[Column], natural: Sequence[int]) -> list[int]:
    """As narrow as each may become."""
    floors = (_LEAST_WRAPPED if c.wraps else max(_LEAST_CLIPPED, len(c.heading)) for c in columns)
    return [min(widest, floor) for widest, floor in zip(natural, floors, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * max(len(widths) - 1, 0)


def _that_fit(columns: Sequence[Column], cells: Sequence[Sequence[str]], room: int) -> int:
    """How many columns, from the left: the first ones are those that matter most."""
    least = _least(columns, _natural(columns, cells))
    return next((n for n in range(len(columns), 1, -1) if _total(least[:n]) <= room), 1)


def _fitted(columns: Sequence[Column], cells: Sequence[Sequence[str]], room: int) -> list[int]:
    """What is too much is taken from the widest that can give, first from those that go on in a next line."""
    widths = _natural(columns, cells)
    least = _least(columns, widths)
    for wrapping in (True, False):
        able = [i for i, column in enumerate(columns) if column.wraps is wrapping]
        while (much := _total(widths) - room) > 0:
            giving = max((i for i in able if widths[i] > least[i]), key=lambda i: widths[i], default=None)
            if giving is None:
                break
            widths[giving] -= min(1 + much // len(columns), widths[giving] - least[giving])
    return widths


def _lines(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    """A row of the table, which may be several lines."""
    parts = [
        fold(text, room) if column.wraps else [clip(text, room, encoding=sys.stdout.encoding)]
        for text, column, room in zip(row, columns, widths, strict=True)
    ]
    for line in zip_longest(*parts, fillvalue=""):
        cells = (pad(t, room, right=c.right) for t, c, room in zip(line, columns, widths, strict=True))
        yield GAP.join(cells).rstrip() + "\n"
