"""A small RFB client: shake hands, take a picture, type. Raw and CopyRect, so that pure Python is fast enough."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from vdictl.connect import rfb_wire as wire
from vdictl.connect.frame import Frame
from vdictl.connect.rfb_wire import Screen
from vdictl.connect.streams import Stream
from vdictl.contract.errors import Unavailable
from vdictl.contract.model import Secret

__all__ = ["Screen", "copy_text", "grab", "handshake", "move", "type_text"]

_CUT_TEXT = 1 << 26  #: bytes of clipboard that we are willing to skip


def handshake(stream: Stream, password: Secret | None) -> Screen:
    """Log in and set our pixel format and encodings; afterwards `grab`, `type_text` and the others may be used.

    Raises:
        See `rfb_wire.greet`.
    """
    screen = wire.greet(stream, password)
    stream.write(wire.PIXEL_FORMAT + wire.ENCODINGS)
    return screen


def grab(stream: Stream, screen: Screen) -> Frame:
    """The whole screen as it is now. May be called again and again on one stream; `screen` follows a new size.

    Raises:
        Unavailable: the server breaks the protocol or hangs up. TimedOut: the stream's limit ran out.
    """
    frame = _Picture(stream, screen.width, screen.height).take()
    screen.width, screen.height = frame.width, frame.height
    return frame


def type_text(stream: Stream, text: str) -> None:
    """Press and release the key of each character."""
    for number in map(wire.keysym, text):
        stream.write(wire.key(number, down=True) + wire.key(number, down=False))


def move(stream: Stream, x: int, y: int, *, click: int = 0) -> None:
    """Move the pointer; `click` is the mask of buttons to press and release there (1 left, 2 middle, 4 right)."""
    masks: Iterable[int] = (0, click, 0) if click else (0,)
    stream.write(b"".join(wire.pointer(x, y, buttons=mask) for mask in masks))


def copy_text(stream: Stream, text: str) -> None:
    """Put the text on the desktop's clipboard (Latin-1; other characters become `?`)."""
    stream.write(wire.cut_text(text))


class _Picture:
    """The screen while it arrives: four bytes a pixel, and which pixels have come."""

    def __init__(self, stream: Stream, width: int, height: int) -> None:
        self._stream = stream
        self._resize(width, height)

    def _resize(self, width: int, height: int) -> None:
        self._width, self._height = wire.check_size(width, height)
        self._canvas = bytearray(width * height * 4)
        self._come = bytearray(width * height)

    def take(self) -> Frame:
        """Ask until every pixel has come."""
        while 0 in self._come:
            # Never incremental: a server may leave out what it believes that we have.
            self._stream.write(wire.update_request(self._width, self._height, incremental=False))
            while self._message() != 0:
                pass
        rgb = bytearray(self._width * self._height * 3)
        for channel in range(3):
            rgb[channel::3] = self._canvas[channel::4]
        return Frame(width=self._width, height=self._height, pixels=bytes(rgb))

    def _message(self) -> int:
        """Read one message of the server; what is no update is skipped."""
        kind = self._stream.read_exactly(1)[0]
        if kind == 0:
            (count,) = struct.unpack(">xH", self._stream.read_exactly(3))
            for _ in range(count):
                self._rectangle()
        elif kind == 1:  # SetColourMapEntries
            (count,) = struct.unpack(">xxxH", self._stream.read_exactly(5))
            self._skip(count * 6)
        elif kind == 3:  # ServerCutText; a negative length is the extended clipboard's
            (length,) = struct.unpack(">xxxi", self._stream.read_exactly(7))
            self._skip(abs(length))
        elif kind != 2:  # Bell
            raise Unavailable("The VNC server sent a message that was not asked for.", details=f"Type {kind}.")
        return kind

    def _skip(self, count: int) -> None:
        if count > _CUT_TEXT:
            raise Unavailable("The VNC server sent a message of unreasonable length.", details=f"{count} bytes.")
        while count:
            count -= len(self._stream.read_exactly(min(count, 1 << 16)))

    def _rectangle(self) -> None:
        x, y, width, height, encoding = struct.unpack(">HHHHi", self._stream.read_exactly(12))
        if encoding == wire.DESKTOP_SIZE:
            self._resize(width, height)
            return
        self._inside(x, y, width, height)
        if encoding == wire.RAW:
            self._raw(x, y, width, height)
        elif encoding == wire.COPY_RECT:
            from_x, from_y = struct.unpack(">HH", self._stream.read_exactly(4))
            self._inside(from_x, from_y, width, height)
            self._copy((from_x, from_y), (x, y), width, height)
        else:
            raise Unavailable(
                "The VNC server sent an encoding that was not asked for.", details=f"Encoding {encoding}."
            )

    def _inside(self, x: int, y: int, width: int, height: int) -> None:
        if x + width > self._width or y + height > self._height:
            raise Unavailable(
                "The VNC server drew outside of its screen.",
                details=f"{width}x{height} at {x},{y} on {self._width}x{self._height}.",
            )

    def _raw(self, x: int, y: int, width: int, height: int) -> None:
        """Straight into the canvas: whole rows at once where the rectangle is as wide as the screen."""
        view = memoryview(self._canvas)
        if width == self._width:
            width, height = width * height, min(height, 1)
        for row in range(y, y + height):
            start = row * self._width + x
            self._stream.read_into(view[start * 4 : (start + width) * 4])
            self._come[start : start + width] = b"\1" * width

    def _copy(self, source: tuple[int, int], target: tuple[int, int], width: int, height: int) -> None:
        (from_x, from_y), (x, y) = source, target
        rows = [
            bytes(self._canvas[(start := row * self._width + from_x) * 4 : (start + width) * 4])
            for row in range(from_y, from_y + height)
        ]
        for row, line in enumerate(rows, start=y):
            start = row * self._width + x
            self._canvas[start * 4 : (start + width) * 4] = line
            self._come[start : start + width] = b"\1" * width
