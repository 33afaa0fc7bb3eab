"""Standard input and output to a socket inside: how the host reaches VNC and the page without any open port."""

from __future__ import annotations

import os
import select
import socket

from . import places

_CHUNK = 256 * 1024


def rfb() -> int:
    """To the display server."""
    return _bridge(socket.AF_UNIX, str(places.RFB))


def page() -> int:
    """To the page server."""
    return _bridge(socket.AF_INET, ("127.0.0.1", places.PAGE_PORT))


def _bridge(family: int, address: str | tuple[str, int]) -> int:
    link = socket.socket(family)
    try:
        link.connect(address)
    except OSError as error:
        os.write(2, f"vdictl-guest: nothing listens at {address}: {error.strerror}\n".encode())
        return 1
    return carry(0, 1, link)


def carry(source: int, sink: int, link: socket.socket) -> int:
    """Copy both ways until the socket's side ends; the end of `source` is passed on as a half close."""
    watched: list[int | socket.socket] = [source, link]
    while True:
        ready, _, _ = select.select(watched, [], [])
        try:
            if source in ready:
                data = os.read(source, _CHUNK)
                if data:
                    link.sendall(data)
                else:
                    watched.remove(source)
                    link.shutdown(socket.SHUT_WR)
            if link in ready:
                data = link.recv(_CHUNK)
                if not data:
                    return 0
                _write(sink, data)
        except (BrokenPipeError, ConnectionResetError):
            return 0


def _write(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]
