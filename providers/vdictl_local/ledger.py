"""Reads the world and rewrites marks. Labels can't change, so a change is a new marker volume: a compare-and-set.

The claim (first marker) is made by name, so one of two creates wins; it stays as long as the desktop. A change makes
the next generation, by name again, then drops those before its predecessor (a reader whose list of names is older than
its look at them still finds one). Who comes late may re-make a number that has come and gone: therefore one looks
after writing, and takes one's own record back if the predecessor is not there or a successor is.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Busy, Conflict
from vdictl.contract.model import Mark, Operation
from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineError, NameTaken, NoSuchObject
from vdictl.engine.objects import inspect_volume, snapshot_of_everything
from vdictl_local import names
from vdictl_local.errors import PROVIDER, changing, whole
from vdictl_local.names import Who
from vdictl_local.world import Holding, World

LONG: Final = 180.0  # seconds for calls that move things: a loaded machine takes long, and cutting one helps nobody
_OLD_RECORDS: Final = 4  #: outdated marks are removed so many at a time: a call of the engine for each would be felt


@dataclass(frozen=True, slots=True)
class Ledger:
    """The marks of one fleet (`None`: of all)."""

    engine: Engine
    fleet: str | None

    def read(self) -> World:
        """Everything of ours, in two calls made at the same time."""
        label = f"{names.SIGN}=1" if self.fleet is None else f"{names.FLEET}={self.fleet}"
        return World.of(*whole(lambda: snapshot_of_everything(self.engine, label)))

    def claim(self, mark: Mark) -> World:
        """Take the name for a new desktop, and read again.

        Raises:
            Conflict: somebody has it, or was quicker; `details` holds the key.
        """
        who = Who(mark.fleet, mark.owner, mark.name)
        nonce = self._put(who.claim, self._labels(who, mark, 1))
        world = self.read()
        holding = world.named(who)
        if nonce is None or holding is None or holding.claim is None or not _bears(holding.claim.labels, nonce):
            raise self._taken(who, holding)
        return world

    def reserve(self, holding: Holding, who: Who) -> bool:
        """Take a second name for a desktop; whether it has it now. The name alone: no mark is in the volume.

        Raises:
            Busy: the desktop was changed meanwhile; the name was let go.
        """
        labels = who.labels("mark", holding.key) | {
            names.GENERATION: "0",
            names.CREATED: holding.created.isoformat(),
        }
        nonce = self._put(who.claim, labels)
        now = self.read().holdings.get(holding.key)
        ours = bool(now and who.claim in {one.name for one in now.others})
        if not now or now.generation != holding.generation:
            if nonce is not None:
                self._take_back(who.claim, nonce)
            raise _changed(holding.who)
        return ours

    def rewrite(self, holding: Holding, mark: Mark, *, sized: Mapping[str, str] | None = None) -> World:
        """Replace the mark that `holding` was read with, and read again. `sized`: labels of another size.

        Raises:
            Busy: somebody changed it meanwhile; nothing was written.
        """
        _require_known(holding)
        number = holding.generation + 1
        # Without a claim (a prune took it) the new record is the claim again.
        name = holding.who.record(holding.key, number) if holding.claim else holding.who.claim
        labels = self._labels(Who(mark.fleet, mark.owner, mark.name), mark, number)
        size = holding.sized if sized is None else sized
        nonce = self._put(name, labels | {label: names.pack(text) for label, text in size.items()})
        old = [one.name for one in holding.records if int(one.labels[names.GENERATION]) < holding.generation]
        if nonce is not None and len(old) >= _OLD_RECORDS:
            self.remove_volumes(old)  # older than the predecessor: nobody needs them, whoever wins
        world = self.read()
        if nonce is None or not self._stands(holding, world, number, nonce):
            if nonce is not None:
                self._take_back(name, nonce)
            raise _changed(holding.who)
        return world

    def close(self, holding: Holding) -> World:
        """The open operation is done: the mark without it. No wish is written by this."""
        return self.rewrite(holding, replace(holding.mark, operation=None))

    def open(self, holding: Holding, operation: Operation) -> World:
        """Write what is to be done, before the first step."""
        return self.rewrite(holding, replace(holding.mark, operation=operation))

    def forget(self, holding: Holding) -> None:
        """Remove the mark: oldest record first, the claim last."""
        claims = [*holding.others, *([holding.claim] if holding.claim else [])]
        self.remove_volumes([one.name for one in (*holding.records, *claims)])

    def make_volumes(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """Make volumes (name -> labels) at the same time; one of ours that is there already is as good.

        Raises:
            Conflict: somebody else has a volume of this name.
        """
        calls = [("volume", "create", *names.label_flags(labels), name) for name, labels in wanted.items()]
        with changing():
            answers = self.engine.settle(*calls, timeout=LONG)
            for answer, (name, labels) in zip(answers, wanted.items(), strict=True):
                if isinstance(answer, EngineError) and not isinstance(answer, NameTaken):
                    raise answer
                # Docker says nothing when it gives a volume that was there.
                if isinstance(answer, EngineError) or self.engine.kind != "podman":
                    _require_ours(self.engine, name, labels)

    def remove_volumes(self, volumes: list[str]) -> None:
        """Remove them, in this order, in one call; those already gone are none of our business.

        Raises:
            Busy: a container uses one.
        """
        if not volumes:
            return
        with changing():
            try:
                self.engine.run("volume", "rm", *volumes, timeout=LONG)
            except NoSuchObject:
                self._remove_one_by_one(volumes)

    def _remove_one_by_one(self, volumes: list[str]) -> None:
        """One of several was gone: the message of a single call names the last trouble only."""
        for name in volumes:
            try:
                self.engine.run("volume", "rm", name, timeout=LONG)
            except NoSuchObject:
                continue

    def _labels(self, who: Who, mark: Mark, number: int) -> dict[str, str]:
        return {
            **who.labels("mark", mark.key),
            names.GENERATION: str(number),
            names.MARK: names.pack(marks.encode(mark)),
        }

    def _put(self, name: str, labels: Mapping[str, str]) -> str | None:
        """Make the marker; its nonce, or `None` where the name was taken. (Docker takes a name twice: look after.)"""
        nonce = secrets.token_hex(8)
        with changing():
            try:
                self.engine.run(
                    "volume", "create", *names.label_flags({**labels, names.NONCE: nonce}), name, timeout=LONG
                )
            except NameTaken:
                return None
        return nonce

    def _stands(self, before: Holding, world: World, number: int, nonce: str) -> bool:
        now = world.holdings.get(before.key)
        if now is None or now.generation != number:
            return False
        written = [one for one in (now.claim, *now.others, *now.records) if one and _bears(one.labels, nonce)]
        there = (*now.records, *now.others, *([now.claim] if now.claim else ()))
        predecessor = before.generation in {0, *(int(one.labels[names.GENERATION]) for one in there)}
        return bool(written) and predecessor

    def _take_back(self, name: str, nonce: str) -> None:
        """Remove what I wrote, and only that."""
        with changing():
            try:
                if _bears(inspect_volume(self.engine, name).labels, nonce):
                    self.engine.run("volume", "rm", name, timeout=LONG)
            except NoSuchObject:
                return

    def _taken(self, who: Who, holding: Holding | None) -> Conflict:
        if holding is None:
            return Conflict(
                f"The name {who.name} cannot be claimed: somebody else has a volume called {who.claim}.",
                advice=f"Look whose it is: {self.engine.kind} volume inspect {who.claim}",
                provider=PROVIDER,
            )
        return name_taken(holding)


def _require_ours(engine: Engine, name: str, labels: Mapping[str, str]) -> None:
    there = inspect_volume(engine, name).labels
    if any(there.get(label) != labels.get(label) for label in (names.SIGN, names.KIND, names.FLEET, names.COPY)):
        raise Conflict(
            f"There is a volume called {name} already, and it is not this desktop's.",
            advice=f"Look whose it is: {engine.kind} volume inspect {name}",
            provider=PROVIDER,
        )


def name_taken(holding: Holding) -> Conflict:
    """The error for a name that has a desktop."""
    return Conflict(
        f"There is a desktop called {holding.who.name} already.",
        details=f"Its key is {holding.key}.",
        provider=PROVIDER,
    )


def _bears(labels: Mapping[str, str], nonce: str) -> bool:
    return labels.get(names.NONCE) == nonce


def _changed(who: Who) -> Busy:
    return Busy(
        f"The desktop {who.name} was changed by somebody else meanwhile.",
        advice=f"Look at it, then try again: vdictl show {who.name}",
        provider=PROVIDER,
    )


def _require_known(holding: Holding) -> None:
    version = holding.mark.version
    if version > marks.VERSION:
        raise Conflict(
            f"The desktop {holding.who.name} was made by a newer vdictl, which this one must not change.",
            details=f"Its mark has version {version}, this vdictl knows {marks.VERSION}.",
            advice="Update vdictl.",
            provider=PROVIDER,
        )
