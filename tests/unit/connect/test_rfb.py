"""The RFB client against scripted servers: each version, honest and hostile."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.connect.fakes import PIXEL_FORMAT, Peer, greeting, raw, take, talking_to, update
from vdictl.connect import des, rfb, rfb_wire
from vdictl.contract.errors import AuthFailed, NotConfigured, TimedOut, Unavailable, Unsupported, VdictlError
from vdictl.contract.model import Secret

RED, BLUE = b"\xff\0\0", b"\0\0\xff"
REQUEST = 10


def said(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def finish(sock: socket.socket) -> None:
    """ClientInit and ServerInit."""
    assert take(sock, 1) == b"\x01"
    sock.sendall(struct.pack(">HH", 640, 480) + PIXEL_FORMAT + said("Büro 1".encode()))
    take(sock, 36)


@pytest.mark.parametrize(
    ("line", "answer", "version"),
    [
        (b"RFB 003.008\n", b"RFB 003.008\n", "3.8"),
        (b"RFB 003.889\n", b"RFB 003.008\n", "3.8"),
        (b"RFB 005.000\n", b"RFB 003.008\n", "3.8"),
        (b"RFB 003.007\n", b"RFB 003.007\n", "3.7"),
        (b"RFB 003.005\n", b"RFB 003.003\n", "3.3"),
        (b"RFB 003.003\n", b"RFB 003.003\n", "3.3"),
    ],
)
@pytest.mark.parametrize("password", [None, Secret("geheim12")])
def test_each_version_with_and_without_password(
    line: bytes, answer: bytes, version: str, password: Secret | None
) -> None:
    def peer(sock: socket.socket) -> None:
        sock.sendall(line)
        assert take(sock, 12) == answer
        kind = 2 if password else 1
        if version == "3.3":
            sock.sendall(struct.pack(">I", kind))
        else:
            sock.sendall(bytes([3, 16, kind, 5]))
            assert take(sock, 1) == bytes([kind])
        if password:
            challenge = bytes(range(16))
            sock.sendall(challenge)
            assert take(sock, 16) == des.response(password, challenge)
        if password or version == "3.8":
            sock.sendall(bytes(4))
        finish(sock)

    with talking_to(peer) as stream:
        screen = rfb.handshake(stream, password)
    assert (screen.version, screen.security) == (version, "VncAuth" if password else "None")
    assert (screen.width, screen.height, screen.name) == (640, 480, "Büro 1")


def test_the_known_answer_of_des() -> None:
    """`vncpasswd -f` of TigerVNC gives these bytes for "password"."""
    assert des.password_file(Secret("password")) == bytes.fromhex("dbd83cfd727a1458")
    assert des.password_file(Secret("password and more")) == bytes.fromhex("dbd83cfd727a1458")


def refusing(*, minor: int, end: bytes) -> Peer:
    def peer(sock: socket.socket) -> None:
        sock.sendall(b"RFB 003.00%d\n" % minor)
        take(sock, 12)
        sock.sendall(struct.pack(">I", 2) if minor == 3 else b"\x01\x02")
        take(sock, 0 if minor == 3 else 1)
        sock.sendall(bytes(16))
        take(sock, 16)
        sock.sendall(end)

    return peer


@pytest.mark.parametrize(
    ("peer", "details"),
    [
        (refusing(minor=8, end=struct.pack(">I", 1) + said(b"Wrong \x1b[31mword")), "Wrong  [31mword"),
        (refusing(minor=7, end=struct.pack(">I", 2)), "too many attempts"),
        (refusing(minor=3, end=struct.pack(">I", 1)), ""),
        (refusing(minor=8, end=b""), ""),
    ],
)
def test_a_wrong_password(peer: Peer, details: str) -> None:
    with talking_to(peer) as stream, pytest.raises(AuthFailed) as caught:
        rfb.handshake(stream, Secret("wrong"))
    assert caught.value.details == details
    assert "wrong" not in str(caught.value.as_dict())


def sending(data: bytes, *, then: float = 0.0) -> Peer:
    def peer(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.settimeout(then or 0.01)
        while sock.recv(1000):
            pass

    return peer


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", Unavailable, "no VNC server"),
        (b"RFB 000.000\n", Unavailable, "no VNC server"),
        (b"RFB 003.008\n\x00" + said(b"Too many security failures"), Unavailable, "refuses connections"),
        (b"RFB 003.003\n" + bytes(4) + said(b"no"), Unavailable, "refuses connections"),
        (b"RFB 003.008\n\x02\x13\x10", Unsupported, "no security type"),
        (b"RFB 003.008\n\x01\x02", AuthFailed, "wants a password"),
        (b"RFB 003.008\n\x00" + b"\xff\xff\xff\xff", Unavailable, "unreasonable length"),
        (b"RFB 003.008\n\x01\x01\0\0\0\0\xff\xff\xff\xff", Unavailable, "unreasonable screen"),
        (b"RFB 003.008\n\x01\x01\0\0\0\0\0\0\0\0", Unavailable, "unreasonable screen"),
        (b"RFB 003.008\n\x01\x01\0\0\0\0\0\x09\0\x09" + bytes(16) + b"\x7f\0\0\0", Unavailable, "unreasonable length"),
        (b"", Unavailable, "ended"),
        (b"RFB 003", Unavailable, "ended"),
    ],
)
def test_hostile_greetings(data: bytes, error: type[VdictlError], words: str) -> None:
    with talking_to(sending(data)) as stream, pytest.raises(error, match=words):
        rfb.handshake(stream, None)


def test_a_server_that_drips_cannot_hold_us() -> None:
    def peer(sock: socket.socket) -> None:
        for byte in b"RFB 003.008\n" * 100:
            sock.sendall(bytes([byte]))
            time.sleep(0.05)

    begun = time.monotonic()
    with talking_to(peer, timeout=0.3) as stream, pytest.raises(TimedOut, match=r"0\.3 seconds"):
        rfb.handshake(stream, None)
    assert time.monotonic() - begun < 1.0


def grab_from(*answers: bytes, timeout: float = 5.0) -> tuple[rfb_wire.Screen, list[bytes]]:
    """Answer one request after the other, then be silent: the screen as it is then, and its pixels."""

    def peer(sock: socket.socket) -> None:
        greeting(sock)
        for answer in answers:
            take(sock, REQUEST)
            sock.sendall(answer)
        while sock.recv(1000):
            pass

    with talking_to(peer, timeout=timeout) as stream:
        screen = rfb.handshake(stream, None)
        data = rfb.grab(stream, screen).pixels
    return screen, [data[at : at + 3] for at in range(0, len(data), 3)]


def test_a_frame_in_one_piece() -> None:
    _, pixels = grab_from(update(raw(0, 0, 4, 3, RED)))
    assert pixels == [RED] * 12


def test_a_frame_in_pieces_with_other_messages_between() -> None:
    bell, colours, cut = b"\x02", b"\x01\0" + struct.pack(">HH", 0, 2) + bytes(12), b"\x03\0\0\0" + said(b"copied")
    extended = b"\x03\0\0\0" + struct.pack(">i", -20) + bytes(20)
    _, pixels = grab_from(
        bell + colours + update(raw(0, 0, 2, 3, RED), raw(2, 0, 2, 1, RED)),
        cut + extended + update(),
        update(struct.pack(">HHHHi", 2, 1, 2, 2, 1) + struct.pack(">HH", 0, 0), raw(3, 2, 1, 1, BLUE)),
    )
    assert pixels == [RED] * 11 + [BLUE]


def test_copy_of_overlapping_rows() -> None:
    rows = raw(0, 0, 4, 1, RED) + raw(0, 1, 4, 1, BLUE)
    copy = struct.pack(">HHHHi", 0, 1, 4, 2, 1) + struct.pack(">HH", 0, 0)
    _, pixels = grab_from(struct.pack(">BxH", 0, 3) + rows + copy)
    assert pixels == [RED] * 8 + [BLUE] * 4


def test_the_screen_is_resized_meanwhile() -> None:
    size = struct.pack(">HHHHi", 0, 0, 2, 2, -223)
    screen, pixels = grab_from(update(raw(0, 0, 4, 1, RED)), update(size), update(raw(0, 0, 2, 2, BLUE)))
    assert pixels == [BLUE] * 4
    assert (screen.width, screen.height) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (update(raw(2, 0, 4, 3, RED)), "outside of its screen"),
        (update(struct.pack(">HHHHi", 0, 0, 2, 2, 1) + struct.pack(">HH", 3, 2)), "outside of its screen"),
        (update(struct.pack(">HHHHi", 0, 0, 60000, 60000, -223)), "unreasonable screen"),
        (update(struct.pack(">HHHHi", 0, 0, 2, 2, 7)), "encoding that was not asked for"),
        (b"\x96", "message that was not asked for"),
        (b"\x03\0\0\0\x7f\xff\xff\xff", "unreasonable length"),
        (b"\x03\0\0\0\x80\0\0\0", "unreasonable length"),
    ],
)
def test_hostile_frames(answer: bytes, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        grab_from(answer)


def test_a_frame_that_never_becomes_whole() -> None:
    begun = time.monotonic()
    with pytest.raises(TimedOut):
        grab_from(*[update(raw(0, 0, 1, 1, RED))] * 10, timeout=0.3)

    def endless(sock: socket.socket) -> None:
        greeting(sock)
        while True:
            sock.sendall(update() * 1000)

    with talking_to(endless, timeout=0.3) as stream, pytest.raises((TimedOut, Unavailable)):
        rfb.grab(stream, rfb.handshake(stream, None))
    assert time.monotonic() - begun < 5


@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=400), prefix=st.sampled_from([b"", b"RFB 003.008\n", b"RFB 003.008\n\x01\x01\0\0\0\0"]))
def test_noise_ends_in_one_of_our_errors(noise: bytes, prefix: bytes) -> None:
    with talking_to(sending(prefix + noise), timeout=2) as stream:
        try:
            screen = rfb.handshake(stream, Secret("x"))
            rfb.grab(stream, screen)
        except VdictlError:
            pass


def test_keys_and_pointer() -> None:
    heard: list[bytes] = []

    def peer(sock: socket.socket) -> None:
        greeting(sock)
        heard.append(take(sock, 4 * 16 + 3 * 6 + 6 + 8 + 4))

    with talking_to(peer) as stream:
        rfb.handshake(stream, None)
        rfb.type_text(stream, "aé€\n")
        rfb.move(stream, 300, 2, click=1)
        rfb.move(stream, 3, 2)
        rfb.copy_text(stream, "aé€\n")
    (data,) = heard
    keys = [struct.unpack(">BBxxI", data[at : at + 8]) for at in range(0, 64, 8)]
    assert [(kind, down, number) for kind, down, number in keys[::2]] == [
        (4, 1, 0x61), (4, 1, 0xE9), (4, 1, 0x010020AC), (4, 1, 0xFF0D),
    ]  # fmt: skip
    assert all(down == 0 for _, down, _ in keys[1::2])
    masks = [struct.unpack(">BBHH", data[at : at + 6]) for at in range(64, 88, 6)]
    assert masks == [(5, 0, 300, 2), (5, 1, 300, 2), (5, 0, 300, 2), (5, 0, 3, 2)]
    assert data[88:] == b"\x06\0\0\0\0\0\0\x04a\xe9?\n"


def test_without_des_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "Crypto.Cipher", None)
    with pytest.raises(NotConfigured) as caught:
        des.response(Secret("x"), bytes(16))
    assert "vdictl[local]" in caught.value.advice
