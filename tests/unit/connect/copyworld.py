"""What the tests of copying share: hard names, a hard folder, and how two folders are compared."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from vdictl.connect import copy_scripts, copying
from vdictl.contract.model import Command

NASTY = [
    b"plain",
    b"with space",
    b"-rf",
    b"--checkpoint-action=exec=sh",
    b"new\nline",
    b"tail\n",
    b"tab\tquote'\"$(id)`id`\\0101%b%s",
    "żółć 🖥 日本".encode(),
    b"\xff\xfe not utf-8 \x80",
    b"n" * 255,
    b".hidden",
    b"*",
    b"\x01\x7f",
]


def tree(path: Path) -> dict[bytes, tuple[str, int, bytes]]:
    """Everything below: kind, mode and content (or target)."""
    found = {}
    for full in path.rglob("*"):
        relative, mode = os.fsencode(full.relative_to(path)), stat.S_IMODE(full.lstat().st_mode)
        if full.is_symlink():
            found[relative] = ("link", 0, os.fsencode(full.readlink()))
        elif full.is_dir():
            found[relative] = ("folder", mode, b"")
        else:
            found[relative] = ("file", mode, full.read_bytes())
    return found


def names(folder: Path) -> list[bytes]:
    return [os.fsencode(path.name) for path in folder.iterdir()]


def plant(root: Path) -> Path:
    """A folder with everything that is hard to copy and may be copied."""
    top = root / "top"
    (top / "sub" / "empty").mkdir(parents=True)
    for number, name in enumerate(NASTY):
        path = top / os.fsdecode(name)
        path.write_bytes(name * number)
        path.chmod((0o600, 0o755, 0o444, 0o640)[number % 4])
    (top / "sub" / "link").symlink_to("../plain")
    (top / "sub" / "dangling").symlink_to("nowhere")
    os.link(top / "plain", top / "sub" / "same")
    (top / "sub" / "locked").mkdir()
    (top / "sub" / "locked" / "inside").write_text("x")
    (top / "sub" / "locked").chmod(0o555)
    os.utime(top / "plain", (1_000_000_000, 1_000_000_000))
    return top


def leftovers(*roots: Path) -> list[Path]:
    return [path for root in roots for path in root.rglob(f"{copy_scripts.TEMPORARY}*")]


def as_nobody(home: Path) -> copying.Exec:
    """The desktop's `exec` as a user who is not root."""
    if os.getuid() != 0:
        return lambda argv: Command(argv=("env", "-C", str(home), *argv))
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    return lambda argv: Command(argv=("env", "-C", str(home), *drop, *argv))


class Cut(io.RawIOBase):
    """Gives some bytes and then breaks, as a person's Ctrl-C does."""

    def __init__(self, size: int, error: BaseException) -> None:
        super().__init__()
        self.left, self.error = size, error

    def read(self, size: int = -1) -> bytes:
        if self.left <= 0:
            raise self.error
        self.left -= size
        return b"x" * size
