"""RFB as bytes: version, security, server's greeting, client's messages. RFC 6143, sections 7.1 to 7.5."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from vdictl.connect.des import response
from vdictl.connect.streams import Stream
from vdictl.contract.errors import AuthFailed, Unavailable, Unsupported
from vdictl.contract.model import Secret

#: Most pixels a screen may have: 7680x4320. A server that claims more is broken or hostile.
MOST_PIXELS = 7680 * 4320
_TEXT = 1 << 16  #: bytes of a name or a reason that we are willing to take
_NONE, _VNC = 1, 2
_KINDS = {1: "None", 2: "VncAuth", 5: "RA2", 6: "RA2ne", 16: "Tight", 18: "TLS", 19: "VeNCrypt", 30: "ARD"}


@dataclass(kw_only=True)
class Screen:
    """What the server told when it greeted us. The size changes when the server changes it."""

    width: int
    height: int
    name: str
    version: str  #: of RFB, as agreed: "3.8"
    security: str  #: "None" or "VncAuth"


def greet(stream: Stream, password: Secret | None) -> Screen:
    """Everything up to and with ServerInit. The session is shared: others stay connected.

    Raises:
        AuthFailed: the password is wrong or missing; `details` has the server's reason.
        Unsupported: no security type that we speak.
        Unavailable: it is no RFB server, it refuses us, or the connection ended.
        TimedOut: the stream's limit ran out.
    """
    minor = _version(stream)
    kind = _choose(stream, minor, password)
    if kind == _VNC:
        assert password is not None
        stream.write(response(password, bytes(stream.read_exactly(16))))
    if kind == _VNC or minor >= 8:
        _verdict(stream, minor)
    stream.write(b"\x01")  # ClientInit: shared
    width, height = _size(stream.read_exactly(4))
    stream.read_exactly(16)  # the server's own pixel format; we ask for ours
    name = text(stream)
    return Screen(width=width, height=height, name=name, version=f"3.{minor}", security=_KINDS[kind])


def _version(stream: Stream) -> int:
    """Agree on 3.3, 3.7 or 3.8 and give the minor number back."""
    line = bytes(stream.read_exactly(12))
    match = re.fullmatch(rb"RFB (\d{3})\.(\d{3})\n", line)
    if match is None or int(match[1]) < 3:
        raise Unavailable("What listens there is no VNC server.", details=f"It said {ascii(line)[1:]}.")
    offered = (int(match[1]), int(match[2]))
    minor = 8 if offered >= (3, 8) else 7 if offered == (3, 7) else 3  # section 7.1.1: anything else means 3.3
    stream.write(b"RFB 003.%03d\n" % minor)
    return minor


def _choose(stream: Stream, minor: int, password: Secret | None) -> int:
    """Agree on a security type: the password is used wherever the server can ask for it."""
    offered = [_number(stream)] if minor == 3 else list(stream.read_exactly(stream.read_exactly(1)[0]))
    if not offered or offered == [0]:
        # A server that has seen too many wrong passwords says so here, and takes us again later.
        raise Unavailable("The VNC server refuses connections for now.", details=text(stream))
    wanted = (_VNC, _NONE) if password is not None else (_NONE, _VNC)
    kind = next((one for one in wanted if one in offered), None)
    if kind is None:
        names = ", ".join(_KINDS.get(one, str(one)) for one in offered)
        raise Unsupported("The VNC server offers no security type that vdictl speaks.", details=f"Offered: {names}.")
    if kind == _VNC and password is None:
        raise AuthFailed("The VNC server wants a password, and there is none for this endpoint.")
    if minor > 3:
        stream.write(bytes([kind]))
    return kind


def _verdict(stream: Stream, minor: int) -> None:
    try:
        result = _number(stream)
    except Unavailable as error:  # some servers hang up instead of saying no
        raise AuthFailed("The VNC server hung up after the password.", details=error.details) from error
    if result == 0:
        return
    reason = text(stream) if minor >= 8 else "too many attempts" if result == 2 else ""
    raise AuthFailed("The VNC server refused the password.", details=reason)


def _number(stream: Stream) -> int:
    return int.from_bytes(stream.read_exactly(4), "big")


def text(stream: Stream) -> str:
    """A length and a text of the server's, printable."""
    length = _number(stream)
    if length > _TEXT:
        raise Unavailable("The VNC server sent a text of unreasonable length.", details=f"{length} bytes.")
    raw = stream.read_exactly(length).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in raw).strip()


def _size(raw: bytes | bytearray) -> tuple[int, int]:
    width, height = struct.unpack(">HH", raw)
    return check_size(width, height)


def check_size(width: int, height: int) -> tuple[int, int]:
    """Refuse what no screen can be."""
    if not 0 < width * height <= MOST_PIXELS:
        raise Unavailable("The VNC server claims an unreasonable screen size.", details=f"{width}x{height} pixels.")
    return width, height


#: 32 bits, little endian, true colour; red is the first byte, then green, blue and one unused.
PIXEL_FORMAT = struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 0, 8, 16)
RAW, COPY_RECT, DESKTOP_SIZE = 0, 1, -223
ENCODINGS = struct.pack(">BxHiii", 2, 3, RAW, COPY_RECT, DESKTOP_SIZE)


def update_request(width: int, height: int, *, incremental: bool) -> bytes:
    """Ask for the whole screen; incremental: only for what has changed."""
    return struct.pack(">BBHHHH", 3, incremental, 0, 0, width, height)


def key(keysym: int, *, down: bool) -> bytes:
    """A key event. `keysym` is X's number: Latin-1 as it is, other characters 0x01000000 + code point."""
    return struct.pack(">BBxxI", 4, down, keysym)


def pointer(x: int, y: int, *, buttons: int = 0) -> bytes:
    """A pointer event; `buttons` is a mask (1 left, 2 middle, 4 right)."""
    return struct.pack(">BBHH", 5, buttons, x, y)


def cut_text(words: str) -> bytes:
    """What we have copied, for the desktop's clipboard. RFB knows Latin-1 only; other characters become `?`."""
    raw = words.encode("latin-1", "replace")
    return struct.pack(">BxxxI", 6, len(raw)) + raw


def keysym(character: str) -> int:
    """X's number of the key that gives this character (RFC 6143, section 7.5.4)."""
    named = {"\n": 0xFF0D, "\t": 0xFF09, "\b": 0xFF08, "\x1b": 0xFF1B}
    code = ord(character)
    return named.get(character, code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 + code)
