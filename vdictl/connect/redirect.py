"""The page's link, and the one-time file that brings it to a browser without showing it in a process list."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from pathlib import Path
from urllib.parse import quote

from vdictl.connect import forget
from vdictl.contract.errors import Unavailable, VdictlError
from vdictl.contract.model import Endpoint, Secret

_PREFIX, _SUFFIX = "open-", ".html"
_OURS = (f"{_PREFIX}*{_SUFFIX}", "vnc-*")  #: redirect files, and password files of native viewers


def page_url(endpoint: Endpoint, *, host: str = "", port: int = 0) -> Secret:
    """The link that opens the page: the token is the fragment, which a browser sends to no server.

    `host` and `port` name a tunnel's near end; without them the endpoint's own are taken.
    """
    name = host or endpoint.host
    shown = f"[{name}]" if ":" in name else name
    return with_token(f"http://{shown}:{port or endpoint.port}/", endpoint.token)


def with_token(address: str, token: Secret | None) -> Secret:
    """The link to a page at this address."""
    return Secret(f"{address}#token={quote(token.reveal(), safe='-._~')}" if token else address)


def private_folder(environment: Mapping[str, str], state_dir: Path) -> Path:
    """A folder of ours with mode 0700: in XDG_RUNTIME_DIR (gone after the login) if usable, else in `state_dir`.

    Raises:
        VdictlError: the folder belongs to somebody else. Unavailable: it cannot be made.
    """
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    bases = [Path(runtime)] if Path(runtime).is_absolute() and os.access(runtime, os.W_OK | os.X_OK) else []
    for base in (*bases, state_dir):
        folder = base / "vdictl"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_private(folder)
        except OSError as error:
            reason = error
        else:
            return folder
    raise Unavailable("The folder for private files cannot be made.", details=str(reason))


def _make_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise VdictlError(f"{folder} is not a folder of yours.", advice="Remove it, and try again.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def write(url: Secret, folder: Path, *, keep: float = 60.0) -> Path:
    """Write the file that sends a browser to `url`; it is removed soon after it was read, or after `keep` seconds.

    The removing is done by a small process of its own, so that it also happens when this program has ended; `sweep`
    at the next run takes what even that left behind.
    """
    sweep(folder, older=keep + 10)
    path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
    private_file(path, _html(url.reveal()).encode())
    forget_later(path, keep=keep)
    return path


def private_file(path: Path, content: bytes) -> None:
    """Make a new file with mode 0600; never one that is there, never through a link."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written.", details=str(error)) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def forget_later(path: Path, *, keep: float) -> None:
    """Start the process that removes the file."""
    with suppress(OSError):  # the next run sweeps
        # No `with`, no `wait`: it outlives us on purpose. Detached twice, so that nobody has to collect it.
        subprocess.run(
            [sys.executable, "-I", "-S", forget.__file__, str(path), f"{keep:g}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )


def sweep(folder: Path, *, older: float = 0.0) -> int:
    """Remove the files of earlier runs that are older than so many seconds. Gives their number back."""
    count = 0
    for path in (path for pattern in _OURS for path in folder.glob(pattern)):
        with suppress(OSError):
            if path.lstat().st_mtime <= time.time() - older:
                path.unlink()
                count += 1
    return count


def _html(url: str) -> str:
    """A page that goes on at once, with a link for browsers that want a click. Nothing is loaded from anywhere."""
    link = escape(url, quote=True)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={link}"><title>Opening the desktop</title>'
        f'<body style="font:16px system-ui;margin:4em"><p><a rel="noreferrer" href="{link}">Open the desktop</a></p>'
        "</body></html>\n"
    )
