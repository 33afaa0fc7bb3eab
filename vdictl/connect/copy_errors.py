"""What went wrong while files were copied, from the words of the desktop's tar and shell, or of this machine."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from vdictl.connect.children import words
from vdictl.connect.copy_scripts import MARK
from vdictl.contract.errors import AuthFailed, Conflict, Invalid, NotFound, QuotaExceeded, Unavailable, VdictlError

_TOLD: Final[dict[str, tuple[type[VdictlError], str]]] = {
    "not-found": (NotFound, "{path} is not in the desktop."),
    "dangling": (NotFound, "{path} is a symlink to something that is not in the desktop."),
    "no-folder": (NotFound, "{path} is not a folder in the desktop."),
    "no-parent": (NotFound, "The folder that is to hold {path} is not in the desktop."),
    "is-folder": (Conflict, "{path} is a folder in the desktop, and the copy is a file."),
    "is-file": (Conflict, "{path} is a file in the desktop, and the copy is a folder."),
    "no-access": (AuthFailed, "The desktop's user has no right to {path}."),
    "no-temporary": (VdictlError, "No temporary folder could be made beside {path} in the desktop."),
    "special": (Invalid, "{path} is neither a file nor a folder in the desktop."),
    "cut": (Unavailable, "The copy broke off before its end. Nothing was put at {path}."),
}
#: "Wrote only": how tar says that the disk became full within a block.
_SPACE: Final = re.compile(r"No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes")
_ACCESS: Final = re.compile(r"Permission denied|Operation not permitted|Read-only file system")
_CLASH: Final = re.compile(r"cannot overwrite|Not a directory|Is a directory|Directory not empty")
#: What GNU tar says of single files; the archive is whole nevertheless.
_SINGLE: Final = re.compile(
    r"tar: .*: (?:Warning: )?(?:Cannot (?:open|stat|readlink|read).*|.*removed before we read.*)"
)
_NOTICE: Final = re.compile(r"tar: (.*): (file changed as we read it|socket ignored|.*door ignored)")
_SURVIVED: Final = "tar: Exiting with failure status due to previous errors"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


def from_desktop(code: int, said: bytes, path: str) -> VdictlError:
    """The error for a script that ended with `code`; `path` is what the person named in the desktop."""
    text, shown = said.decode(errors="replace"), printable(path)
    told = re.findall(rf"^{re.escape(MARK)}([a-z-]+)$", text, re.MULTILINE)
    evidence = words(re.sub(rb"\n?vdictl-cp:[a-z-]+\n?", b"", said))
    if _SPACE.search(text):
        return QuotaExceeded(
            f"There is no space left in the desktop for {shown}.",
            details=evidence,
            advice="Remove something there, then copy again: nothing was put at the target.",
        )
    if told and told[-1] in _TOLD:
        kind, brief = _TOLD[told[-1]]
        return kind(brief.format(path=shown), details=evidence)
    if _CLASH.search(text):
        return Conflict(f"A file and a folder stand against each other at {shown}.", details=evidence)
    if _ACCESS.search(text):
        return AuthFailed(f"The desktop's user has no right to write {shown}.", details=evidence)
    if code in (125, 126, 127) or code < 0 or code > 128:
        return Unavailable("The way into the desktop broke.", details=evidence or f"It ended with {code}.")
    return VdictlError(f"{shown} could not be copied.", details=evidence or f"The desktop's side ended with {code}.")


def remarks(code: int, said: bytes) -> tuple[list[str], list[str]] | None:
    """What tar said of single files although its archive is whole: (left out, worth telling). `None`: it failed."""
    lines = [line for line in said.decode(errors="replace").splitlines() if line]
    left_out = [words(line.encode()) for line in lines if _SINGLE.fullmatch(line)]
    notices = [f"{printable(match[1])}: {match[2]}" for line in lines if (match := _NOTICE.fullmatch(line))]
    if code == 0 or (code == 1 and len(notices) == len(lines)):
        return left_out, notices
    # "Exiting" is the last thing it says after a whole archive; after a fatal error it says something else.
    if code == 2 and left_out and lines[-1] == _SURVIVED:
        return left_out, notices
    return None


@contextmanager
def of_this_machine(path: str) -> Iterator[None]:
    """Turn this machine's errors about `path` into ours."""
    try:
        yield
    except OSError as error:
        raise _local(error, printable(path)) from error


def _local(error: OSError, shown: str) -> VdictlError:
    if error.errno in _FULL:
        return QuotaExceeded(
            f"There is no space left on this machine for {shown}.",
            details=str(error),
            advice="Remove something, then copy again: nothing was put at the target.",
        )
    if error.errno in _FORBIDDEN:
        return AuthFailed(f"You have no right to write {shown}.", details=str(error))
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR, errno.ENOTDIR):
        return Conflict(f"{shown} changed while it was copied.", details=str(error))
    return VdictlError(f"{shown} cannot be written.", details=printable(str(error)))


def printable(text: str) -> str:
    """For people: no control characters, no broken characters."""
    return "".join(c if c.isprintable() else "?" for c in text)
