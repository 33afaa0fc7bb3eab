"""One verb of the local provider in a process of its own, to be killed: `drive_local.py VERB FLEET STATE_DIR IMAGE`.

It goes as the core does: what is there is joined, what is open is advanced until nothing is.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path

from vdictl.contract.errors import NotFound, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, State, Wish
from vdictl.contract.provider import Settings
from vdictl_local.provider import LocalProvider

ALL = frozenset({"homes", "snapshots"})


def main(verb: str, fleet: str, state_dir: str, image: str) -> None:
    """Do it to the end."""
    settings = Settings(fleet=fleet, state_dir=Path(state_dir), environment=dict(os.environ))
    provider = LocalProvider.open(settings, timeout=60.0)
    spec = DesktopSpec(name="one", owner="alice", fleet=fleet, image=image, memory_mib=256)
    verbs = {"create": create, "destroy": destroy, "snapshot": snapshot, "restore": restore}
    try:
        verbs[verb](provider, spec)
    except VdictlError as error:
        raise SystemExit(f"{type(error).__name__}: {error.brief}\n{error.details}") from error


def create(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl create`."""
    desktop = find(provider)
    if desktop and desktop.operation and desktop.operation.wish is Wish.ABSENT:
        destroy(provider, spec)
        desktop = None
    if desktop is None:
        desktop = provider.create(spec, token=secrets.token_hex(8))
    desktop = settle(provider, desktop)
    if desktop.state is not State.RUNNING:
        settle(provider, provider.start(desktop, token=secrets.token_hex(8)))


def destroy(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl destroy --with-volumes --with-snapshots`."""
    del spec
    desktop = find(provider)
    while desktop is not None and provider.delete(desktop, also=ALL) is not None:
        time.sleep(0.05)
        desktop = find(provider)
    for one in list(provider.snapshots()):
        provider.snapshot_delete(one)
    for home in list(provider.volumes()):
        provider.volume_delete(home)


def snapshot(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl snapshot create one s`."""
    del spec
    desktop = settle(provider, require(provider))
    if not any(one.name == "s" and one.complete for one in provider.snapshots()):
        settle(provider, provider.snapshot_create(desktop, "s", token=secrets.token_hex(8)))


def restore(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl snapshot restore one s`."""
    del spec
    desktop = settle(provider, require(provider))
    taken = next(one for one in provider.snapshots() if one.name == "s")
    settle(provider, provider.snapshot_restore(desktop, taken, token=secrets.token_hex(8)))


def settle(provider: LocalProvider, desktop: Desktop) -> Desktop:
    """Advance until nothing is open."""
    while True:
        desktop = provider.desktop(desktop.key)
        if desktop.operation is None:
            return desktop
        provider.advance(desktop)
        time.sleep(0.05)


def find(provider: LocalProvider) -> Desktop | None:
    """The desktop, if it is there."""
    return next((one for one in provider.desktops() if one.name == "one"), None)


def require(provider: LocalProvider) -> Desktop:
    """The desktop."""
    desktop = find(provider)
    if desktop is None:
        raise NotFound("There is no desktop.")
    return desktop


if __name__ == "__main__":
    main(*sys.argv[1:])
