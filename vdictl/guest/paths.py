"""Where things are inside a desktop: the names that the host's side may rely on."""

from __future__ import annotations

from typing import Final

#: Version of this contract. It rises when a command, a file or a field of the probe changes its meaning.
VERSION: Final = "1"

COMMAND: Final = "vdictl-guest"  #: the one program inside, on PATH
PAGE_PORT: Final = 6080  #: TCP, the gate and the page
RFB_SOCKET: Final = "/run/vdictl/rfb.sock"  #: VNC with a password; reached by `vdictl-guest rfb`
RUN_DIR: Final = "/run/vdictl"  #: 0700, on tmpfs, gone with every stop
STATE_DIR: Final = "/var/lib/vdictl"  #: 0700, a volume: access, delivered inputs, expiry, first boot's log
HOME: Final = "/home/user"  #: a volume
USER: Final = "user"
USER_UID: Final = 1000
