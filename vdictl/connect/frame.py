"""A frame of the desktop's screen: has something been drawn on it, and how it becomes a PNG."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_TILE = 16  #: pixels; the X root's patterns (weave, stipple) repeat every 2, 4, 8 or 16
_POINTER = 6  #: tiles: a mouse pointer of up to 64 pixels touches at most 5 in each direction
_HANDFUL = 4  #: colours


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A picture: rows from the top, three bytes (red, green, blue) for each pixel."""

    width: int
    height: int
    pixels: bytes

    def __post_init__(self) -> None:
        if len(self.pixels) != self.width * self.height * 3:
            raise ValueError(f"{self.width}x{self.height} pixels need {self.width * self.height * 3} bytes")


def drawn(frame: Frame) -> bool:
    """Whether somebody has drawn on the screen, or it is still the bare root of an X server.

    The rule: the frame is cut into tiles of 16x16 pixels, and the most common tile is the ground (so a uniform colour
    and each of X's root patterns are ground everywhere). Drawn means that the tiles which differ from the ground do
    not all fit into a box of 96x96 pixels (that may be a mouse pointer), and that the frame has more than four
    colours. A frame smaller than two such boxes is judged by its colours alone.
    """
    return _judge(frame)[0]


def describe(frame: Frame) -> str:
    """The size and what `drawn` saw, for people: `1280x800, nothing but #000000`."""
    return f"{frame.width}x{frame.height}, {_judge(frame)[1]}"


def _judge(frame: Frame) -> tuple[bool, str]:
    columns = frame.width // _TILE
    tiles = list(_tiles(frame))
    small = columns <= 2 * _POINTER or frame.height // _TILE <= 2 * _POINTER
    if small:
        colours = _colours([frame.pixels])
        return len(colours) > _HANDFUL, _say(colours)
    ground = Counter(tiles).most_common(1)[0][0]
    places = [divmod(index, columns) for index, tile in enumerate(tiles) if tile != ground]
    colours = _colours([ground, *(tile for tile in set(tiles) if tile != ground)])
    if not places:
        return False, "nothing but " + _say(_colours([ground]))
    rows, cells = [row for row, _ in places], [cell for _, cell in places]
    if max(rows) - min(rows) < _POINTER and max(cells) - min(cells) < _POINTER:
        return False, f"nothing but {_say(_colours([ground]))} and a pointer"
    return len(colours) > _HANDFUL, _say(colours)


def _tiles(frame: Frame) -> Iterator[bytes]:
    """All whole tiles, row by row. What is left at the right and lower edge is too small to matter."""
    pixels, stride, step = frame.pixels, frame.width * 3, _TILE * 3
    for top in range(0, frame.height - _TILE + 1, _TILE):
        lines = [pixels[(top + line) * stride : (top + line + 1) * stride] for line in range(_TILE)]
        for left in range(0, frame.width // _TILE * step, step):
            yield b"".join([line[left : left + step] for line in lines])


def _colours(parts: list[bytes]) -> set[bytes]:
    """The distinct colours, but no more than a few above a handful: counting on would cost time."""
    found: set[bytes] = set()
    for part in parts:
        found.update(part[at : at + 3] for at in range(0, min(len(part), 3 << 16), 3))
        if len(found) > _HANDFUL:
            break
    return found


def _say(colours: set[bytes]) -> str:
    if len(colours) > _HANDFUL:
        return f"more than {_HANDFUL} colours"
    return " and ".join("#" + colour.hex() for colour in sorted(colours))


def png(frame: Frame) -> bytes:
    """The frame as a PNG file (8 bits a channel, no alpha, no filter)."""
    stride = frame.width * 3
    rows = b"".join(b"\0" + frame.pixels[at : at + stride] for at in range(0, len(frame.pixels), stride))
    head = struct.pack(">IIBBBBB", frame.width, frame.height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
