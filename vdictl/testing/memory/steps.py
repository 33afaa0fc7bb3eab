"""The steps of each operation. Each looks at what is there and makes one change: so a kill between two does no harm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict
from vdictl.contract.model import Mark, Operation
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.cloud import CloudError, Raw

EPHEMERAL: Final = "ephemeral"


def volumes(api: Api) -> list[Raw]:
    """All disks of the account, every page."""
    found: list[Raw] = []
    cursor: int | None = 0
    while cursor is not None:
        page, cursor = api.volumes(cursor)
        found += page
    return found


def snapshots(api: Api) -> list[Raw]:
    """All snapshots of the account, every page."""
    found: list[Raw] = []
    cursor: int | None = 0
    while cursor is not None:
        page, cursor = api.snapshots(cursor)
        found += page
    return found


def home_of(api: Api, mark: Mark, name: str) -> Raw | None:
    """The home of this name, if it is there."""
    for each in volumes(api):
        if (each["fleet"], each["owner"], each["name"], each["role"]) == (mark.fleet, mark.owner, name, "home"):
            return each
    return None


def _create(api: Api, machine: Raw, mark: Mark, operation: Operation) -> None:
    """Image, disk, attach, start."""
    image = api.build_image(machine["image"])
    if not image["ready"]:
        return
    if machine["volume"] or machine["home"] == "none":
        api.start_machine(machine, operation.token)
        return
    volume = _disk(api, machine, mark)
    if volume is not None:
        api.attach(machine, volume["id"])


def _disk(api: Api, machine: Raw, mark: Mark) -> Raw | None:
    """The disk to attach; `None`: it was made in this step."""
    home = machine["home"]
    if home == EPHEMERAL:
        known = next((each for each in volumes(api) if (each["desktop"], each["role"]) == (mark.key, EPHEMERAL)), None)
    else:
        known = home_of(api, mark, home)
    if known is None:
        api.create_volume(
            request=f"{mark.key}-home",
            source=mark.spec.from_snapshot or "",
            machine=machine,
            name=mark.name if home == EPHEMERAL else home,
            fleet=mark.fleet,
            owner=mark.owner,
            desktop=mark.key,
            role=EPHEMERAL if home == EPHEMERAL else "home",
        )
    return known


def _start(api: Api, machine: Raw, _: Mark, operation: Operation) -> None:
    api.start_machine(machine, operation.token)


def _stop(api: Api, machine: Raw, _: Mark, operation: Operation) -> None:
    api.stop_machine(machine, operation.token)


def _resize(api: Api, machine: Raw, _: Mark, operation: Operation) -> None:
    api.resize_machine(machine, operation.token, operation.arguments["plan"])


def _snapshot(api: Api, machine: Raw, mark: Mark, operation: Operation) -> None:
    name = operation.arguments["name"]
    api.create_snapshot(
        machine, request=operation.token, name=name, label=machine["label"], image=machine["image"], desktop=mark.key
    )


def _restore(api: Api, machine: Raw, mark: Mark, operation: Operation) -> None:
    """Copy into a new disk named by the token, put it in the old one's place, remove the old one, note the end."""
    mine = [each for each in volumes(api) if each["desktop"] == mark.key or each["machine"] == machine["id"]]
    incoming = next((each for each in mine if each["request"] == operation.token), None)
    outgoing = next((each for each in mine if each["role"] == "outgoing"), None)
    if incoming is None:
        api.create_volume(
            request=operation.token,
            source=operation.arguments["snapshot"],
            machine=machine,
            name=f"{mark.name}-incoming",
            fleet=mark.fleet,
            owner=mark.owner,
            desktop=mark.key,
            role="incoming",
        )
    elif incoming["role"] == "incoming":
        api.swap(machine, incoming["id"])
    elif outgoing is not None:
        api.delete_volume(outgoing["id"])
    else:
        api.finish(machine, operation.token)


def _attach(api: Api, machine: Raw, mark: Mark, operation: Operation) -> None:
    """One call, which notes the token. Somebody else was quicker, or the disk is gone: all is as it was before."""
    asked = operation.arguments
    try:
        api.attach(machine, asked["volume"], request=operation.token, home=asked["home"])
    except CloudError as error:
        if error.code not in {"attached", "volume"}:
            raise
        before = replace(mark, operation=None, spec=replace(mark.spec, home=asked["before"] or None))
        api.label_machine(machine, label=marks.encode(before))
        raise Conflict(f"The home {asked['home']} was taken by somebody else.", details=str(error)) from error


def _detach(api: Api, machine: Raw, _: Mark, operation: Operation) -> None:
    api.detach(machine, request=operation.token, home="none")


def _delete(api: Api, machine: Raw, mark: Mark, operation: Operation) -> None:
    """Detach, what goes with it, and last the machine, which bears the mark."""
    if machine["volume"]:
        api.detach(machine)
        return
    also = set(operation.arguments.get("also", "").split(","))
    for volume in volumes(api):
        if _goes(volume, machine, mark, "homes" in also):
            api.delete_volume(volume["id"])
            return
    for snapshot in snapshots(api) if "snapshots" in also else ():
        if snapshot["desktop"] == mark.key:
            api.delete_snapshot(snapshot["id"])
            return
    api.delete_machine(machine)


def _goes(volume: Raw, machine: Raw, mark: Mark, homes: bool) -> bool:
    if volume["machine"]:
        return False  # somebody has taken it up
    if volume["role"] != "home":
        return bool(volume["desktop"] == mark.key)
    same = (volume["fleet"], volume["owner"], volume["name"]) == (mark.fleet, mark.owner, machine["home"])
    return homes and same


Step = Callable[[Api, Raw, Mark, Operation], None]
STEPS: Final[Mapping[str, Step]] = {
    "create": _create,
    "start": _start,
    "restart": _start,
    "stop": _stop,
    "resize": _resize,
    "snapshot": _snapshot,
    "restore": _restore,
    "attach": _attach,
    "detach": _detach,
    "delete": _delete,
}


def step(api: Api, machine: Raw, mark: Mark, operation: Operation) -> None:
    """Do the next step of `operation`. Whoever comes second to it does nothing."""
    try:
        STEPS[operation.verb](api, machine, mark, operation)
    except CloudError as error:
        if error.status == 412 or (error.status == 404 and error.code == "volume"):
            return  # somebody else did this step
        if error.status == 404 and error.code == "snapshot" and operation.verb != "delete":
            raise Conflict("The snapshot is gone meanwhile.", details=str(error)) from error
        if error.status == 404 and error.code == "snapshot":
            return
        raise
