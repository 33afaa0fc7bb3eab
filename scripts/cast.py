#!/usr/bin/env python3
"""Draw docs/demo.svg, which moves, from docs/demo.cast; `--check` says whether they differ, and changes nothing.

It knows the few control codes that vdictl uses, and stops at any other. Pauses are cut short.

Usage: .venv/bin/python scripts/cast.py [--check]
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CAST, PICTURE = ROOT / "docs/demo.cast", ROOT / "docs/demo.svg"
LONGEST_PAUSE, LAST_PAUSE, SHORTEST = 1.2, 4.0, 0.1  # seconds
WIDE, HIGH, EDGE, BAR = 8.43, 19, 16, 34  # pixels: a character, a line, the border, the title
CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r\n|[\r\n])|([^\x1b\r\n]+)")
STYLE = """<style>
text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre }
.b { font-weight: 700; fill: #ffffff } .u { fill: #88c0d0 }
"""

#: For who wants no motion: the end.
STILL = "@media (prefers-reduced-motion: reduce) { .f { animation: none } .f:last-child { visibility: visible } }"
DOTS = ("#bf616a", "#ebcb8b", "#a3be8c")

Cell = tuple[str, bool]  #: a character, and whether it is bold
Line = tuple[Cell, ...]


class Screen:
    """A terminal with what vdictl needs of one."""

    def __init__(self, columns: int, rows: int) -> None:
        """Empty."""
        self._columns, self._rows = columns, rows
        self._lines: list[list[Cell]] = [[]]
        self._column, self._bold = 0, False

    def write(self, text: str) -> None:
        """Take what a program prints."""
        end = 0
        for found in CODE.finditer(text):
            if found.start() != end:
                raise SystemExit(f"not known: {text[end : found.start()]!r}")
            end = found.end()
            arguments, letter, move, plain = found.groups()
            if plain:
                self._put(plain)
            elif move:
                self._move(move)
            elif letter == "K" and arguments in {"", "0"}:
                del self._lines[-1][self._column :]
            elif letter == "m":
                self._bold = arguments not in {"", "0", "22"} and "1" in arguments.split(";")
            elif letter not in {"h", "l"}:  # the cursor is not drawn
                raise SystemExit(f"not known: {found[0]!r}")

    def shown(self) -> tuple[Line, ...]:
        """The lines that are in sight."""
        return tuple(tuple(line) for line in self._lines[-self._rows :])

    def _move(self, move: str) -> None:
        self._column = 0
        if "\n" in move:
            self._lines.append([])

    def _put(self, text: str) -> None:
        for char in text:
            if self._column == self._columns:
                self._move("\n")
            line = self._lines[-1]
            line += [(" ", False)] * (self._column - len(line))
            line[self._column : self._column + 1] = [(char, self._bold)]
            self._column += 1


def frames(cast: str) -> tuple[int, int, list[tuple[float, tuple[Line, ...]]]]:
    """Columns, rows, and what is in sight from which moment on."""
    head, *events = [json.loads(line) for line in cast.splitlines()]
    screen = Screen(head["width"], head["height"])
    found: list[tuple[float, tuple[Line, ...]]] = []
    now, before = 0.0, 0.0
    for at, _, text in events:
        now += min(at - before, LONGEST_PAUSE)
        before = at
        screen.write(text)
        if found and now - found[-1][0] < SHORTEST:
            found[-1] = (found[-1][0], screen.shown())
        elif not found or found[-1][1] != screen.shown():
            found.append((now, screen.shown()))
    return head["width"], head["height"], found


def draw(cast: str) -> str:
    """The whole picture. Each line that is ever seen stands in it once, and is shown where and when it is due."""
    columns, rows, found = frames(cast)
    total = found[-1][0] + LAST_PAUSE
    width, height = round(columns * WIDE + 2 * EDGE), rows * HIGH + 2 * EDGE + BAR
    seen = list(dict.fromkeys(line for _, lines in found for line in lines if line))
    numbers = {line: number for number, line in enumerate(seen)}
    defs = [f'<text id="l{number}" xml:space="preserve">{_spans(line)}</text>' for line, number in numbers.items()]
    groups: list[str] = []
    keys: list[str] = []
    for number, (at, lines) in enumerate(found):
        until = found[number + 1][0] if number + 1 < len(found) else total
        uses = "".join(f'<use href="#l{numbers[line]}" y="{HIGH * row}"/>' for row, line in enumerate(lines) if line)
        groups.append(f'<g class="f" style="animation-name:f{number}">{uses}</g>')
        keys.append(_keys(number, at / total, until / total))
    moves = f".f {{ visibility: hidden; animation: {total:.1f}s step-end infinite }}"
    style = "\n".join([STYLE + moves, *keys, STILL, "</style>"])
    dots = [f'<circle cx="{22 + 20 * i}" cy="18" r="6" fill="{colour}"/>' for i, colour in enumerate(DOTS)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
            "<title>vdictl create, list, exec, snapshot and destroy at a terminal</title>",
            style,
            f"<defs>{''.join(defs)}</defs>",
            f'<rect width="{width}" height="{height}" rx="9" fill="#20242c"/>',
            *dots,
            f'<g transform="translate({EDGE} {EDGE + BAR + 6})">',
            *groups,
            "</g>",
            "</svg>\n",
        ]
    )


def _keys(number: int, begin: float, end: float) -> str:
    shown, hidden = "visibility:visible", "visibility:hidden"
    first = "" if begin == 0 else f"0%{{{hidden}}}"
    last = f"100%{{{hidden if end < 1 else shown}}}"
    middle = f"{begin:.3%}{{{shown}}}" + (f"{end:.3%}{{{hidden}}}" if end < 1 else "")
    return f"@keyframes f{number}{{{first}{middle}{last}}}"


def _spans(line: Line) -> str:
    """The text of a line, with its bold parts."""
    return "".join(f'<tspan class="b">{escape(text)}</tspan>' if bold else escape(text) for text, bold in _runs(line))


def _runs(line: Line) -> Iterator[tuple[str, bool]]:
    text, bold = "", False
    for char, heavy in line:
        if heavy is not bold and text:
            yield text, bold
            text = ""
        text, bold = text + char, heavy
    yield text, bold


def main() -> int:
    """Draw, or with --check compare."""
    wanted = draw(CAST.read_text(encoding="utf-8"))
    if PICTURE.is_file() and PICTURE.read_text(encoding="utf-8") == wanted:
        return 0
    if "--check" in sys.argv:
        print("docs/demo.svg is not what docs/demo.cast says: .venv/bin/python scripts/cast.py", file=sys.stderr)
        return 1
    PICTURE.write_text(wanted, encoding="utf-8", newline="\n")
    print("docs/demo.svg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
