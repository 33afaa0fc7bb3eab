"""Ask a desktop's page over a stream: `http.client`, but with one time limit and also through a tunnel."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

from vdictl.connect.streams import Stream
from vdictl.contract.errors import Unavailable

_BODY = 1 << 20  #: bytes of an answer that are read; the rest is not needed to judge it


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the page said. Redirects are not followed."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Page:
    """One visitor's connection to the page. Opened at the first question, and again when the page hung up."""

    def __init__(self, host: str, connect: Callable[[], Stream]) -> None:
        """`host` is what is said in `Host`; `connect` gives a stream whose limit is the visitor's whole patience."""
        self._connection = _Connection(host, connect)

    def ask(self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str]) -> Answer:
        """One question and its answer.

        Raises:
            Unavailable: it does not speak HTTP, or hung up. TimedOut: the limit ran out.
        """
        try:
            self._connection.request(method, path, body=body, headers=dict(headers))
            answer = self._connection.getresponse()
            content = answer.read(_BODY)
            if not answer.isclosed():  # more than we read: the connection cannot be used again
                self._connection.close()
        except (http.client.HTTPException, ValueError, OSError) as error:
            self._connection.close()
            raise Unavailable("What listens there does not answer as a page.", details=ascii(error)[:200]) from error
        return Answer(status=answer.status, headers=answer.headers, body=content)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, connect: Callable[[], Stream]) -> None:
        super().__init__(host)
        self._connect = connect

    def connect(self) -> None:
        self.sock = cast("Any", _Socket(self._connect()))


class _Socket:
    """As much of a socket as `http.client` uses."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def sendall(self, data: bytes) -> None:
        self._stream.write(data)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._stream))

    def close(self) -> None:
        self._stream.close()


class _Reader(io.RawIOBase):
    """Closing it leaves the stream open: the next answer comes over it too."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._stream.read_some(len(buffer))
        buffer[: len(data)] = data
        return len(data)
