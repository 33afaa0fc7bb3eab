"""The looks from outside: a page that keeps its contract, pages that do not, and VNC servers of all sorts."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.unit.connect.fakes import greeting, raw, take, update
from vdictl.connect.probes import OutsideProbes, screenshot
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Command, Endpoint, Secret

TOKEN = "t0ken-" + "a" * 40
PROBES = OutsideProbes()


class GuestPage(BaseHTTPRequestHandler):
    """The guest's page as its contract says; `faults` break single promises."""

    protocol_version = "HTTP/1.1"
    faults: frozenset[str] = frozenset()
    kind = "vnc"
    asked: list[str] = []  # noqa: RUF012 - each test sets its own

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""

    def _say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Gate, session, page."""
        self.asked.append(f"GET {self.path}")
        known = self.headers.get("Cookie") == "vdictl_key=good"
        if self.path == "/":
            self._say(500 if "gate" in self.faults else 200, b"gate")
        elif not known and self.path not in self.faults:
            self._say(401)
        elif self.path == "/session":
            self._say(200, json.dumps({"kind": self.kind}).encode())
        elif self.path == "/code/" and self.kind == "http":
            self._say(302, Location="./?folder=/home/user#x")
        elif self.path in ("/desktop", "/code/?folder=/home/user") and "main" not in self.faults:
            self._say(200, b"x" * 3_000_000)
        else:
            self._say(404)

    def do_POST(self) -> None:
        """The login."""
        self.asked.append(f"POST {self.path}")
        token = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["token"]
        if token != TOKEN and "anything" not in self.faults:
            self._say(403)
        elif "cookie" in self.faults:
            self._say(204)
        else:
            self._say(204, Set_Cookie="vdictl_key=good; HttpOnly; Path=/; SameSite=Strict")


class Server(ThreadingHTTPServer):
    """Does not mind a visitor who has seen enough."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """The visitor hung up."""


Serve = Callable[..., Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a page; gives its endpoint."""
    servers: list[Server] = []

    def start(*faults: str, kind: str = "vnc") -> Endpoint:
        handler = type("Page", (GuestPage,), {"faults": frozenset(faults), "kind": kind, "asked": []})
        server = Server(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return Endpoint(kind="http", host="127.0.0.1", port=server.server_port, token=Secret(TOKEN))

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kind", ["vnc", "http"])
def test_a_page_that_keeps_its_promises(serve: Serve, kind: str) -> None:
    rung = PROBES.page(serve(kind=kind), None, timeout=5)
    assert rung.ok is True, rung.detail
    assert rung.detail == ("/desktop" if kind == "vnc" else "/code/") + " behind its login"
    assert rung.seconds is not None and 0 < rung.seconds < 5


@pytest.mark.parametrize(
    ("fault", "words", "fatal"),
    [
        ("gate", "The page does not open. HTTP 500.", False),
        ("/session", "/session answers without a login. HTTP 200.", True),
        ("/socket", "/socket answers without a login. HTTP 404.", True),
        ("anything", "The login takes a wrong token. HTTP 204.", True),
        ("cookie", "The login gives no cookie. HTTP 204.", False),
        ("main", "/desktop does not open behind the login. HTTP 404.", False),
    ],
)
def test_each_broken_promise_is_named(serve: Serve, fault: str, words: str, fatal: bool) -> None:
    rung = PROBES.page(serve(fault), None, timeout=5)
    assert (rung.ok, rung.detail, rung.fatal) == (False, words, fatal)


def test_the_wrong_token(serve: Serve) -> None:
    endpoint = serve()
    wrong = Endpoint(kind="http", host=endpoint.host, port=endpoint.port, token=Secret("not it"))
    rung = PROBES.page(wrong, None, timeout=5)
    assert (rung.ok, rung.fatal) == (False, True)
    assert "refuses the desktop's own token" in rung.detail
    assert "not it" not in rung.detail


def test_a_page_through_a_tunnel(serve: Serve) -> None:
    endpoint = serve()
    code = (
        "import socket,sys,threading,os\n"
        f"s=socket.create_connection(('127.0.0.1',{endpoint.port}))\n"
        "def up():\n"
        "  while d:=os.read(0,65536): s.sendall(d)\n"
        "  s.shutdown(1)\n"
        "threading.Thread(target=up,daemon=True).start()\n"
        "while d:=s.recv(65536): os.write(1,d)\n"
    )
    afar = Endpoint(kind="http", direct=False, token=Secret(TOKEN))
    rung = PROBES.page(afar, Command(argv=("python3", "-c", code)), timeout=10)
    assert rung.ok is True, rung.detail


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[socket.socket], None]], Endpoint]]:
    """Starts a server that hands each connection to a function."""
    servers: list[socket.socket] = []

    def start(peer: Callable[[socket.socket], None], kind: str = "vnc", **more: Any) -> Endpoint:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def work() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                with sock:
                    sock.settimeout(10)
                    with suppress(OSError):
                        peer(sock)

        threading.Thread(target=work, daemon=True).start()
        return Endpoint(kind=kind, host="127.0.0.1", port=server.getsockname()[1], **more)

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def dripping(sock: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000:
        sock.sendall(bytes([byte]))
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        (lambda sock: sock.sendall(b"RFB 003.008\n"), "does not answer as a page"),
        (lambda sock: None, "does not answer as a page"),
        (
            lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n"),
            "did not answer within|as a page|answers without",
        ),
        (lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000), "as a page"),
        (lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000), "as a page"),
        (dripping, "did not answer within"),
        (lambda sock: time.sleep(3), "did not answer within"),
    ],
)
def test_hostile_pages(listen: Any, peer: Callable[[socket.socket], None], words: str) -> None:
    begun = time.monotonic()
    rung = PROBES.page(listen(peer, kind="http", token=Secret(TOKEN)), None, timeout=0.6)
    assert rung.ok is False
    assert any(word in rung.detail for word in words.split("|")), rung.detail
    assert time.monotonic() - begun < 2


