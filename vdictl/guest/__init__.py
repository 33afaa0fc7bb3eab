"""What runs inside a desktop, once for all providers: image, supervisor, page, probes. README.md is its contract."""

from vdictl.guest.context import BASE, REPOSITORY, BuildContext, context
from vdictl.guest.flavors import DEFAULT_FLAVOR, FLAVORS, Flavor
from vdictl.guest.inputs import payload
from vdictl.guest.paths import COMMAND, HOME, PAGE_PORT, RFB_SOCKET, RUN_DIR, STATE_DIR, USER, USER_UID, VERSION

__all__ = [
    "BASE",
    "COMMAND",
    "DEFAULT_FLAVOR",
    "FLAVORS",
    "HOME",
    "PAGE_PORT",
    "REPOSITORY",
    "RFB_SOCKET",
    "RUN_DIR",
    "STATE_DIR",
    "USER",
    "USER_UID",
    "VERSION",
    "BuildContext",
    "Flavor",
    "context",
    "payload",
]
