"""Streams over sockets and over real child processes."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from vdictl.connect.streams import open_stream
from vdictl.contract.errors import NotConfigured, TimedOut, Unavailable, Unsupported
from vdictl.contract.model import Command, Endpoint

AFAR = Endpoint(kind="vnc", direct=False)


def python(code: str) -> Command:
    return Command(argv=(sys.executable, "-c", code))


def test_bytes_through_a_child() -> None:
    data = os.urandom(300_000)
    stream = open_stream(AFAR, Command(argv=("cat",)), 10)

    def send() -> None:
        stream.write(data)
        stream.finish()

    writer = threading.Thread(target=send)
    writer.start()
    assert bytes(stream.read_exactly(len(data))) == data
    assert stream.read_some(10) == b""
    writer.join(5)
    stream.close()
    stream.close()


def test_a_child_that_ends_says_why() -> None:
    stream = open_stream(AFAR, python("import sys; print('no\\x1bsuch container', file=sys.stderr); sys.exit(125)"), 5)
    with pytest.raises(Unavailable) as caught:
        stream.read_exactly(1)
    assert "ended with 125" in caught.value.details
    assert "no?such container" in caught.value.details
    with pytest.raises(Unavailable):
        for _ in range(100):
            stream.write(b"x" * 10000)
    stream.close()


def test_a_child_that_talks_a_lot_does_not_stand_still() -> None:
    code = "import sys; sys.stderr.write('noise ' * 200000); sys.stdout.write('done'); sys.stdout.flush(); input()"
    stream = open_stream(AFAR, python(code), 10)
    assert bytes(stream.read_exactly(4)) == b"done"
    stream.close()


def test_silence_is_timed_out_with_evidence_and_the_child_is_gone() -> None:
    stream = open_stream(AFAR, Command(argv=("sh", "-c", "echo waiting for a key >&2; sleep 987654")), 0.3)
    begun = time.monotonic()
    with pytest.raises(TimedOut, match=r"0\.3 seconds") as caught:
        stream.read_exactly(1)
    assert "waiting for a key" in caught.value.details
    stream.close()
    assert time.monotonic() - begun < 3
    assert not running("987654")


def running(text: str) -> list[str]:
    lines = [path.read_bytes().replace(b"\0", b" ").decode() for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [line for line in lines if text in line]


def test_a_new_limit_holds_from_then_on() -> None:
    stream = open_stream(AFAR, python("import time; time.sleep(0.5); print('late'); time.sleep(9)"), 0.1)
    stream.limit(60)  # starting a Python takes seconds where the machine is loaded
    assert bytes(stream.read_exactly(4)) == b"late"
    stream.close()


def test_writing_to_nobody_is_timed_out() -> None:
    stream = open_stream(AFAR, Command(argv=("sleep", "20")), 0.3)
    with pytest.raises(TimedOut):
        stream.write(bytes(1 << 22))
    stream.close()


def test_a_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint(kind="vnc", host="127.0.0.1", port=server.getsockname()[1])
        stream = open_stream(endpoint, None, 5)
        peer, _ = server.accept()
        peer.sendall(b"hello")
        assert bytes(stream.read_exactly(5)) == b"hello"
        stream.write(b"there")
        stream.finish()
        assert peer.recv(10) == b"there"
        assert peer.recv(10) == b""
        peer.close()
        with pytest.raises(Unavailable, match="ended"):
            stream.read_exactly(1)
        stream.close()
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        open_stream(endpoint, None, 5)
    assert "refused" in caught.value.details
    with pytest.raises(Unavailable):
        open_stream(Endpoint(kind="vnc", host="no-such-host.invalid", port=1), None, 5)
    with pytest.raises(TimedOut, match="No time was left"):
        open_stream(endpoint, None, -1.0)


def test_no_way() -> None:
    with pytest.raises(Unsupported):
        open_stream(AFAR, None, 5)
    with pytest.raises(NotConfigured, match="no-such-engine-here"):
        open_stream(AFAR, Command(argv=("no-such-engine-here",)), 5)


def test_the_environment_of_the_command_is_used() -> None:
    command = Command(argv=("/bin/sh", "-c", "printf %s $WORD"), environment={"WORD": "given"})
    stream = open_stream(AFAR, command, 5)
    assert bytes(stream.read_exactly(5)) == b"given"
    stream.close()
