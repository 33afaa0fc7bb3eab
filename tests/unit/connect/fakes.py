"""A scripted peer at the other end of a socket, and a small HTTP page."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from vdictl.connect.streams import SocketStream

Peer = Callable[[socket.socket], None]


@contextmanager
def talking_to(peer: Peer, *, timeout: float = 5.0) -> Iterator[SocketStream]:
    """A stream to `peer`, which runs in a thread; its own errors after we have gone do not matter."""
    ours, theirs = socket.socketpair()

    def work() -> None:
        with theirs, suppress(OSError):
            theirs.settimeout(20)
            peer(theirs)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    stream = SocketStream(ours, name="the fake", timeout=timeout)
    try:
        yield stream
    finally:
        stream.close()
        thread.join(10)


def take(sock: socket.socket, count: int) -> bytes:
    """Read exactly so many bytes."""
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


PIXEL_FORMAT = bytes(16)


def greeting(sock: socket.socket, width: int = 4, height: int = 3, name: bytes = b"fake") -> None:
    """Everything up to ServerInit, version 3.8 without a password, and what the client sets up afterwards."""
    sock.sendall(b"RFB 003.008\n")
    take(sock, 12)
    sock.sendall(b"\x01\x01")
    take(sock, 1)
    sock.sendall(bytes(4))
    take(sock, 1)
    sock.sendall(struct.pack(">HH", width, height) + PIXEL_FORMAT + struct.pack(">I", len(name)) + name)
    take(sock, 20 + 4 + 12)


def raw(x: int, y: int, width: int, height: int, pixel: bytes) -> bytes:
    """A rectangle of one colour; the fourth byte of a pixel is noise."""
    return struct.pack(">HHHHi", x, y, width, height, 0) + (pixel + b"\x99") * (width * height)


def update(*rectangles: bytes) -> bytes:
    """A FramebufferUpdate."""
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)
