"""What the engine's lists mean: containers and volumes put together as desktops, homes and snapshots. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from vdictl.contract import mark as marks
from vdictl.contract.errors import Invalid
from vdictl.contract.model import DesktopSpec, Mark
from vdictl.engine.nouns import Container, Volume
from vdictl_local import names
from vdictl_local.names import HomeName, Who


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One desktop, as the pieces that are there. `mark` is the newest; `generation` 0: no marker volume is left."""

    who: Who
    key: str
    mark: Mark
    generation: int
    claim: Volume | None = None
    others: Sequence[Volume] = ()  #: claims of the name before, or of the one to come: while a rename is open
    records: Sequence[Volume] = ()  #: later generations of the mark, oldest first
    container: Container | None = None
    helpers: Sequence[Container] = ()
    states: Sequence[Volume] = ()
    sized: Mapping[str, str] = field(default_factory=dict)  #: labels of a size that its container was not made with

    @property
    def home(self) -> HomeName | None:
        """The home that the spec names; `None`: it has none."""
        return home_of(self.mark.spec, self.key)

    @property
    def state(self) -> str:
        """The volume of the guest's private state: called after the name that the desktop had first."""
        return self.states[0].name if self.states else self.who.state(self.key)

    @property
    def created(self) -> datetime:
        """When the desktop was made."""
        if self.claim and (told := self.claim.labels.get(names.CREATED)):
            return datetime.fromisoformat(told)
        thing = self.claim or self.container
        return thing.created if thing else datetime.now(UTC)

    @property
    def is_resized(self) -> bool:
        """Whether its container was made with another size than it is to have."""
        made = self.container.labels if self.container else self.sized
        return any(made.get(label) != text for label, text in self.sized.items())

    def helper(self, token: str) -> Container | None:
        """The helper container of a copy."""
        return next((one for one in self.helpers if one.labels.get(names.TOKEN) == token), None)


@dataclass(frozen=True, slots=True)
class Generation:
    """One volume of a home."""

    volume: Volume
    number: int
    complete: bool  #: False: a copy fills it, or was to

    @property
    def copy(self) -> str:
        """The token of the copy that made it; empty: it was made empty."""
        return self.volume.labels.get(names.COPY, "")


@dataclass(frozen=True, slots=True)
class Home:
    """A home with all its generations, oldest first. The highest complete one is the home's content."""

    name: HomeName
    generations: Sequence[Generation]

    @property
    def current(self) -> Generation | None:
        """The one in use; `None`: there is no whole one yet."""
        return next((one for one in reversed(self.generations) if one.complete), None)

    @property
    def next_number(self) -> int:
        """The number of a new generation."""
        return self.generations[-1].number + 1


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything of a fleet (or of all) at one look."""

    containers: Sequence[Container]
    volumes: Sequence[Volume]
    holdings: Mapping[str, Holding] = field(default_factory=dict)  #: by key

    @classmethod
    def of(cls, containers: Iterable[Container], volumes: Iterable[Volume]) -> World:
        """Sort what was listed; what does not bear our sign, or bears it under another name, is left out."""
        own = [one for one in containers if _genuine(one)]
        kept = [one for one in volumes if one.labels.get(names.SIGN) == "1" and _whole(one.labels)]
        return cls(containers=own, volumes=kept, holdings=_holdings(own, kept))

    @cached_property
    def done(self) -> Mapping[str, Volume]:
        """Done-markers by the token of their copy."""
        return {one.labels[names.TOKEN]: one for one in self.kind("done") if names.TOKEN in one.labels}

    @cached_property
    def homes(self) -> Mapping[HomeName, Home]:
        """All homes, scratch ones too."""
        found: dict[HomeName, list[Generation]] = {}
        for volume in (*self.kind("home"), *self.kind("scratch")):
            labels = volume.labels
            name = HomeName(
                labels[names.FLEET], labels[names.OWNER], labels.get(names.VOLUME, ""), labels[names.KIND] == "scratch"
            )
            number = _number(labels)
            if volume.name == name.volume(number):
                found.setdefault(name, []).append(Generation(volume, number, self.complete(volume)))
        return {name: Home(name, sorted(some, key=lambda one: one.number)) for name, some in found.items()}

    def kind(self, kind: str) -> list[Volume]:
        """The volumes of one kind."""
        return [one for one in self.volumes if one.labels[names.KIND] == kind]

    def complete(self, volume: Volume) -> bool:
        """Whether the copy that fills it, if any, has ended well."""
        token = volume.labels.get(names.COPY)
        return token is None or token in self.done

    def named(self, who: Who) -> Holding | None:
        """The desktop of this name."""
        return next((one for one in self.holdings.values() if one.who == who), None)

    def snapshot(self, id: str) -> Volume | None:
        """A snapshot by its id."""
        return next((one for one in self.kind("snapshot") if one.name == id), None)

    def users(self, home: HomeName) -> list[Holding]:
        """The desktops whose home this is."""
        return [one for one in self.holdings.values() if one.home == home]


def open_tokens(world: World) -> set[str]:
    """Tokens of the operations that are written and not closed."""
    found = (holding.mark.operation for holding in world.holdings.values())
    return {operation.token for operation in found if operation}


def home_of(spec: DesktopSpec, key: str) -> HomeName | None:
    """The home that the spec of a desktop means: by default one named as it; an ephemeral one is called by the key."""
    if spec.home == "none":
        return None
    if spec.home == "ephemeral":
        return HomeName(spec.fleet, spec.owner, names.short(key), scratch=True)
    return HomeName(spec.fleet, spec.owner, spec.home or spec.name)


def who_of(labels: Mapping[str, str]) -> Who:
    """The desktop that labels name."""
    return Who(labels[names.FLEET], labels[names.OWNER], labels.get(names.NAME, ""))


def _whole(labels: Mapping[str, str]) -> bool:
    return all(labels.get(name) for name in (names.KIND, names.KEY, names.FLEET, names.OWNER))


def _genuine(container: Container) -> bool:
    """A desktop's image, committed by hand and run, bears our labels too: but not under a name of ours."""
    labels = container.labels
    if labels.get(names.SIGN) != "1" or not _whole(labels):
        return False
    if labels[names.KIND] == "copy":
        return container.name == who_of(labels).copy(labels.get(names.TOKEN, ""))
    return labels[names.KIND] == "desktop" and _standing(container) is not None


