"""The tunnel over real child processes: bytes both ways, half-closes, many at once, lost connections."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from vdictl.connect.tunnel import Tunnel
from vdictl.contract.errors import Conflict, Unavailable
from vdictl.contract.model import Command

CAT = Command(argv=("cat",))


def python(code: str) -> Command:
    return Command(argv=(sys.executable, "-c", code))


def dial(tunnel: Tunnel) -> socket.socket:
    return socket.create_connection(("127.0.0.1", tunnel.port), timeout=60)


def drain(sock: socket.socket) -> bytes:
    data = bytearray()
    while piece := sock.recv(1 << 16):
        data += piece
    return bytes(data)


def until(what: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def children() -> list[int]:
    return [int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()]


@pytest.fixture(autouse=True)
def _no_process_stays() -> Iterator[None]:
    before = set(children())
    yield
    until(lambda: set(children()) <= before)


def echo(tunnel: Tunnel, data: bytes) -> bytes:
    with dial(tunnel) as sock:

        def send() -> None:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        answer = drain(sock)
        sender.join(10)
    return answer


def test_bytes_both_ways_and_the_half_close() -> None:
    with Tunnel(CAT) as tunnel:
        assert echo(tunnel, b"") == b""
        for size in (1, 70_000, 9_000_000):
            data = os.urandom(size)
            assert echo(tunnel, data) == data
        until(lambda: tunnel.connections == 0)
        assert tunnel.last_trouble == ""


def test_the_answer_comes_after_the_half_close() -> None:
    code = "import sys,hashlib; d=sys.stdin.buffer.read(); sys.stdout.write(hashlib.sha256(d).hexdigest())"
    with Tunnel(python(code)) as tunnel:
        data = os.urandom(500_000)
        assert echo(tunnel, data).decode() == sha256(data).hexdigest()


def test_a_service_that_does_not_listen_may_still_send() -> None:
    code = "import os,sys; os.close(0); [os.write(1, b'x' * 65536) for _ in range(50)]"
    with Tunnel(python(code)) as tunnel, dial(tunnel) as sock:
        sock.sendall(b"unheard")
        assert len(drain(sock)) == 50 * 65536


def test_many_at_once() -> None:
    with Tunnel(CAT) as tunnel:
        wrong: list[int] = []

        def work(number: int) -> None:
            data = os.urandom(50_000 + number)
            if echo(tunnel, data) != data:
                wrong.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert wrong == []


def test_more_than_agreed_are_refused() -> None:
    with Tunnel(CAT, most=2) as tunnel:
        first, second = dial(tunnel), dial(tunnel)
        first.sendall(b"a")
        second.sendall(b"b")
        assert (first.recv(1), second.recv(1)) == (b"a", b"b")
        with dial(tunnel) as third:
            assert third.recv(1) == b""
        assert tunnel.refused == 1
        first.close()
        until(lambda: tunnel.connections == 1)
        assert echo(tunnel, b"again") == b"again"
        second.close()


def test_a_killed_child_ends_its_connection_only() -> None:
    with Tunnel(CAT) as tunnel, dial(tunnel) as lost, dial(tunnel) as other:
        for sock in (lost, other):
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
        os.kill(children()[0], signal.SIGKILL)
        broken = [sock for sock in (lost, other) if _ended(sock)]
        assert len(broken) == 1
        (alive,) = {lost, other} - set(broken)
        alive.sendall(b"still")
        assert alive.recv(5) == b"still"
        assert echo(tunnel, b"new") == b"new"


def _ended(sock: socket.socket) -> bool:
    sock.settimeout(1)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False


def test_a_client_that_resets_ends_its_child() -> None:
    with Tunnel(python("import time; print('up', flush=True); time.sleep(60)")) as tunnel:
        with dial(tunnel) as sock:
            assert sock.recv(1) == b"u"
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
        until(lambda: tunnel.connections == 0)


def test_a_half_closed_connection_is_not_kept_for_ever() -> None:
    with Tunnel(python("import time; time.sleep(60)"), linger=0.5) as tunnel, dial(tunnel) as sock:
        sock.shutdown(socket.SHUT_WR)
        until(lambda: tunnel.connections == 0)
        assert sock.recv(1) == b""


def test_an_idle_connection_is_kept() -> None:
    with Tunnel(CAT, linger=0.1) as tunnel, dial(tunnel) as sock:
        time.sleep(1.5)
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"


def test_a_slow_client_sets_the_pace() -> None:
    """What the service sends is not heaped up here."""
    with Tunnel(python("import os\nwhile True: os.write(1, b'x' * 65536)")) as tunnel, dial(tunnel) as sock:
        time.sleep(0.5)
        flow = Path("/proc/self/statm").read_text().split()[1]
        time.sleep(0.7)
        grown = (int(Path("/proc/self/statm").read_text().split()[1]) - int(flow)) * 4096
        assert grown < 20_000_000
        assert sock.recv(4) == b"xxxx"


def test_close_ends_everything_soon() -> None:
    tunnel = Tunnel(CAT)
    socks = [dial(tunnel) for _ in range(5)]
    for sock in socks:
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    begun = time.monotonic()
    tunnel.close()
    tunnel.close()
    assert time.monotonic() - begun < 2
    for sock in socks:
        assert sock.recv(1) == b""
        sock.close()
    with pytest.raises(OSError, match="refused"):
        dial(tunnel)


def test_trouble_is_told() -> None:
    heard: list[str] = []
    failing = Command(argv=("sh", "-c", "echo no such container >&2; exit 125"))
    with Tunnel(failing, trouble=heard.append) as tunnel:
        with dial(tunnel) as sock:
            assert sock.recv(1) == b""
        until(lambda: bool(heard))
        assert heard == ["sh ended with 125. no such container"]
        assert tunnel.last_trouble == heard[0]
    with Tunnel(Command(argv=("no-such-engine-here",)), trouble=heard.append) as tunnel:
        with dial(tunnel) as sock:
            assert sock.recv(1) == b""
        until(lambda: len(heard) == 2)
        assert "no-such-engine-here" in heard[1]


def test_a_talkative_command_does_not_stand_still() -> None:
    code = "import sys; sys.stderr.write('noise ' * 100000); sys.stdout.write(sys.stdin.read())"
    with Tunnel(python(code)) as tunnel:
        assert echo(tunnel, b"through") == b"through"


def test_ports() -> None:
    with Tunnel(CAT) as tunnel:
        assert tunnel.port > 1023
        with pytest.raises(Conflict, match=str(tunnel.port)):
            Tunnel(CAT, port=tunnel.port)
    with Tunnel(CAT, port=tunnel.port) as again:
        assert again.port == tunnel.port
    with pytest.raises(Unavailable):
        Tunnel(CAT, port=99999)


def test_only_loopback_listens() -> None:
    with Tunnel(CAT) as tunnel:
        rows = Path("/proc/net/tcp").read_text().splitlines()
        assert [row.split()[1] for row in rows if f":{tunnel.port:04X} 00000000:0000 0A" in row] == [
            f"0100007F:{tunnel.port:04X}"
        ]
        assert f":{tunnel.port:04X} " not in Path("/proc/net/tcp6").read_text()


@pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not on this machine")
def test_through_socat_to_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=_answer, args=(server,))
        thread.start()
        with Tunnel(Command(argv=("socat", "-t5", "-", f"UNIX-CONNECT:{path}"))) as tunnel:
            data = os.urandom(2_000_000)
            assert echo(tunnel, data) == data[::-1]
        thread.join(5)


def _answer(server: socket.socket) -> None:
    peer, _ = server.accept()
    with peer:
        peer.sendall(drain(peer)[::-1])
