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
    """To the page server, which takes a half close for a hang-up: so it is passed on when the answer has come."""
    return _bridge(socket.AF_INET, ("127.0.0.1", places.PAGE_PORT), quiet=1.0)


def _bridge(family: int, address: str | tuple[str, int], quiet: float = 0.0) -> int:
    link = socket.socket(family)
    try:
        link.connect(address)
    except OSError as error:
        os.write(2, f"vdictl-guest: nothing listens at {address}: {error.strerror}\n".encode())
        return 1
    return carry(0, 1, link, quiet)


def carry(source: int, sink: int, link: socket.socket, quiet: float = 0.0) -> int:
    """Copy both ways until the socket's side ends.

    The end of `source` is passed on as a half close, once the other side has said nothing for `quiet` seconds.
    """
    watched: list[int | socket.socket] = [source, link]
    patience: float | None = None
    while True:
        ready, _, _ = select.select(watched, [], [], patience)
        try:
            if not ready:
                link.shutdown(socket.SHUT_WR)
                patience = None
            if source in ready:
                data = os.read(source, _CHUNK)
                if data:
                    link.sendall(data)
                else:
                    watched.remove(source)
                    patience = quiet
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
