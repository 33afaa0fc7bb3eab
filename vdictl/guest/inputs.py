"""What the creating machine hands to a desktop over `vdictl-guest receive`: environment, setup, repositories."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def payload(
    *, env: Mapping[str, str], setup: str | None = None, git: str | None = None, dotfiles: str | None = None
) -> tuple[bytes, str]:
    """The bytes for `vdictl-guest receive`'s standard input, and their hash for `VDICTL_INPUTS`.

    The hash is salted with nothing: it goes only where the desktop itself is, and a caller that shows it elsewhere
    passes one of its own instead (the guest compares hashes, it does not compute them).
    Raises `ValueError` for a name that no environment variable can have, or a value with a NUL.
    """
    for name, value in env.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"not the name of an environment variable: {name!r}")
        if "\0" in value:
            raise ValueError(f"the value of {name} holds a NUL character")
    body = {"env": dict(env), "setup": setup, "git": git, "dotfiles": dotfiles}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({**body, "hash": digest}).encode() + b"\n", digest
