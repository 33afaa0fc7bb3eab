"""A very small X11 client: it asks the display server what the health probe must know, without any library.

Facts: X11 protocol (encodings of setup, requests 2, 16, 20, 23, 61, 98), MIT-SCREEN-SAVER 1.1, EWMH 1.5.
The server runs without an authority file and takes local clients of the same user.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from . import places

_REPLY_HEAD = 32  # every reply, error and event begins with this many bytes


class XError(Exception):
    """The display server does not answer, or says no."""


class XConnection:
    """One connection; a context manager. Every method raises `XError`."""

    def __init__(self, path: Path | None = None, timeout: float = 1.0) -> None:
        """Connect and shake hands."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path or places.X_SOCKET))
            self._send(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
            self.root = self._setup()
        except (OSError, XError) as error:
            self._socket.close()
            raise XError(f"no X server answers: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise XError(str(error)) from error

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                data = self._socket.recv(size - len(parts))
            except OSError as error:
                raise XError(str(error) or "time out") from error
            if not data:
                raise XError("the connection was closed")
            parts += data
        return bytes(parts)

    def _setup(self) -> int:
        """Read the server's greeting; the root window of the first screen."""
        status, units = struct.unpack("<BxxxxxH", self._read(8))
        body = self._read(units * 4)
        if status != 1:
            raise XError("it refused this client")
        vendor, _, _, formats = struct.unpack_from("<HHBB", body, 16)
        first_screen = 32 + (vendor + 3) // 4 * 4 + formats * 8
        return int(struct.unpack_from("<I", body, first_screen)[0])

    def _ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request that has a reply: its head, and what follows. Events are passed over."""
        self._send(request)
        while True:
            head = self._read(_REPLY_HEAD)
            if head[0] == 0:
                raise XError(f"X error {head[1]}")
            if head[0] == 1:
                return head, self._read(struct.unpack_from("<I", head, 4)[0] * 4)

    def atom(self, name: str) -> int:
        """The atom of `name`; 0 if nobody ever made it."""
        text = name.encode()
        padded = text + b"\0" * (-len(text) % 4)
        head, _ = self._ask(struct.pack("<BBHHxx", 16, 1, 2 + len(padded) // 4, len(text)) + padded)
        return int(struct.unpack_from("<I", head, 8)[0])

    def property(self, window: int, name: str) -> bytes | None:
        """The value of a window's property; None where it has none. A window that is gone raises."""
        atom = self.atom(name)
        if not atom:
            return None
        head, body = self._ask(struct.pack("<BBHIIIII", 20, 0, 6, window, atom, 0, 0, 256))
        size = head[1] // 8 * struct.unpack_from("<I", head, 16)[0]
        return body[:size] if head[1] else None

    def has_owner(self, selection: str) -> bool:
        """Whether a program owns a selection: how a manager of something (ICCCM 2.8) says that it is there."""
        head, _ = self._ask(struct.pack("<BxHI", 23, 2, self.atom(selection)))
        return bool(struct.unpack_from("<I", head, 8)[0])

    def window_manager(self) -> str | None:
        """The name of the window manager that is alive (EWMH: the root names a window that names itself), or None."""
        value = self.property(self.root, "_NET_SUPPORTING_WM_CHECK")
        if value is None or len(value) != 4:
            return None
        window = struct.unpack("<I", value)[0]
        try:
            if self.property(window, "_NET_SUPPORTING_WM_CHECK") != value:
                return None
            name = self.property(window, "_NET_WM_NAME") or b"unnamed"
        except XError:
            return None  # the window died with its owner; the root's property outlives it
        return name.decode("utf-8", "replace")

    def idle_seconds(self) -> float | None:
        """Seconds since the last key or pointer event; None where the server can't tell."""
        name = b"MIT-SCREEN-SAVER"
        head, _ = self._ask(struct.pack("<BxHHxx", 98, 2 + len(name) // 4, len(name)) + name)
        if not head[8]:
            return None
        head, _ = self._ask(struct.pack("<BBHI", head[9], 1, 2, self.root))
        return int(struct.unpack_from("<I", head, 16)[0]) / 1000

    def paint_root(self, rgb: int) -> None:
        """Give the root window a colour, until somebody paints over it."""
        self._send(struct.pack("<BxHIII", 2, 4, self.root, 0x2, rgb))
        self._send(struct.pack("<BBHIHHHH", 61, 0, 4, self.root, 0, 0, 0, 0))
        self.atom("WM_NAME")  # a round trip: the colour is there when we return
