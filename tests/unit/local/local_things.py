"""Things an engine might list, made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vdictl.contract import mark as marks
from vdictl.contract.model import DesktopSpec, Mark, Operation, Wish
from vdictl.engine.nouns import Container, State, Volume
from vdictl_local import names
from vdictl_local.names import HomeName, Who

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
WHO = Who("default", "alice", "one")
HOME = HomeName("default", "alice", "one")
KEY = "k1"


def mark(operation: Operation | None = None, *, version: int = 1, who: Who = WHO, key: str = KEY, **spec: Any) -> Mark:
    """A mark of one desktop."""
    asked = DesktopSpec(name=who.name, owner=who.owner, fleet=who.fleet, **spec)
    return Mark(
        key=key, fleet=who.fleet, owner=who.owner, name=who.name, spec=asked, operation=operation, version=version
    )


def operation(verb: str, token: str = "t1", wish: Wish = Wish.PRESENT, **arguments: str) -> Operation:
    """An open operation."""
    return Operation(verb=verb, token=token, wish=wish, arguments=arguments, since=NOON)


def volume(name: str, labels: Mapping[str, str], *, created: datetime = NOON) -> Volume:
    """A volume."""
    return Volume(name=name, labels=dict(labels), created=created)


def claim(what: Mark) -> Volume:
    """The first marker."""
    return record(what, 1)


def record(what: Mark, generation: int) -> Volume:
    """A marker of a generation."""
    who = Who(what.fleet, what.owner, what.name)
    labels = who.labels("mark", what.key) | {
        names.GENERATION: str(generation),
        names.MARK: names.pack(marks.encode(what)),
    }
    name = who.claim if generation == 1 else who.record(what.key, generation)
    return volume(name, labels, created=NOON + timedelta(seconds=generation))


def container(
    what: Mark, state: State = "running", *, started: datetime | None = NOON, exit_code: int | None = None, **more: Any
) -> Container:
    """Its container."""
    who = Who(what.fleet, what.owner, what.name)
    labels = who.labels("desktop", what.key) | {
        names.MARK: names.pack(marks.encode(replace(what, operation=None))),
        names.TOKEN: what.key,
        names.PLAN: "local-1c-2gb",
        names.NETWORK: "loopback",
        names.SYSTEM: "read-only",
        names.LIMITS: "enforced",
    }
    given: dict[str, Any] = {
        "id": "c" * 64,
        "name": who.container,
        "labels": labels,
        "created": NOON,
        "image": "localhost/vdictl/xfce:abc",
        "ports": {6080: 40000},
    }
    return Container(state=state, started=started, exit_code=exit_code, **given | more)


def home(generation: int, *, copy: str = "", name: HomeName = HOME, key: str = KEY) -> Volume:
    """A generation of a home."""
    return volume(name.volume(generation), name.labels(key, generation) | ({names.COPY: copy} if copy else {}))


def done(token: str, who: Who = WHO, key: str = KEY) -> Volume:
    """The done-marker of a copy."""
    return volume(who.done(token), who.labels("done", key) | {names.TOKEN: token})
