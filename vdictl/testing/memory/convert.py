"""The cloud's dicts -> our nouns. Pure: no call, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from vdictl.contract import mark as marks
from vdictl.contract.errors import Invalid
from vdictl.contract.model import (
    Desktop,
    Image,
    Machine,
    Mark,
    Operation,
    Plan,
    Price,
    Region,
    Snapshot,
    State,
    Stray,
    Volume,
    Wish,
    Work,
)
from vdictl.testing.memory import offer
from vdictl.testing.memory.cloud import Raw

NAME = "memory"
_STATES = {
    "booting": State.STARTING,
    "on": State.RUNNING,
    "stopping": State.STOPPING,
    "off": State.STOPPED,
    "deleting": State.DELETING,
    "gone": State.DELETING,
}

_DOING = {
    "start": "booting",
    "restart": "booting",
    "stop": "shutting down",
    "resize": "changing its size",
    "snapshot": "copying its disk",
    "restore": "copying the snapshot back",
    "attach": "giving it another home",
    "detach": "taking its home away",
    "delete": "removing it",
}


def mark_of(machine: Raw) -> Mark | None:
    """The mark that the machine bears; `None`: it is not ours, whatever it is called."""
    try:
        return marks.decode(machine["label"])
    except Invalid:
        return None


def open_operation(machine: Raw, mark: Mark) -> Operation | None:
    """What remains to be done. An operation is over once the cloud has done its token and its task has ended."""
    operation = mark.operation
    if operation is None or operation.wish is Wish.ABSENT:
        return operation
    running = machine["task"] is not None and machine["task"]["request"] == operation.token
    return operation if running or operation.token not in machine["done"] else None


def due(machine: Raw, mark: Mark, images: Sequence[Raw] = ()) -> bool:
    """Would `advance` do something now? Not while a task of the cloud goes on, nor to a newer mark."""
    if mark.version > marks.VERSION or machine["gone"] is not None:
        return False
    building = any(image["id"] == machine["image"] and image["until"] for image in images)
    return open_operation(machine, mark) is not None and machine["task"] is None and not building


def desktop(machine: Raw, mark: Mark, images: Sequence[Raw] = ()) -> Desktop:
    """A machine of ours as a desktop."""
    operation = open_operation(machine, mark)
    return Desktop(
        key=mark.key,
        id=machine["id"],
        provider=NAME,
        fleet=mark.fleet,
        owner=mark.owner,
        name=mark.name,
        state=_state(machine, operation),
        created=moment(machine["created"]),
        spec=mark.spec,
        operation=operation,
        due=due(machine, mark, images),
        doing=_doing(machine, operation, images),
        reason=_reason(machine, operation, images),
        labels=mark.labels,
        expires=mark.expires,
        plan=machine["plan"],
        region=machine["region"],
        image=machine["image"],
        home=machine["home"],
        price=price(machine["plan"]),
        engine=mark.engine,
        mark_version=mark.version,
        missing=() if machine["delivered"] else _waited_for(mark),
        facts={"cloud": "in memory"},
    )


def machine(raw: Raw) -> Machine:
    """A machine of somebody else."""
    return Machine(
        id=raw["id"],
        name=raw["name"],
        state=_STATES.get(raw["status"], State.UNKNOWN),
        created=moment(raw["created"]),
        plan=raw["plan"],
        region=raw["region"],
        image=raw["image"],
        price=price(raw["plan"]),
    )


def _waited_for(mark: Mark) -> tuple[str, ...]:
    spec = mark.spec
    return (*sorted(spec.inputs), *(["git"] if spec.git else []), *(["dotfiles"] if spec.dotfiles else []))


def _state(machine: Raw, operation: Operation | None) -> State:
    if operation is not None and operation.wish is Wish.ABSENT:
        return State.DELETING
    if operation is not None and operation.verb == "create":
        return State.PENDING
    return _STATES.get(machine["status"], State.UNKNOWN)


def _doing(machine: Raw, operation: Operation | None, images: Sequence[Raw]) -> str:
    if operation is None:
        return ""
    if any(image["id"] == machine["image"] and image["until"] for image in images):
        return f"building image {machine['image']}"
    if operation.verb == "create":
        return "booting" if machine["status"] == "booting" else "preparing its disk"
    return _DOING.get(operation.verb, operation.verb)


def _reason(machine: Raw, operation: Operation | None, images: Sequence[Raw]) -> str:
    failed = any(image["id"] == machine["image"] and image["failed"] for image in images)
    return f"the build of image {machine['image']} failed" if operation and failed else ""


def moment(seconds: float) -> datetime:
    """Epoch seconds as an aware UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


