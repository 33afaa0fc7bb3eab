"""One verb of the local provider in a process of its own, to be killed: `drive_local.py VERB FLEET STATE_DIR IMAGE`.

It goes as the core does: what is there is joined, what is open is advanced until nothing is.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vdictl.contract.errors import NotFound, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, State, Wish
from vdictl.contract.provider import Settings
from vdictl_local.provider import LocalProvider

ALL = frozenset({"homes", "snapshots"})
NEW = "new"  #: what a rename calls it
END = datetime(2099, 1, 31, 18, tzinfo=UTC)
RESIZED_MIB = 300


def main(verb: str, fleet: str, state_dir: str, image: str) -> None:
    """Do it to the end."""
    chosen = {"engine": os.environ["VDICTL_ENGINE"]} if os.environ.get("VDICTL_ENGINE") else {}
    settings = Settings(fleet=fleet, values=chosen, state_dir=Path(state_dir), environment=dict(os.environ))
    provider = LocalProvider.open(settings, timeout=60.0)
    spec = DesktopSpec(name="one", owner="alice", fleet=fleet, image=image, memory_mib=256)
    verbs = {
        "create": create,
        "destroy": destroy,
        "snapshot": snapshot,
        "restore": restore,
        "remark": remark,
        "extend": extend,
        "start": start,
        "resize": resize,
    }
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
    while there := list(provider.desktops()):
        for desktop in there:
            provider.delete(desktop, also=ALL)
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


def remark(provider: LocalProvider, spec: DesktopSpec) -> None:
    """A rename with a label and another end: as `vdictl apply` may do it. Twice is fine."""
    del spec
    desktop = settle(provider, find(provider) or require(provider, NEW))
    changes: dict[str, Any] = {"name": NEW, "labels": {"n": "1"}, "expires": END}
    settle(provider, provider.remark(desktop, token=secrets.token_hex(8), **changes))


def extend(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl extend one --until ...`."""
    del spec
    settle(provider, provider.remark(settle(provider, require(provider)), token=secrets.token_hex(8), expires=END))


def start(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl start one`."""
    del spec
    settle(provider, provider.start(settle(provider, require(provider)), token=secrets.token_hex(8)))


def resize(provider: LocalProvider, spec: DesktopSpec) -> None:
    """As `vdictl resize one --memory 300m`."""
    desktop = settle(provider, require(provider))
    settle(provider, provider.resize(desktop, replace(spec, memory_mib=RESIZED_MIB), token=secrets.token_hex(8)))


def settle(provider: LocalProvider, desktop: Desktop) -> Desktop:
    """Advance until nothing is open."""
    while True:
        desktop = provider.desktop(desktop.key)
        if desktop.operation is None:
            return desktop
        provider.advance(desktop)
        time.sleep(0.05)


def find(provider: LocalProvider, name: str = "one") -> Desktop | None:
    """The desktop, if it is there."""
    return next((one for one in provider.desktops() if one.name == name), None)


def require(provider: LocalProvider, name: str = "one") -> Desktop:
    """The desktop."""
    desktop = find(provider, name)
    if desktop is None:
        raise NotFound("There is no desktop.")
    return desktop


if __name__ == "__main__":
    main(*sys.argv[1:])
