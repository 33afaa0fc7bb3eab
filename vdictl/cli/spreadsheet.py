"""Records as CSV (RFC 4180), which a spreadsheet can open without running what stands in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

#: A cell that begins so is a formula to a spreadsheet; an apostrophe before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(records: Iterable[Mapping[str, Any]], stream: TextIO) -> None:
    """A heading of all fields, a line each. What is a table or a list itself stands there as JSON; None is empty."""
    rows = list(records)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"'{text}" if text.startswith(_FORMULA) else text
