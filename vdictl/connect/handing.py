"""Provider's commands that take a stream as it is, or none, and whose words say what went wrong."""

from __future__ import annotations

import re
import tempfile
from typing import IO, BinaryIO, Final

from vdictl.connect import children
from vdictl.contract.errors import AuthFailed, Invalid, QuotaExceeded, Unavailable, VdictlError
from vdictl.contract.model import Command

_PIECE: Final = 1 << 20
_GRACE: Final = 5.0
_MOST: Final = 1 << 20  #: of what a command says
_LOGIN: Final = re.compile(r"unauthorized|authentication required|denied|forbidden|no basic auth", re.IGNORECASE)
_SILENT: Final = re.compile(
    r"connection refused|no such host|i/o timeout|TLS handshake|network is unreachable|server gave HTTP response",
    re.IGNORECASE,
)
_FULL: Final = re.compile(r"no space left|quota exceeded", re.IGNORECASE)
_NO_ARCHIVE: Final = re.compile(r"unexpected EOF|does not match any|not a directory|invalid tar|not a valid", re.I)


def hand_in(command: Command, reader: BinaryIO) -> str:
    """Give the command all that `reader` has; what it printed.

    Raises:
        Invalid: it says that this is no archive. QuotaExceeded: its disk is full. VdictlError: it failed otherwise.
    """
    with tempfile.TemporaryFile() as said:
        child = children.start(command, stdout=said.fileno(), stderr=said)
        assert child.stdin is not None
        try:
            try:
                while piece := reader.read(_PIECE):
                    view = memoryview(piece)
                    while view:
                        view = view[child.stdin.write(view) or 0 :]
                child.stdin.close()
            except BrokenPipeError:
                pass  # it has ended before us, and says why
            code = child.wait()
        finally:
            children.end(child, grace=_GRACE)
        text = _text(said)
    if code != 0:
        raise _archive_error(text, code)
    return text


def call(command: Command, *, to: str) -> None:
    """Run it to its end; `to` is where it goes, for people.

    Raises:
        AuthFailed: the login was refused, or there is none. Unavailable: nothing answers. VdictlError: it failed.
    """
    with tempfile.TemporaryFile() as said:
        child = children.start(command, stdout=said.fileno(), stderr=said)
        assert child.stdin is not None
        child.stdin.close()
        try:
            code = child.wait()
        finally:
            children.end(child, grace=_GRACE)
        text = _text(said)
    if code == 0:
        return
    evidence = children.words(text.encode())
    if _LOGIN.search(text):
        raise AuthFailed(
            f"{to} refused the login, or there is none.",
            details=evidence,
            advice=f"Log in with the engine: podman login (or docker login) {to.partition('/')[0]}",
        )
    if _SILENT.search(text):
        raise Unavailable(f"{to} cannot be reached.", details=evidence)
    raise VdictlError(f"{to} did not take it.", details=evidence or f"The command ended with {code}.")


def _archive_error(text: str, code: int) -> VdictlError:
    evidence = children.words(text.encode())
    if _FULL.search(text):
        return QuotaExceeded("There is no space left for the image.", details=evidence)
    if _NO_ARCHIVE.search(text):
        return Invalid("This is no archive of images, or it breaks off.", details=evidence)
    return VdictlError("The image could not be loaded.", details=evidence or f"The command ended with {code}.")


def _text(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read(_MOST).decode(errors="replace")
