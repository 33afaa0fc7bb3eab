#!/usr/bin/env python3
"""Draw docs/rooms.svg from what the code imports, and docs/create.svg; `--check` only compares.

Usage: .venv/bin/python scripts/pictures.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AGAIN = "python scripts/pictures.py"
STYLE = """<style>
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2933; text-anchor: middle }
.name { font-weight: 600; font-size: 16px } .small { font-size: 12.5px; fill: #52606d }
.left { text-anchor: start; paint-order: stroke; stroke: #f7f9fa; stroke-width: 5px }
.box { fill: #ffffff; stroke: #7b8794; stroke-width: 1.5 }
.wish { fill: #e3f0fb; stroke: #2f6fb0 } .line { stroke: #52606d; stroke-width: 1.5; fill: none }
.lane { stroke: #cbd2d9; stroke-width: 1.5 } .note { fill: #fdf3d8; stroke: #b88a1b }
</style>
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"
 orient="auto-start-reverse">
<path d="M0 0 L10 5 L0 10 z" fill="#52606d"/></marker></defs>"""

# -- the rooms ---------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 250, 58
#: Room -> centre of its box, and what lives there. Which arrows there are, the code says.
ROOMS: dict[str, tuple[int, int, str]] = {
    "cli": (420, 50, "options, tables, progress, exit codes"),
    "sandbox": (740, 50, "twins of remote APIs"),
    "core": (270, 170, "decisions, waiting, retry, health"),
    "connect": (570, 170, "tunnels, RFB, viewers, copying"),
    "contract": (420, 290, "nouns, verbs, the mark, errors"),
    "testing": (740, 290, "conformance suite, memory cloud"),
    "providers": (420, 410, "verbs and translation, nothing else"),
    "engine": (270, 530, "Podman and Docker by command line"),
    "guest": (570, 530, "what runs inside a desktop"),
}


def room_of(module: str) -> str:
    """The room in which a module lives; an empty string for what is not ours."""
    first, _, rest = module.partition(".")
    if first == "vdictl":
        return rest.partition(".")[0]
    return "providers" if first.startswith("vdictl_") else ""


def imports() -> set[tuple[str, str]]:
    """Which room imports which, as it stands in the code."""
    found = set()
    for base in (ROOT, ROOT / "providers"):
        for file in [*base.glob("vdictl/**/*.py"), *base.glob("vdictl_*/**/*.py")]:
            here = room_of(".".join(file.relative_to(base).with_suffix("").parts))
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                found |= {(here, room_of(name)) for name in names}
    return {(here, there) for here, there in found if here in ROOMS and there in ROOMS and here != there}


def without_detours(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those that no chain of others says already: cli -> contract, where cli -> core -> contract."""

    def reaches(here: str, there: str, rest: set[tuple[str, str]]) -> bool:
        nexts = {b for a, b in rest if a == here}
        return there in nexts or any(reaches(b, there, rest) for b in nexts)

    return {arrow for arrow in arrows if not reaches(*arrow, arrows - {arrow})}


def rooms() -> str:
    """The picture of the rooms."""
    parts = [_arrow_of_rooms(here, there) for here, there in sorted(without_detours(imports()))]
    for name, (x, y, says) in ROOMS.items():
        title = "providers/vdictl_*" if name == "providers" else f"vdictl/{name}"
        style = "box wish" if name == "contract" else "box"
        corner = f'x="{x - WIDTH // 2}" y="{y - HEIGHT // 2}"'
        parts.append(f'<rect class="{style}" {corner} width="{WIDTH}" height="{HEIGHT}" rx="8"/>')
        parts.append(_text(x, y - 4, title, "name"))
        parts.append(_text(x, y + 17, says, "small"))
    return _svg(900, 580, "The rooms of vdictl. An arrow means: imports.", parts)


def _arrow_of_rooms(here: str, there: str) -> str:
    (x1, y1, _), (x2, y2, _) = ROOMS[here], ROOMS[there]
    if y1 == y2:
        side = WIDTH // 2 if x2 > x1 else -WIDTH // 2
        return _line(f"M{x1 + side} {y1} L{x2 - side} {y2}")
    down = HEIGHT // 2 if y2 > y1 else -HEIGHT // 2
    start, end = y1 + down, y2 - down
    return _line(f"M{x1} {start} C{x1} {(start + end) // 2} {x2} {(start + end) // 2} {x2} {end}")


# -- the way of a create -----------------------------------------------------------------------------------------------

LANES = ("you", "cli", "core", "provider", "cloud or engine", "the desktop")
#: From lane, to lane, text; one lane alone: what happens there.
WAY: tuple[tuple[int, int, str], ...] = (
    (0, 1, "vdictl create"),
    (1, 2, "what is asked, and which values only we know"),
    (2, 2, "choose the provider; say why"),
    (2, 3, "is one of this name there? same: go on with it; different: exit 9"),
    (2, 3, "create(spec, token)"),
    (3, 4, "mark and first step, in one call"),
    (3, 2, "at once: PENDING"),
    (2, 3, "one list a tick, for however many"),
    (2, 3, "advance, while it is due"),
    (3, 4, "image, home, machine: the next step"),
    (4, 5, "boots"),
    (2, 5, "--env and --setup, through exec"),
    (2, 5, "the ladder: display, handshake, window manager, a drawn frame"),
    (2, 1, "usable"),
    (1, 0, "the URL on stdout, exit code 0"),
)
LANE, STEP, TOP = 178, 44, 70


def create() -> str:
    """The picture of a create's way."""
    bottom = TOP + STEP * len(WAY) + 20
    parts = [f'<path class="lane" d="M{_lane(i)} 50 V{bottom}"/>' for i in range(len(LANES))]
    for i, name in enumerate(LANES):
        parts.append(f'<rect class="box" x="{_lane(i) - 80}" y="14" width="160" height="36" rx="8"/>')
        parts.append(_text(_lane(i), 37, name, "name"))
    for number, (here, there, says) in enumerate(WAY):
        y = TOP + STEP * number + 24
        if here == there:
            parts.append(f'<rect class="note" x="{_lane(here) - 105}" y="{y - 17}" width="210" height="24" rx="5"/>')
            parts.append(_text(_lane(here), y, says))
        else:
            parts.append(_line(f"M{_lane(here)} {y} H{_lane(there)}"))
            parts.append(_text(min(_lane(here), _lane(there)) + 10, y - 7, says, "left"))
    foot = "Killed between any two lines: the same command goes on, or vdictl destroy takes away what is there."
    parts.append(_text(LANE * len(LANES) // 2, bottom + 26, foot, "small"))
    return _svg(LANE * len(LANES), bottom + 46, "The way of a create, from the command to a desktop in use.", parts)


def _lane(number: int) -> int:
    return LANE // 2 + LANE * number


# -- drawing -----------------------------------------------------------------------------------------------------------


def _text(x: int, y: int, says: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{f" class={chr(34)}{style}{chr(34)}" if style else ""}>{escape(says)}</text>'


def _line(path: str) -> str:
    return f'<path class="line" marker-end="url(#tip)" d="{path}"/>'


def _svg(width: int, height: int, title: str, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    ground = f'<rect width="{width}" height="{height}" rx="10" fill="#f7f9fa"/>'
    lines = [f'{head} role="img">', f"<title>{escape(title)}</title>", STYLE, ground, *parts, "</svg>"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Draw, or with --check compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 where a picture is not as the code")
    check = parser.parse_args().check
    code = 0
    for name, text in (("rooms.svg", rooms()), ("create.svg", create())):
        file = ROOT / "docs" / name
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            continue
        if check:
            print(
                f"docs/{name} is not what the code says. Draw it anew, and commit it: .venv/bin/{AGAIN}",
                file=sys.stderr,
            )
            code = 1
        else:
            file.write_text(text, encoding="utf-8", newline="\n")
            print(f"docs/{name}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
