"""From what is there to the contract's nouns: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Invalid
from vdictl.contract.model import NOTHING, Desktop, Operation, Snapshot, State, Volume, Wish
from vdictl.engine.nouns import Container
from vdictl.engine.nouns import Volume as EngineVolume
from vdictl.guest import DEFAULT_FLAVOR
from vdictl_local import names
from vdictl_local.errors import PROVIDER
from vdictl_local.world import Holding, Home, World

LOST: Final = "its container was removed by somebody else; `start` makes it anew"
PAUSED: Final = "somebody paused its container"
DONE: Final = "done"  #: argument of an operation that is over; its token is kept
_STATES: Final[Mapping[str, State]] = {
    "created": State.STOPPED,
    "running": State.RUNNING,
    "restarting": State.STARTING,
    "stopping": State.STOPPING,
    "exited": State.STOPPED,
    "removing": State.STOPPING,
}
#: Exit codes of an orderly end: by itself, or by Ctrl-C, KILL and TERM.
_ORDERLY: Final = frozenset({0, 130, 137, 143})
_DOING: Final[Mapping[str, str]] = {
    "create": "making it",
    "start": "starting",
    "stop": "stopping",
    "restart": "restarting",
    "snapshot": "copying the home into the snapshot",
    "restore": "copying the snapshot into a new home",
    "attach": "giving it another home",
    "detach": "taking its home away",
    "delete": "taking it away",
    "remark": "rewriting its mark",
    "resize": "changing its limits",
}


def desktop(holding: Holding, *, doing: str = "", progress: float | None = None) -> Desktop:
    """A desktop as it is now. `doing` and `progress`: what is known better than by the lists (an image build)."""
    mark, container = holding.mark, holding.container
    operation = open_operation(holding)
    labels = {**(container.labels if container else NOTHING), **holding.sized}
    state, reason = _state(holding, operation)
    return Desktop(
        key=holding.key,
        id=container.name if container else holding.who.container,
        provider=PROVIDER,
        fleet=holding.who.fleet,
        owner=holding.who.owner,
        name=holding.who.name,
        state=state,
        created=holding.created,
        spec=mark.spec,
        operation=operation,
        due=operation is not None and mark.version <= marks.VERSION and not _copies(holding, operation),
        doing=doing or _doing(operation, container),
        progress=progress,
        reason=reason,
        labels=mark.labels,
        expires=mark.expires,
        plan=labels.get(names.PLAN, "") or mark.spec.plan or "",
        image=mark.spec.image or mark.spec.flavor or DEFAULT_FLAVOR,
        address=_address(container),
        home=_home(holding),
        engine=mark.engine,
        mark_version=mark.version,
        facts=facts(labels),
    )


def open_operation(holding: Holding) -> Operation | None:
    """The operation in the mark, unless what is there shows that it is done."""
    operation, container = holding.mark.operation, holding.container
    if operation is None or operation.arguments.get(DONE):
        return None
    if operation.verb not in {"start", "stop", "restart"}:
        return operation
    if container is None:
        # Its container was there when this began: an outsider took it, and that stays so. Else it is to be made anew.
        return None if operation.arguments.get("container") else operation
    if operation.arguments.get("container") not in {"", None, container.id}:
        return None
    restarted = started(container) != operation.arguments.get("started", "")
    running = container.state in {"running", "paused", "restarting"}
    done = {"start": running or restarted, "stop": not running or restarted, "restart": restarted}
    if operation.verb == "stop" and container.state == "stopping":
        return operation
    if operation.verb != "stop" and holding.is_resized:
        return operation  # it has its size only once that was applied to what runs
    return None if done[operation.verb] else operation


def _copies(holding: Holding, operation: Operation) -> bool:
    """Whether a create waits for the copy of a home, which goes on by itself."""
    helper = holding.helper(operation.token) if operation.verb == "create" else None
    return helper is not None and helper.state == "running"


def started(container: Container | None) -> str:
    """When it was last started, as text to compare; empty: never."""
    return container.started.isoformat() if container and container.started else ""


def far(desktop: Desktop, place: str) -> Desktop:
    """A desktop as it is seen from another machine than the one it runs on."""
    facts = {**desktop.facts, "machine": place}
    if desktop.facts.get("network") == _LOOPBACK:
        facts["network"] = f"the loopback of {place}: from here the page is reached through the engine"
    return replace(desktop, address="", facts=facts)


_LOOPBACK = "this machine's loopback only"


def facts(labels: Mapping[str, str]) -> dict[str, str]:
    """What is worth showing besides: size, and what this host or `--sudo` takes away from the isolation."""
    found: dict[str, str] = {}
    if size := labels.get(names.SIZE):
        found["size"] = size
    if labels.get(names.NETWORK) == "none":
        found["network"] = "none: this host gives rootless containers no port; the page is reached through the engine"
    elif names.NETWORK in labels:
        found["network"] = _LOOPBACK
    if labels.get(names.SYSTEM) == "writable":
        found["system"] = "writable, with root inside (--sudo): the engine's default isolation, not the strict one"
    elif names.SYSTEM in labels:
        found["system"] = "read-only, no capabilities, no new privileges"
    if labels.get(names.LIMITS) == "ignored":
        found["limits"] = "memory, cpu and processes are not limited: this host does not enforce it"
    return found


def snapshot(world: World, volume: EngineVolume) -> Snapshot:
    """A snapshot from its volume."""
    labels = volume.labels
    living = world.holdings.get(labels[names.KEY])
    try:
        spec = marks.decode(names.unpack(labels.get(names.MARK, ""))).spec
    except Invalid:
        spec = None
    return Snapshot(
        id=volume.name,
        name=labels.get(names.SNAPSHOT, ""),
        provider=PROVIDER,
        fleet=labels[names.FLEET],
        owner=labels[names.OWNER],
        desktop_key=labels[names.KEY],
        desktop_name=living.who.name if living else labels.get(names.NAME, ""),
        created=volume.created,
        complete=world.complete(volume),
        image=labels.get(names.IMAGE, ""),
        spec=spec,
    )


def home(world: World, found: Home) -> Volume | None:
    """A home; `None` while it has no whole generation, or goes with its desktop."""
    if found.current is None or found.name.scratch:
        return None
    users = world.users(found.name)
    return Volume(
        id=found.name.id,
        name=found.name.name,
        provider=PROVIDER,
        fleet=found.name.fleet,
        owner=found.name.owner,
        created=found.generations[0].volume.created,
        attached_to=users[0].key if users else "",
    )


def _doing(operation: Operation | None, container: Container | None) -> str:
    if operation is None:
        return ""
    paused = operation.verb == "snapshot" and container is not None and container.state == "paused"
    return _DOING.get(operation.verb, operation.verb) + ("; the desktop is paused meanwhile" if paused else "")


def _state(holding: Holding, operation: Operation | None) -> tuple[State, str]:
    container, verb = holding.container, operation.verb if operation else ""
    if operation and operation.wish is Wish.ABSENT:
        return State.DELETING, ""
    if holding.mark.version == 0:
        return State.UNKNOWN, "its mark cannot be read"
    if container is None:
        return _without_container(verb)
    if container.state == "paused":
        return (State.RUNNING, "") if verb in {"snapshot", "restore"} else (State.UNKNOWN, PAUSED)
    if verb == "create" and container.state == "created":
        return State.PENDING, ""
    if verb in {"start", "restart"}:
        return State.STARTING, ""
    if verb == "stop":
        return State.STOPPING, ""
    if container.state == "exited" and container.exit_code not in _ORDERLY and container.exit_code is not None:
        return State.FAILED, f"it ended by itself with exit code {container.exit_code}"
    state = _STATES.get(container.state, State.UNKNOWN)
    return state, f"its container is {container.state}" if state is State.UNKNOWN else ""


def _without_container(verb: str) -> tuple[State, str]:
    if verb == "create":
        return State.PENDING, ""
    if verb in {"start", "restart", "restore"}:
        return State.STARTING, ""
    if verb in {"attach", "detach"}:
        return State.STOPPED, ""
    return State.FAILED, LOST


def _address(container: Container | None) -> str:
    port = next(iter(container.ports.values()), 0) if container else 0
    return f"127.0.0.1:{port}" if port else ""


def _home(holding: Holding) -> str:
    name = holding.home
    if name is None:
        return "none"
    return "ephemeral" if name.scratch else name.name
