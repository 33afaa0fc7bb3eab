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


def tcp(text: str) -> int:
    """To a port of this desktop's loopback; some programs that say "localhost" listen on ::1 only."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        os.write(2, f"vdictl-guest: not a port: {text[:20]!a}\n".encode())
        return 2
    port = int(text)
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            link = socket.socket(family)
        except OSError:  # no IPv6 here
            continue
        try:
            link.connect((host, port))
        except OSError:
            link.close()
            continue
        return carry(0, 1, link)
    os.write(2, f"vdictl-guest: nothing listens at port {port} inside\n".encode())
    return 1


def _bridge(family: int, address: str | tuple[str, int], quiet: float = 0.0) -> int:
    link = socket.socket(family)
    try:
        link.connect(address)
    except OSError as error:
        os.write(2, f"vdictl-guest: nothing listens at {address}: {error.strerror}\n".encode())
        return 1
    return carry(0, 1, link, quiet)


def carry(source: int, sink: int, link: socket.socket, quiet: float = 0.0) -> int:
    """Copy both ways until the socket's side ends; neither way waits for the other.

    The end of `source` is passed on as a half close, once the other side has said nothing for `quiet` seconds.
    """
    link.setblocking(False)
    os.set_blocking(sink, False)
    up, down = bytearray(), bytearray()  # read, and not written yet
    source_open = link_open = True
    patience: float | None = None
    while link_open or down:
        hungry = [*([source] if source_open and len(up) < _CHUNK else ()), *([link] if link_open and not down else ())]
        full = [*([link] if up else ()), *([sink] if down else ())]
        readable, writable, _ = select.select(hungry, full, [], None if up else patience)
        try:
            if not (readable or writable):
                link.shutdown(socket.SHUT_WR)
                patience = None
            if source in readable:
                data = os.read(source, _CHUNK)
                up += data
                if not data:
                    source_open, patience = False, quiet
            if link in readable:
                data = link.recv(_CHUNK)
                down += data
                link_open = bool(data)
            if link in writable:
                del up[: link.send(up)]
            if sink in writable:
                del down[: os.write(sink, down)]
        except BlockingIOError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return 0
    return 0