def picture(*, drawn: bool, password: bool = False) -> Callable[[socket.socket], None]:
    def peer(sock: socket.socket) -> None:
        greeting(sock, 64, 48)
        take(sock, 10)
        rows = [raw(0, y, 64, 1, bytes([y * 5 if drawn else 0, 0, 0])) for y in range(48)]
        sock.sendall(update(*rows))
        sock.recv(1)

    return peer


def test_the_rungs_of_vnc(listen: Any) -> None:
    handshake, frame = PROBES.rfb(listen(picture(drawn=True)), None, timeout=5)
    assert (handshake.name, handshake.ok, handshake.detail) == ("handshake", True, "RFB 3.8, None")
    assert (frame.name, frame.ok, frame.detail) == ("frame", True, "64x48, more than 4 colours")
    assert handshake.seconds is not None and frame.seconds is not None
    handshake, frame = PROBES.rfb(listen(picture(drawn=False)), None, timeout=5)
    assert (handshake.ok, frame.ok, frame.fatal) == (True, False, False)


def test_a_server_without_a_password_where_there_is_one(listen: Any) -> None:
    handshake, frame = PROBES.rfb(listen(picture(drawn=True), password=Secret("x")), None, timeout=5)
    assert (handshake.ok, handshake.fatal, frame.ok) == (False, True, None)
    assert "lets everybody in" in handshake.detail


def test_vnc_that_is_not_there() -> None:
    handshake, frame = PROBES.rfb(Endpoint(kind="vnc", host="127.0.0.1", port=1), None, timeout=5)
    assert (handshake.ok, handshake.fatal, frame.ok) == (False, False, None)
    handshake, _ = PROBES.rfb(Endpoint(kind="vnc", direct=False), Command(argv=("no-such-engine",)), timeout=5)
    assert (handshake.ok, handshake.fatal) == (False, True)


def test_screenshot(listen: Any) -> None:
    frame = screenshot(listen(picture(drawn=True)), None, timeout=5)
    assert (frame.width, frame.height) == (64, 48)
    assert frame.pixels[-3:] == bytes([235, 0, 0])
    with pytest.raises(VdictlError):
        screenshot(Endpoint(kind="vnc", host="127.0.0.1", port=1), None, timeout=5)
