"""What counts as drawn, and pictures that another reader understands."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable

import pytest

from vdictl.connect.frame import Frame, describe, drawn, png

W, H = 320, 240


def paint(colour: Callable[[int, int], tuple[int, int, int]], width: int = W, height: int = H) -> Frame:
    pixels = b"".join(bytes(colour(x, y)) for y in range(height) for x in range(width))
    return Frame(width=width, height=height, pixels=pixels)


def with_box(frame: Frame, x: int, y: int, size: int, seed: int = 1) -> Frame:
    """A box of many colours: an antialiased pointer, or a window."""
    noise, data = random.Random(seed), bytearray(frame.pixels)
    for row in range(y, min(y + size, frame.height)):
        start, width = (row * frame.width + x) * 3, min(size, frame.width - x) * 3
        data[start : start + width] = noise.randbytes(width)
    return Frame(width=frame.width, height=frame.height, pixels=bytes(data))


BLACK = paint(lambda x, y: (0, 0, 0))
NAVY = paint(lambda x, y: (0, 0, 120))
STIPPLE = paint(lambda x, y: (255, 255, 255) if (x + y) % 2 else (0, 0, 0))
WEAVE = paint(lambda x, y: (255, 255, 255) if (0xD0B0_7050 >> ((y % 4) * 4 + x % 4)) & 1 else (0, 0, 0))
BARE = [BLACK, NAVY, STIPPLE, WEAVE]


@pytest.mark.parametrize("frame", BARE)
def test_a_bare_root_is_not_drawn(frame: Frame) -> None:
    assert not drawn(frame)


@pytest.mark.parametrize("frame", BARE)
@pytest.mark.parametrize(("x", "y"), [(150, 100), (0, 0), (W - 20, H - 20), (153, 107)])
@pytest.mark.parametrize("size", [16, 32, 64])
def test_nor_with_a_pointer_of_many_colours(frame: Frame, x: int, y: int, size: int) -> None:
    assert not drawn(with_box(frame, x, y, size))
    assert "pointer" in describe(with_box(frame, x, y, size))


@pytest.mark.parametrize("frame", BARE)
def test_a_window_is(frame: Frame) -> None:
    assert drawn(with_box(frame, 100, 100, 200))


def test_a_panel_at_the_edge_is() -> None:
    bar = lambda x, y: (30 + x % 7, 30, 30) if y < 24 else (0, 0, 120)  # noqa: E731
    assert drawn(paint(bar))


def test_a_wallpaper_is() -> None:
    assert drawn(paint(lambda x, y: (x * 255 // W, y * 255 // H, 90)))


def test_two_colours_are_not() -> None:
    assert not drawn(paint(lambda x, y: (255, 255, 255) if x * y % 97 < 40 else (0, 0, 0)))
    assert describe(paint(lambda x, y: (0, 0, 0))) == "320x240, nothing but #000000"


def test_a_small_screen_is_judged_by_its_colours() -> None:
    assert drawn(paint(lambda x, y: (x * 4, y * 5, 9), 64, 48))
    assert not drawn(paint(lambda x, y: (x % 2, 0, 0), 64, 48))


def test_a_frame_has_all_its_pixels() -> None:
    with pytest.raises(ValueError, match="need 12 bytes"):
        Frame(width=2, height=2, pixels=b"123")


def test_png_is_read_back() -> None:
    frame = with_box(NAVY, 10, 20, 300)
    data = png(frame)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, body = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(kind + chunk)
        if kind == b"IHDR":
            assert struct.unpack(">IIBBBBB", chunk) == (W, H, 8, 2, 0, 0, 0)
        body += chunk if kind == b"IDAT" else b""
        at += 12 + length
    rows = zlib.decompress(body)
    assert b"".join(rows[y * (W * 3 + 1) + 1 : (y + 1) * (W * 3 + 1)] for y in range(H)) == frame.pixels


def test_png_is_understood_by_another_program() -> None:
    """libpng, by way of netpbm."""
    frame = with_box(NAVY, 10, 20, 300)
    tool = shutil.which("pngtopnm")
    if tool is None:
        pytest.skip("netpbm's pngtopnm, which reads PNG by libpng, is not on this machine")
    out = subprocess.run([tool], input=png(frame), capture_output=True, check=True).stdout
    assert out.split(b"\n", 3)[-1] == frame.pixels
