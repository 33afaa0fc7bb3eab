"""Files that hold a secret: written whole, for their owner alone; read only where nobody else can."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from vdictl.contract.errors import Conflict, Invalid, NotConfigured, VdictlError

_MOST_BYTES = 1 << 20


class Draft:
    """A file that is going to be there, whole, or not at all; a context manager.

    Made before the secret is: a folder that cannot be written must not be found out afterwards.
    """

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        """Reserve a hidden name beside `path`.

        Raises:
            Conflict: `path` is there, and `replace` is not wanted. Invalid: it is a device or the like, which a file
            must not take the place of. VdictlError: the folder cannot be written.
        """
        self.path, self._replace = path, replace
        if not replace and os.path.lexists(path):
            raise self._taken()
        if path.exists() and not path.is_file():
            raise Invalid(f"{path} is no ordinary file.")
        self._draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._handle = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise VdictlError(f"{path} cannot be written.", details=error.strerror or str(error)) from error

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            os.close(self._handle)
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)

    def finish(self, content: str | bytes) -> None:
        """Write it and give it its name.

        Raises:
            Conflict: somebody made one of this name meanwhile. VdictlError: it cannot be written.
        """
        try:
            with os.fdopen(os.dup(self._handle), "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
                file.flush()
                os.fsync(file.fileno())
            if self._replace:
                self._draft.replace(self.path)
            else:
                os.link(self._draft, self.path)  # a rename would write over one that came meanwhile
        except FileExistsError:
            raise self._taken() from None
        except OSError as error:
            raise VdictlError(f"{self.path} cannot be written.", details=error.strerror or str(error)) from error

    def _taken(self) -> Conflict:
        return Conflict(f"{self.path} is there already.", advice="Name another file, or add --force.")


def read(path: Path) -> str:
    """The text of a file that only its owner, who is us, can read.

    Raises:
        Invalid: it cannot be read, or is no text. NotConfigured: others can read it, or it belongs to somebody else.
    """
    try:
        with path.open("rb") as file:
            _require_private(path, os.fstat(file.fileno()))
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ValueError("too long")
        return data.decode("utf-8")
    except OSError as error:
        raise Invalid(f"{path} cannot be read.", details=error.strerror or str(error)) from error
    except ValueError as error:
        raise Invalid(f"{path} is no text.") from error


def _require_private(path: Path, found: os.stat_result) -> None:
    if os.name == "nt":  # modes and owners mean something else there
        return
    if found.st_uid != os.getuid():
        raise NotConfigured(f"{path} belongs to somebody else.", advice="Make a copy of your own, with mode 600.")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotConfigured(f"Others can read {path}.", advice=f"Run: chmod 600 {shlex.quote(str(path))}")
