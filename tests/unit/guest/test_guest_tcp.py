"""The bridge to a port inside: both ways at once, and told when nobody is there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

import pytest

from vdictl.guest.inside import bridge, main


def test_an_echo_of_much_more_than_any_buffer_does_not_stand_still() -> None:
    """The other side stops reading while it cannot write: who writes all first and reads then waits for ever."""
    ours, theirs = socket.socketpair()
    source, feed = os.pipe()
    sink, drain = os.pipe()
    payload = os.urandom(8 * 1024 * 1024)

    def echo() -> None:
        with theirs:
            while data := theirs.recv(65536):
                theirs.sendall(data)

    def feeder() -> None:
        view = memoryview(payload)
        while view:
            view = view[os.write(feed, view) :]
        os.close(feed)

    def carrier() -> None:
        bridge.carry(source, drain, ours)
        os.close(drain)

    threads = [threading.Thread(target=work, daemon=True) for work in (echo, feeder, carrier)]
    for thread in threads:
        thread.start()
    back = bytearray()
    while data := os.read(sink, 65536):
        back += data
    for thread in threads:
        thread.join(60)
    for end in (source, sink):
        os.close(end)
    ours.close()
    assert bytes(back) == payload


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_of_either_loopback_is_reached(family: socket.AddressFamily, host: str) -> None:
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")
    with server:
        program = "from vdictl.guest.inside.main import main; raise SystemExit(main(['tcp', '%d']))"
        child = subprocess.Popen(
            [sys.executable, "-c", program % server.getsockname()[1]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        link, _ = server.accept()
        with link:
            link.sendall(b"hello")
            link.shutdown(socket.SHUT_WR)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (0, b"hello", b"")


def test_nobody_there_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert main.main(["tcp", str(port)]) == 1
    assert f"nothing listens at port {port} inside" in capfd.readouterr().err
    for wrong in ("0", "65536", "-1", "x", "٣", ""):
        assert main.main(["tcp", wrong]) == 2
