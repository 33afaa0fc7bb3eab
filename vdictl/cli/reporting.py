"""Errors on stderr: three parts for people, or one JSON object as the last line."""

from __future__ import annotations

import json
import sys

from vdictl.contract.errors import VdictlError


def show_error(error: VdictlError, *, as_json: bool) -> None:
    """Write the error to stderr."""
    if as_json:
        sys.stderr.write(json.dumps(error.as_dict()) + "\n")
        return
    lines = [f"vdictl: {printable(error.brief)}"]
    lines += [f"  {printable(line)}" for line in error.details.splitlines()]
    lines += [f"  -> {printable(line)}" for line in error.advice.splitlines()]
    sys.stderr.write("\n".join(lines) + "\n")


def printable(text: str) -> str:
    """Without what would move the cursor: foreign text must not write over the terminal."""
    return "".join(c if c.isprintable() or c in "\t\u200d" else ascii(c)[1:-1] for c in text)
