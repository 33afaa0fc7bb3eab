"""`vdictl port-forward`: ports of a desktop's loopback, which is this machine's own on the reference provider."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.front import Vdictl


@contextmanager
def echo() -> Iterator[int]:
    """A server that sends back what it is sent, until the half close; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    while data := link.recv(65536):
                        link.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarded(vdictl: Vdictl, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A port-forward that runs, and the first line it printed."""
    process = vdictl.start("port-forward", *words)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().decode()
    finally:
        process.kill()
        process.communicate()


def said(port: int, text: bytes) -> bytes:
    """What comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        link.sendall(text)
        link.shutdown(socket.SHUT_WR)
        back = b""
        while data := link.recv(65536):
            back += data
    return back


def near(line: str) -> int:
    return int(line.partition(" -> ")[0].rpartition(":")[2])


def ended(process: subprocess.Popen[bytes]) -> str:
    """Ctrl-C, and what stood on stderr."""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    return err.decode()


def test_bytes_go_both_ways_until_ctrl_c(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with echo() as far, forwarded(vdictl, "desktop", f"0:{far}") as (process, line):
        assert line.endswith(f" -> desktop:{far}\n") and line.startswith("127.0.0.1:")
        assert said(near(line), b"hello") == b"hello"
        many = bytes(range(256)) * 20000
        assert said(near(line), many) == many
        ended(process)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", near(line)), timeout=5)


def test_several_with_the_same_number_here_and_json(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with socket.create_server(("127.0.0.1", 0)) as free:
        same = free.getsockname()[1]
    with echo() as far, forwarded(vdictl, "desktop", str(same), f"0:{far}", "--json", "local_port") as (process, _):
        assert process.stdout is not None
        rest = b""
        while not rest.endswith(b"]\n"):
            rest += process.stdout.readline()
        ports = [row["local_port"] for row in json.loads(b"[" + rest)]
        assert ports[0] == same
        assert said(ports[1], b"x") == b"x"


def test_what_nobody_listens_at_is_closed_and_said_once(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    with forwarded(vdictl, "desktop", f"0:{nobody}") as (process, line):
        for _ in range(3):
            assert said(near(line), b"") == b""
        assert ended(process).count(f"nothing listens at port {nobody} inside") == 1


def test_a_port_that_is_taken_is_a_conflict(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = vdictl("port-forward", "desktop", f"{taken.getsockname()[1]}:80", "-o", "json")
    assert (refused.code, refused.error["error"]) == (9, "conflict")


@pytest.mark.parametrize(
    "words",
    [[], ["http"], ["0"], ["70000"], ["1:2:3"], ["-1"], ["3000", "--address", "everywhere"], ["\u0663"]],
)
def test_bad_ports_are_refused_before_anything_is_opened(vdictl: Vdictl, words: list[str]) -> None:
    assert vdictl("port-forward", "desktop", *words).code == 2


def test_others_get_in_only_where_it_is_said(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with forwarded(vdictl, "desktop", "0:80", "--address", "0.0.0.0") as (process, line):
        assert line.startswith("0.0.0.0:")
        assert "no login" in ended(process)


def test_one_that_does_not_run_is_told_how_to_start(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    vdictl.ok("stop")
    refused = vdictl("port-forward", "desktop", "3000")
    assert refused.code == 9
    assert "vdictl start desktop" in refused.err
    assert vdictl("port-forward", "other", "3000").code == 4
