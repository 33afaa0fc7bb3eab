"""One connection as a stream of bytes: a socket, or the pipes of a child process. Everything has a time limit."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from contextlib import suppress
from typing import Protocol

from vdictl.connect import children
from vdictl.contract.errors import TimedOut, Unavailable, Unsupported
from vdictl.contract.model import Command, Endpoint

_CHUNK = 65536


class Stream(Protocol):
    """A connection. Each method raises `TimedOut` when the limit set last has run out.

    The limit is one for all that follows, not one for each call: a peer that sends a byte a second cannot hold us.
    """

    def limit(self, seconds: float) -> None:
        """Give all that follows this many seconds from now."""
        ...

    def read_exactly(self, count: int) -> bytearray:
        """Wait for `count` bytes; `Unavailable` if the connection ends before."""
        ...

    def read_into(self, view: memoryview) -> None:
        """Fill the view (of bytes); as `read_exactly`, without a copy."""
        ...

    def read_some(self, most: int) -> bytes:
        """Wait for any bytes; `b""` is the end."""
        ...

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; `Unavailable` if the connection has ended."""
        ...

    def finish(self) -> None:
        """No more will be written; reading goes on."""
        ...

    def close(self) -> None:
        """Let go; twice is fine."""
        ...


class FileStream:
    """A stream over two file descriptors that do not block; the base of both kinds."""

    def __init__(self, reader: int, writer: int, *, name: str, timeout: float) -> None:
        """`name` is how errors call the other side."""
        self._reader, self._writer, self._name = reader, writer, name
        self._seconds, self._end = timeout, time.monotonic() + timeout
        self._closed = False

    def limit(self, seconds: float) -> None:
        """See `Stream`."""
        self._seconds, self._end = seconds, time.monotonic() + seconds

    def read_exactly(self, count: int) -> bytearray:
        """See `Stream`."""
        data = bytearray(count)
        self.read_into(memoryview(data))
        return data

    def read_into(self, view: memoryview) -> None:
        """See `Stream`."""
        while view:
            got = self._receive(view)
            if got == 0:
                raise self._ended()
            view = view[got:]

    def read_some(self, most: int) -> bytes:
        """See `Stream`."""
        data = bytearray(min(most, _CHUNK))
        return bytes(data[: self._receive(memoryview(data))])

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `Stream`."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._writer, view) :]
            except BlockingIOError:
                self._await(self._writer, select.POLLOUT)
            except OSError as error:
                raise self._ended() from error

    def finish(self) -> None:
        """See `Stream`."""
        raise NotImplementedError

    def close(self) -> None:
        """See `Stream`."""
        raise NotImplementedError

    def _receive(self, view: memoryview) -> int:
        while True:
            if time.monotonic() > self._end:  # a stream that never runs dry must not outlive its limit either
                raise self._late()
            try:
                return os.readv(self._reader, [view])
            except BlockingIOError:
                self._await(self._reader, select.POLLIN)
            except ConnectionError:
                return 0

    def _await(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = self._end - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise self._late()

    def _late(self) -> TimedOut:
        return TimedOut(f"{self._name} did not answer within {self._seconds:g} seconds.", details=self._evidence())

    def _ended(self) -> Unavailable:
        return Unavailable(f"The connection to {self._name} ended.", details=self._evidence())

    def _evidence(self) -> str:
        return ""


class SocketStream(FileStream):
    """A stream over a connected socket, which it owns from now on."""

    def __init__(self, sock: socket.socket, *, name: str, timeout: float) -> None:
        """See `FileStream`."""
        sock.setblocking(False)
        super().__init__(sock.fileno(), sock.fileno(), name=name, timeout=timeout)
        self._socket = sock

    def finish(self) -> None:
        """See `Stream`."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """See `Stream`."""
        self._socket.close()


class PipeStream(FileStream):
    """A stream over the pipes of a command's process, which ends with the stream."""

    def __init__(self, command: Command, *, name: str, timeout: float) -> None:
        """Start the command; see `children.start` for what it raises."""
        child = self._child = children.start(command)
        self._program = command.argv[0]
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        for pipe in (child.stdin, child.stdout, child.stderr):
            os.set_blocking(pipe.fileno(), False)
        super().__init__(child.stdout.fileno(), child.stdin.fileno(), name=name, timeout=timeout)
        self._errors, self._said = child.stderr.fileno(), bytearray()

    def finish(self) -> None:
        """See `Stream`."""
        assert self._child.stdin is not None
        with suppress(OSError):
            self._child.stdin.close()

    def close(self) -> None:
        """See `Stream`."""
        if not self._closed:
            self._closed = True
            children.end(self._child)

    def _await(self, descriptor: int, event: int) -> None:
        """Also takes what the child says on stderr, so that a talkative one does not stand still."""
        poll, talking = select.poll(), True
        poll.register(descriptor, event)
        poll.register(self._errors, select.POLLIN)
        while True:
            left = self._end - time.monotonic()
            ready = dict(poll.poll(max(0.0, left * 1000)))
            if descriptor in ready:
                return
            if left <= 0 or not ready:
                raise self._late()
            if talking and not self._listen():
                talking = False
                poll.unregister(self._errors)

    def _listen(self) -> bool:
        """Take what stderr has; False: it has ended."""
        with suppress(BlockingIOError):
            said = os.read(self._errors, _CHUNK)
            self._said = (self._said + said)[-children.TAIL :]
            return bool(said)
        return True

    def _evidence(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # a child that has ended says why a moment later
            self._child.wait(0.2)
        while not self._closed and (before := len(self._said)) < children.TAIL and self._listen():
            if len(self._said) == before:
                break
        code = self._child.poll()
        ended = f"{self._program} ended with {code}." if code is not None else ""
        return "\n".join(part for part in (ended, children.words(bytes(self._said))) if part)


def open_stream(endpoint: Endpoint, tunnel: Command | None, timeout: float) -> Stream:
    """Connect to the endpoint: through `tunnel` where there is one, else straight.

    `timeout` (seconds) holds for connecting and for all that follows; `Stream.limit` sets another.

    Raises:
        Unsupported: the endpoint is not direct and no tunnel was given.
        NotConfigured: the tunnel's program is not on this machine.
        Unavailable: nothing listens there; `details` has the system's word.
        TimedOut: nothing answered in time.
    """
    if tunnel is not None:
        return PipeStream(tunnel, name=f"the desktop's {endpoint.kind} endpoint", timeout=timeout)
    if not endpoint.direct:
        raise Unsupported(
            f"The desktop's {endpoint.kind} endpoint cannot be reached from here, and its provider offers no tunnel."
        )
    name = f"the desktop's {endpoint.kind} endpoint at {endpoint.host}:{endpoint.port}"
    begun = time.monotonic()
    if timeout <= 0:
        raise TimedOut(f"No time was left to reach {name}.")
    try:
        sock = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout)
    except TimeoutError as error:
        raise TimedOut(f"{name} did not answer within {timeout:g} seconds.") from error
    except OSError as error:
        raise Unavailable(f"{name} cannot be reached.", details=str(error)) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return SocketStream(sock, name=name, timeout=max(0.0, timeout - (time.monotonic() - begun)))