def price(plan: str) -> Price | None:
    """What a plan costs."""
    found = next((each for each in offer.PLANS if each["id"] == plan), None)
    return Price(amount=Decimal(str(found["price"])), currency="EUR") if found else None


def plan(raw: dict[str, Any]) -> Plan:
    """A plan."""
    return Plan(
        id=raw["id"],
        cpus=float(raw["cpus"]),
        memory_mib=raw["memory_mib"],
        disk_gib=raw["disk_gib"],
        gpu=raw.get("gpu", 0),
        gpu_model="Memory 1" if raw.get("gpu") else "",
        family="memory",
        price=price(raw["id"]),
        regions=tuple(region["id"] for region in offer.REGIONS),
        available=raw["stock"],
    )


def region(raw: dict[str, Any]) -> Region:
    """A region."""
    return Region(id=raw["id"], name=raw["name"], country=raw["country"], available=True)


def image(raw: Raw, *, used: bool = False) -> Image:
    """An image."""
    note = "its build failed" if raw["failed"] else ("" if raw["ready"] else "built on first use")
    kind = "flavor" if raw["id"] in offer.NAMES else "custom"
    return Image(id=raw["id"], name=raw["id"], kind=kind, ready=raw["ready"], size_bytes=5 << 20, note=note, used=used)


def work(raw: Raw) -> Work:
    """The build of an image."""
    doing = f"building {raw['id']}" if raw["until"] else ""
    reason = f"the build of image {raw['id']} failed" if raw["failed"] else ""
    return Work(
        id=raw["id"], done=raw["ready"], failed=raw["failed"], doing=doing, progress=float(raw["ready"]), reason=reason
    )


def volume(raw: Raw, keys: dict[str, str]) -> Volume:
    """A home. `keys`: machine -> key of the desktop."""
    return Volume(
        id=raw["id"],
        name=raw["name"],
        provider=NAME,
        fleet=raw["fleet"],
        owner=raw["owner"],
        created=moment(raw["created"]),
        attached_to=keys.get(raw["machine"], ""),
        size_bytes=raw.get("gib", 1) << 30,
        region=raw.get("region", "here"),
        price=Price(amount=Decimal("0.001") * raw.get("gib", 1), currency="EUR"),
    )


def snapshot(raw: Raw) -> Snapshot:
    """A snapshot; the mark that it bears is its desktop's at the time."""
    mark = marks.decode(raw["label"])
    return Snapshot(
        id=raw["id"],
        name=raw["name"],
        provider=NAME,
        fleet=mark.fleet,
        owner=mark.owner,
        desktop_key=mark.key,
        desktop_name=mark.name,
        created=moment(raw["created"]),
        complete=raw["ready"],
        size_bytes=raw["bytes"],
        image=raw["image"],
        spec=mark.spec,
        price=Price(amount=Decimal("0.0005"), currency="EUR"),
    )


def stray(raw: Raw) -> Stray:
    """A disk that has lost its desktop."""
    return Stray(
        id=raw["id"],
        kind="volume",
        name=raw["name"],
        fleet=raw["fleet"],
        owner=raw["owner"],
        created=moment(raw["created"]),
        price=Price(amount=Decimal("0.001"), currency="EUR"),
        why=f"its desktop {raw['desktop']} is gone ({raw['role']})",
    )


def derived(flavor: str, packages: Sequence[str]) -> str:
    """The name of the image that is `flavor` with `packages`."""
    if not packages:
        return flavor
    return f"{flavor}-{hashlib.sha256(' '.join(sorted(packages)).encode()).hexdigest()[:12]}"
