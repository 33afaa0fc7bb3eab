"""A port of this machine that leads into a desktop: each connection is one process of the tunnel command."""

from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final, Self

from vdictl.connect import children
from vdictl.connect.pump import Aside, Flow, pump
from vdictl.contract.errors import Conflict, Unavailable, VdictlError
from vdictl.contract.model import Command

HOST: Final = "127.0.0.1"


class Tunnel:
    """Listens until it is closed, on 127.0.0.1 unless told. Threads are daemons: an exit without `close` does not hang.

    A connection that is lost, or whose command fails, ends alone; the next one starts the command anew. Every user
    of this machine can reach the port, so what lies behind it has a login of its own.
    """

    def __init__(
        self,
        command: Command,
        *,
        host: str = HOST,
        port: int = 0,
        most: int = 64,
        linger: float = 60.0,
        trouble: Callable[[str], None] | None = None,
    ) -> None:
        """Begin to listen.

        Args:
            command: its stdin and stdout are one connection to the desktop.
            host: the address to listen at, IPv4 or IPv6.
            port: 0 takes a free one.
            most: connections at once; more are closed as soon as they come.
            linger: seconds without a byte after which a connection that the client half-closed is given up.
            trouble: called (from a thread) with one line for each connection whose command failed or did not start.

        Raises:
            Conflict: the port is in use. Unavailable: it cannot be opened.
        """
        self._command, self._most, self._linger, self._trouble = command, most, linger, trouble
        self._listener = _listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self.refused = 0  #: connections that came while `most` were open
        self.last_trouble = ""  #: evidence of the last connection that failed
        self._stop, self._signal = socket.socketpair()
        self._lock = threading.Lock()
        self._open: set[threading.Thread] = set()
        self._accepting = threading.Thread(target=self._accept, name=f"tunnel-{self.port}", daemon=True)
        self._accepting.start()

    @property
    def connections(self) -> int:
        """How many are open now."""
        with self._lock:
            return len(self._open)

    def close(self) -> None:
        """End all connections and their processes, and free the port. Twice is fine."""
        self._signal.close()
        self._accepting.join(5)
        with self._lock:
            threads = list(self._open)
        for thread in threads:
            thread.join(5)
        self._stop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        with self._listener:
            while self._stop.fileno() not in dict(poll.poll()):
                try:
                    client, _ = self._listener.accept()
                except OSError:
                    # The client left again, or we are out of descriptors: wait for one of ours to come back.
                    self._stop_within(0.1)
                    continue
                self._serve(client)

    def _stop_within(self, seconds: float) -> None:
        select.select([self._stop], [], [], seconds)

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            full = len(self._open) >= self._most
            if full:
                self.refused += 1
            else:
                thread = threading.Thread(target=self._carry, args=(client,), daemon=True)
                self._open.add(thread)
        if full:
            client.close()
            self._tell(f"There are {self._most} connections already; more are closed as they come.")
            return
        try:
            thread.start()
        except RuntimeError:  # no more threads on this machine
            client.close()
            with self._lock:
                self._open.discard(thread)

    def _carry(self, client: socket.socket) -> None:
        try:
            with client:
                self._connect(client)
        except VdictlError as error:
            self._tell(" ".join(part for part in (error.brief, error.details) if part))
        finally:
            with self._lock:
                self._open.discard(threading.current_thread())

    def _connect(self, client: socket.socket) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        child = children.start(self._command)
        said = bytearray()
        try:
            up, down = _flows(client, child)
            assert child.stderr is not None
            aside = Aside(child.stderr.fileno(), partial(_hear, child, said))
            pump(up, down, stop=self._stop.fileno(), linger=self._linger, aside=aside)
            _hear(child, said)
        finally:
            code = children.end(child)
        if code > 0 and not down.carried:
            self._tell(f"{self._command.argv[0]} ended with {code}. {children.words(bytes(said))}".strip())

    def _tell(self, line: str) -> None:
        self.last_trouble = line
        if self._trouble:
            self._trouble(line)


def _flows(client: socket.socket, child: subprocess.Popen[bytes]) -> tuple[Flow, Flow]:
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    for pipe in (child.stdin, child.stdout, child.stderr):
        os.set_blocking(pipe.fileno(), False)
    up = Flow(source=client.fileno(), target=child.stdin.fileno(), finished=child.stdin.close)
    down = Flow(source=child.stdout.fileno(), target=client.fileno(), finished=partial(_shut, client))
    return up, down


def _shut(client: socket.socket) -> None:
    with suppress(OSError):
        client.shutdown(socket.SHUT_WR)


def _hear(child: subprocess.Popen[bytes], said: bytearray) -> bool:
    """Take what stderr has, so that a talkative command does not stand still; the end of it is kept."""
    assert child.stderr is not None
    try:
        data = os.read(child.stderr.fileno(), 1 << 16)
    except BlockingIOError:
        return True
    said += data
    del said[: -children.TAIL]
    return bool(data)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise Conflict(f"Port {port} of this machine is in use.", advice="Name another one, or none.") from error
        raise Unavailable(f"Port {port} of this machine cannot be opened.", details=str(error)) from error
    return listener