def _standing(container: Container) -> Who | None:
    """Who a container is by the name that it has: after a rename its labels tell the one of before."""
    who = who_of(container.labels)
    name = container.name.removeprefix(f"{who.prefix}-")
    return replace(who, name=name) if name != container.name and marks.NAME.fullmatch(name) else None


def _number(labels: Mapping[str, str]) -> int:
    text = labels.get(names.GENERATION, "")
    return int(text) if text.isdigit() else 0


def _holdings(containers: Sequence[Container], volumes: Sequence[Volume]) -> dict[str, Holding]:
    markers: dict[str, list[Volume]] = {}
    for volume in volumes:
        labels = volume.labels
        if labels[names.KIND] == "mark" and volume.name in _marker_names(labels):
            markers.setdefault(labels[names.KEY], []).append(volume)
    found = {key: _holding(key, own, containers, volumes) for key, own in markers.items() if _says_something(own)}
    for container in containers:
        # Its claim is gone (a prune of unused volumes takes it): it still says who it is.
        key = container.labels[names.KEY]
        if container.labels[names.KIND] == "desktop" and key not in found:
            left = [one for one in markers.get(key, ()) if _number(one.labels)]
            found[key] = _holding(key, left, containers, volumes)
    return found


def _marker_names(labels: Mapping[str, str]) -> tuple[str, str]:
    who = who_of(labels)
    return who.claim, who.record(labels[names.KEY], _number(labels))


def _says_something(markers: Sequence[Volume]) -> bool:
    """Whether a desktop stands behind them: one that only keeps a name for a rename (generation 0) is none."""
    claims = [one for one in markers if one.name == who_of(one.labels).claim]
    return bool(claims) and any(_number(one.labels) for one in markers)


def _holding(
    key: str, markers: Sequence[Volume], containers: Sequence[Container], volumes: Sequence[Volume]
) -> Holding:
    mine = [one for one in containers if one.labels[names.KEY] == key]
    latest = max((one.labels for one in markers), key=_number, default=None)
    known = {who_of(one.labels) for one in markers}
    desktops = [one for one in mine if one.labels[names.KIND] == "desktop"]
    # Of two (somebody runs a copy made by hand) the one under a name that is claimed.
    container = min(desktops, key=lambda one: _standing(one) not in known, default=None)
    if latest is None:
        assert container is not None  # nothing else has led here
        latest = container.labels
    who = who_of(latest) if markers else (container and _standing(container)) or who_of(latest)
    claims = [one for one in markers if one.name == who_of(one.labels).claim]
    return Holding(
        who=who,
        key=key,
        mark=_mark(latest, who, key),
        generation=_number(latest) if markers else 0,
        claim=next((one for one in claims if one.name == who.claim), None),
        others=[one for one in claims if one.name != who.claim],
        records=sorted((one for one in markers if one not in claims), key=lambda one: _number(one.labels)),
        container=container,
        helpers=[one for one in mine if one.labels[names.KIND] == "copy"],
        states=[one for one in volumes if one.labels[names.KEY] == key and one.labels[names.KIND] == "state"],
        sized={label: names.unpack(latest[label]) for label in (names.PLAN, names.SIZE) if markers and label in latest},
    )


def _mark(labels: Mapping[str, str], who: Who, key: str) -> Mark:
    try:
        mark = marks.decode(names.unpack(labels.get(names.MARK, "")))
    except Invalid:
        mark = None
    if mark is not None and (mark.key, Who(mark.fleet, mark.owner, labels.get(names.NAME, ""))) == (
        key,
        who_of(labels),
    ):
        return marks.remarked(mark, name=who.name)  # a container's labels tell the name of before
    # Unreadable: identity is in labels of their own.
    spec = DesktopSpec(name=who.name, owner=who.owner, fleet=who.fleet)
    version = _version(names.unpack(labels.get(names.MARK, "")))
    return Mark(key=key, fleet=who.fleet, owner=who.owner, name=who.name, spec=spec, version=version)


def _version(text: str) -> int:
    """The version that an unreadable mark tells; 0: it tells none."""
    try:
        return int(json.loads(text)["v"])
    except (ValueError, KeyError, TypeError):
        return 0
