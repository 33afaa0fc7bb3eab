"""The RFB client, the probes, the tunnel and a native viewer against a real Xtigervnc."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vdictl.connect import des, rfb
from vdictl.connect.frame import Frame, describe, drawn, png
from vdictl.connect.probes import OutsideProbes, screenshot
from vdictl.connect.redirect import private_file
from vdictl.connect.streams import open_stream
from vdictl.connect.tunnel import Tunnel
from vdictl.connect.viewers import Viewer, find_vnc_viewer
from vdictl.contract.errors import AuthFailed, Unavailable
from vdictl.contract.model import Command, Endpoint, Secret

PASSWORD = Secret("p4ssw0rd")
PROBES = OutsideProbes()
#: Standard streams to a unix socket, as `vdictl-guest rfb` does it inside.
BRIDGE = """
import os, socket, sys, threading
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
def up():
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := sock.recv(65536):
    while data:
        data = data[os.write(1, data):]
"""

needs_server = pytest.mark.skipif(
    shutil.which("Xtigervnc") is None,
    reason="Xtigervnc (tigervnc-standalone-server) is not on this machine",
)
pytestmark = needs_server


@dataclass
class Display:
    """A running X server of TigerVNC behind a unix socket."""

    number: str
    path: Path
    process: subprocess.Popen[bytes]
    clients: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(kind="vnc", direct=False, password=PASSWORD)

    @property
    def way(self) -> Command:
        return Command(argv=(sys.executable, "-I", "-S", "-c", BRIDGE, str(self.path)))

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": f":{self.number}"}

    def start(self, *argv: str) -> subprocess.Popen[bytes]:
        client = subprocess.Popen(argv, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.clients.append(client)
        return client


@contextmanager
def x_server(folder: Path, geometry: str = "1280x800") -> Iterator[Display]:
    path, secret = folder / "rfb", folder / "password"
    private_file(secret, des.password_file(PASSWORD))
    reader, writer = os.pipe()
    process = subprocess.Popen(
        ["Xtigervnc", "-displayfd", str(writer), "-rfbport", "-1", "-rfbunixpath", str(path), "-nolisten", "tcp",
         "-SecurityTypes", "VncAuth", "-PasswordFile", str(secret), "-geometry", geometry, "-depth", "24"],
        pass_fds=[writer], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as file:
        number = file.readline().strip()
    display = Display(number, path, process)
    try:
        yield display
    finally:
        for one in (*display.clients, process):
            one.terminate()
            one.wait(60)


@pytest.fixture
def display(tmp_path: Path) -> Iterator[Display]:
    with x_server(tmp_path) as made:
        yield made


def until(what: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_a_bare_server_answers_but_nothing_is_drawn(display: Display) -> None:
    handshake, frame = PROBES.rfb(display.endpoint, display.way, timeout=60)
    assert (handshake.ok, handshake.detail) == (True, "RFB 3.8, VncAuth")
    assert (frame.ok, frame.fatal) == (False, False)
    assert frame.detail.startswith("1280x800, nothing but #000000")


def test_a_frame_comes_quickly(display: Display) -> None:
    stream = open_stream(display.endpoint, display.way, 10)
    screen = rfb.handshake(stream, PASSWORD)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        frame = rfb.grab(stream, screen)
        took.append(time.perf_counter() - begun)
    stream.close()
    assert (frame.width, frame.height) == (1280, 800)
    assert min(took) < 0.15, took


def test_the_wrong_password_and_being_shut_out(display: Display) -> None:
    def knock() -> None:
        stream = open_stream(display.endpoint, display.way, 10)
        try:
            rfb.handshake(stream, Secret("wrong"))
        finally:
            stream.close()

    with pytest.raises(AuthFailed) as caught:
        knock()
    assert caught.value.details == "Authentication failure"
    with pytest.raises(Unavailable, match="refuses connections for now") as shut:
        for _ in range(10):
            with pytest.raises(AuthFailed):
                knock()
    assert "Too many security failures" in shut.value.details


@pytest.mark.skipif(shutil.which("xsetroot") is None, reason="xsetroot (x11-xserver-utils) is not on this machine")
@pytest.mark.parametrize(
    "arguments", [["-solid", "navy"], ["-grey"], ["-mod", "5", "7", "-fg", "red"], ["-cursor_name", "watch"]]
)
def test_a_painted_root_alone_is_not_a_desktop(display: Display, arguments: list[str]) -> None:
    subprocess.run(["xsetroot", *arguments], env=display.environment, check=True)
    frame = screenshot(display.endpoint, display.way, timeout=60)
    assert not drawn(frame)


@pytest.mark.skipif(
    shutil.which("xterm") is None or shutil.which("openbox") is None,
    reason="xterm or openbox is not on this machine",
)
def test_a_window_manager_with_a_terminal_is_drawn_and_takes_keys(display: Display, tmp_path: Path) -> None:
    def frame() -> Frame:
        return screenshot(display.endpoint, display.way, timeout=60)

    display.start("openbox")
    # It sets its own pointer when it is ready; a window that comes while it starts may stay unmapped.
    until(lambda: "pointer" in describe(frame()))
    assert not drawn(frame())
    display.start("xterm", "-geometry", "80x24+50+50", "-e", "sh")
    until(lambda: drawn(frame()))
    out = tmp_path / "typed"
    stream = open_stream(display.endpoint, display.way, 20)
    screen = rfb.handshake(stream, PASSWORD)
    rfb.move(stream, 300, 200, click=1)
    time.sleep(0.5)
    before = rfb.grab(stream, screen)
    rfb.type_text(stream, f"echo 'Hello, (World)!' > {out}\n")
    until(lambda: out.exists() and out.read_text() == "Hello, (World)!\n")
    time.sleep(0.3)
    after = rfb.grab(stream, screen)
    assert before.pixels != after.pixels
    rfb.copy_text(stream, "from here")
    if shutil.which("xclip"):
        until(lambda: b"from here" in subprocess.run(
            ["xclip", "-o"], env=display.environment, capture_output=True, check=False).stdout)  # fmt: skip
    stream.close()


def test_the_same_pixels_as_another_reader_sees(display: Display) -> None:
    """X's own dump of the root window, against our frame and our PNG."""
    if shutil.which("xwd") is None or shutil.which("xsetroot") is None:
        pytest.skip("xwd or xsetroot is not on this machine")
    subprocess.run(["xsetroot", "-solid", "#12a4f7"], env=display.environment, check=True)
    frame = screenshot(display.endpoint, display.way, timeout=60)
    dump = subprocess.run(["xwd", "-root", "-silent"], env=display.environment, capture_output=True, check=True).stdout
    header = struct.unpack(">25I", dump[:100])
    stride, colours = header[12], header[19]
    body = dump[header[0] + colours * 12 :]
    corner = body[790 * stride :][: 1280 * 4]
    assert (
        b"".join(corner[at : at + 4][2::-1] for at in range(0, len(corner), 4)) == frame.pixels[790 * 3840 : 791 * 3840]
    )
    data = png(frame)
    assert zlib.decompress(data[data.index(b"IDAT") + 4 : -16])[1:4] == bytes.fromhex("12a4f7")


