"""A simple model of a fleet: what is there after a command, and with which exit code it ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

_KEYS = itertools.count()

DONE, USAGE, MISSING, CONFLICT = 0, 2, 4, 9


@dataclass
class Desk:
    """A desktop."""

    state: str
    plan: str  #: as it was asked, empty: not at all
    home: str
    key: int = field(default_factory=lambda: next(_KEYS))


@dataclass
class Kept:
    """A snapshot."""

    owner: str
    desktop: str
    key: int
    name: str
    plan: str


@dataclass
class Fleet:
    """All that two users have, and what their commands do to it. Each verb gives the exit code."""

    desks: dict[tuple[str, str], Desk] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    homes: set[tuple[str, str]] = field(default_factory=set)

    def after(self, change: Callable[[Fleet], int]) -> tuple[Fleet, int]:
        """The fleet after a change, and its exit code; this one stays as it is."""
        other = deepcopy(self)
        return other, change(other)

    def create(self, owner: str, name: str, plan: str = "", home: str = "") -> int:
        desk = self.desks.get((owner, name))
        if desk is not None:
            if (plan and plan != desk.plan) or (home and home != desk.home):
                return CONFLICT
            desk.state = "running"
            return DONE
        home = home or name
        if any(o == owner and each.home == home for (o, _), each in self.desks.items()):
            return CONFLICT
        self.desks[owner, name] = Desk("running", plan, home)
        self.homes.add((owner, home))
        return DONE

    def power(self, owner: str, name: str, state: str) -> int:
        desk = self.desks.get((owner, name))
        if desk is None:
            return MISSING
        desk.state = state
        return DONE

    def destroy(self, owner: str, names: Sequence[str], *, homes: bool = False, snapshots: bool = False) -> int:
        if any((owner, name) not in self.desks for name in names):
            return MISSING
        gone = [self.desks.pop((owner, name)) for name in names]
        if homes:
            self.homes -= {(owner, desk.home) for desk in gone}
        if snapshots:
            keys = {desk.key for desk in gone}
            self.kept = [each for each in self.kept if each.key not in keys]
        return DONE

    def snapshot(self, owner: str, desktop: str, name: str) -> int:
        desk = self.desks.get((owner, desktop))
        if desk is None:
            return MISSING
        if any((each.key, each.name) == (desk.key, name) for each in self.kept):
            return CONFLICT
        self.kept.append(Kept(owner, desktop, desk.key, name, desk.plan))
        return DONE

    def restore(self, owner: str, desktop: str, name: str) -> int:
        if (owner, desktop) not in self.desks:
            return MISSING
        meant = self._meant(owner, desktop, name)
        return DONE if isinstance(meant, Kept) else meant

    def forget(self, owner: str, desktop: str, name: str) -> int:
        meant = self._meant(owner, desktop, name)
        if not isinstance(meant, Kept):
            return meant
        self.kept.remove(meant)
        return DONE

    def clone(self, owner: str, desktop: str, name: str, new: str) -> int:
        meant = self._meant(owner, desktop, name, living=False)
        if not isinstance(meant, Kept):
            return meant
        if (owner, new) in self.desks:
            return CONFLICT  # another spec: it was not made from this snapshot
        if (owner, new) in self.homes:
            return CONFLICT  # the clone would overwrite a home
        return self.create(owner, new, meant.plan)

    def _meant(self, owner: str, desktop: str, name: str, *, living: bool = True) -> Kept | int:
        found = [each for each in self.kept if (each.owner, each.desktop, each.name) == (owner, desktop, name)]
        desk = self.desks.get((owner, desktop))
        mine = [each for each in found if living and desk is not None and each.key == desk.key]
        found = mine if len(mine) == 1 else found
        if not found:
            return MISSING
        return found[0] if len(found) == 1 else USAGE
