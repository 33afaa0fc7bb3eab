"""The guest's own timer: told inside while it runs, written into its state while it does not."""

from __future__ import annotations

import io
import tarfile
from datetime import datetime
from typing import Final

from vdictl.engine.errors import NoSuchObject, NotRunning
from vdictl.guest import COMMAND, STATE_DIR, USER_UID
from vdictl_local.errors import changing
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools
from vdictl_local.world import Holding

_FILE: Final = "expires"  #: in the guest's state; see vdictl/guest/README.md


def tell(tools: Tools, holding: Holding) -> None:
    """Move it to the mark's expiry. Without a container there is nobody to tell: a new one is told before it starts."""
    container, expires = holding.container, holding.mark.expires
    if container is None:
        return
    with changing():
        if container.state == "running":
            try:
                tools.engine.run(
                    *("exec", "--user", str(USER_UID), container.id, COMMAND, "expire", _text(expires)), timeout=LONG
                )
            except NotRunning:
                pass  # it has ended meanwhile
            else:
                return
        try:
            write(tools, container.id, expires)
        except NoSuchObject:
            return


def write(tools: Tools, container: str, expires: datetime | None) -> None:
    """Put it into the state of a container that does not run."""
    tools.engine.run("cp", "-", f"{container}:{STATE_DIR}/", input=_archive(f"{_text(expires)}\n"), timeout=LONG)


def _text(expires: datetime | None) -> str:
    return str(int(expires.timestamp())) if expires else "never"


def _archive(text: str) -> bytes:
    """A tar archive of the one file, the guest's own."""
    data, packed = text.encode(), io.BytesIO()
    entry = tarfile.TarInfo(_FILE)
    entry.size, entry.mode, entry.uid, entry.gid = len(data), 0o600, USER_UID, USER_UID
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