def test_the_screen_changes_its_size(display: Display) -> None:
    if shutil.which("xrandr") is None:
        pytest.skip("xrandr (x11-xserver-utils) is not on this machine")
    stream = open_stream(display.endpoint, display.way, 20)
    screen = rfb.handshake(stream, PASSWORD)
    rfb.grab(stream, screen)
    for size in ("1024x768", "1600x1200"):
        subprocess.run(["xrandr", "-s", size], env=display.environment, check=True, capture_output=True)
        frame = rfb.grab(stream, screen)
        assert f"{frame.width}x{frame.height}" == f"{screen.width}x{screen.height}" == size
    stream.close()


def test_the_server_dies_while_we_look(display: Display) -> None:
    stream = open_stream(display.endpoint, display.way, 10)
    screen = rfb.handshake(stream, PASSWORD)
    display.process.kill()
    display.process.wait(5)
    with pytest.raises(Unavailable):
        for _ in range(3):
            rfb.grab(stream, screen)
    stream.close()
    handshake, _ = PROBES.rfb(display.endpoint, display.way, timeout=5)
    assert handshake.ok is False
    assert "refused" in handshake.detail or "No such file" in handshake.detail


def test_through_the_tunnel_many_times(display: Display) -> None:
    with Tunnel(display.way) as tunnel:
        near = Endpoint(kind="vnc", host="127.0.0.1", port=tunnel.port, password=PASSWORD)
        first = screenshot(near, None, timeout=60)
        assert all(screenshot(near, None, timeout=60).width == first.width for _ in range(5))
        until(lambda: tunnel.connections == 0)


@pytest.mark.skipif(
    shutil.which("xtigervncviewer") is None or shutil.which("xsetroot") is None,
    reason="xtigervncviewer (tigervnc-viewer) or xsetroot (x11-xserver-utils) is not on this machine",
)
def test_a_native_viewer_logs_in_by_the_password_file(display: Display, tmp_path: Path) -> None:
    """It opens its window on a second X server, without a password in any argument, and leaves others connected."""
    watcher = open_stream(display.endpoint, display.way, 60)
    screen = rfb.handshake(watcher, PASSWORD)
    (tmp_path / "screen").mkdir()
    with x_server(tmp_path / "screen", "1400x1000") as person, Tunnel(display.way) as tunnel:
        secret = tmp_path / "viewer-password"
        private_file(secret, des.password_file(PASSWORD))
        viewer = find_vnc_viewer("127.0.0.1", tunnel.port, secret, _at(person), platform="linux")
        assert isinstance(viewer, Viewer)
        assert not viewer.asks
        assert PASSWORD.reveal() not in " ".join(viewer.command.argv)
        subprocess.run(["xsetroot", "-solid", "#c01020"], env=display.environment, check=True)
        process = person.start(*viewer.command.argv)
        red = bytes.fromhex("c01020")

        def shown() -> bool:
            assert process.poll() is None, "the viewer ended"
            frame = screenshot(person.endpoint, person.way, timeout=60)
            return frame.pixels.count(red) > 100_000

        until(shown, 30)
        assert tunnel.connections == 1
        assert rfb.grab(watcher, screen).width == 1280
        process.terminate()
        process.wait(60)
        until(lambda: tunnel.connections == 0)
    watcher.close()


def _at(display: Display) -> dict[str, str]:
    return {
        name: value for name, value in display.environment.items() if name not in ("CI", "SSH_CONNECTION", "SSH_TTY")
    }
