"""Mistakes in create."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from time import sleep
from typing import Any

from tests.conformance.broken.base import Broken
from vdictl.contract.errors import Unavailable
from vdictl.contract.model import Desktop, DesktopSpec, Mark
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.cloud import Raw
from vdictl.testing.memory.world import TOKEN


class _NoTokens(Api):
    """A client that sends no idempotency token."""

    def create_machine(self, *, name: str, label: str, request: str, **more: Any) -> Raw:
        return super().create_machine(name=name, label=label, request=f"{request}-{uuid.uuid4().hex}", **more)


class DuplicatesOnRetry(Broken):
    """Looks for nothing and sends no token: a second create makes a second desktop."""

    caught_by = "test_the_same_token_gives_the_same_desktop"
    says = "the same token gave another desktop"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        self.api = _NoTokens(self.api.cloud, token=TOKEN.reveal())
        return super().create(spec, token=token)

    def _machines(self, *, all_fleets: bool = False) -> list[tuple[Raw, Mark]]:
        return [] if all_fleets else super()._machines()


class DuplicatesAfterALostReply(DuplicatesOnRetry):
    """The same, seen where it hurts."""

    caught_by = "test_a_lost_reply_makes_one_desktop"
    says = "assert 2 == 1"


class KeyIsItsOwn(Broken):
    """Makes a key of its own instead of taking the token."""

    caught_by = "test_create_returns_at_once"
    says = "k-"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        return super().create(spec, token=f"k-{token}")


class BlocksInCreate(Broken):
    """Waits in create."""

    caught_by = "test_create_returns_at_once"
    says = "create slept at"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        time.sleep(0.001)
        return super().create(spec, token=token)


class BlocksInAdvance(Broken):
    """Waits in advance, with a `sleep` that was imported by name."""

    caught_by = "test_advance_does_not_block"
    says = "advance slept at"

    def advance(self, desktop: Desktop) -> Desktop:
        sleep(0.001)
        return super().advance(desktop)


class BlocksInDelete(Broken):
    """Waits in delete."""

    caught_by = "test_delete_takes_it_away"
    says = "delete slept at"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        sleep(0.001)
        return super().delete(desktop, also=also)


class LosesLabels(Broken):
    """Writes a mark without the labels."""

    caught_by = "test_the_mark_is_whole_in_the_same_call"
    says = "labels"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        return super().create(replace(spec, labels={}), token=token)


class ForgetsTheRequest(Broken):
    """Does not remember what was asked."""

    caught_by = "test_the_mark_is_whole_in_the_same_call"
    says = "what was asked is not what is remembered"

    def desktop(self, key: str) -> Desktop:
        there = super().desktop(key)
        return replace(there, spec=replace(there.spec, flavor="other") if there.spec else None)


class _LabelsLater(Api):
    """A client that makes the machine first and labels it then."""

    def create_machine(self, *, name: str, label: str, request: str, **more: Any) -> Raw:
        return self.label_machine(super().create_machine(name=name, label="", request=request, **more), label=label)


class MarksInASecondCall(Broken):
    """A kill between the two calls leaves a machine that nobody knows."""

    caught_by = "test_a_create_killed_between_any_two_calls_is_finished"
    says = "bears no mark"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        self.api = _LabelsLater(self.api.cloud, token=TOKEN.reveal())
        return super().create(spec, token=token)


class TakesAnyName(Broken):
    """Checks no name."""

    caught_by = "test_bad_names_are_refused"
    says = "DID NOT RAISE"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        return super().create(replace(spec, name="one", owner="suite"), token=token)


class TakesTakenNames(Broken):
    """Two desktops of one name."""

    caught_by = "test_a_taken_name_is_a_conflict"
    says = "DID NOT RAISE"

    def _machines(self, *, all_fleets: bool = False) -> list[tuple[Raw, Mark]]:
        return [] if all_fleets else super()._machines()


class JoinsNames(Broken):
    """Takes owner and name for one text, so that a + b-c is a-b + c."""

    caught_by = "test_a_name_belongs_to_its_owner"
    says = "is the desktop of another"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        if f"{spec.owner}-{spec.name}" in [f"{each.owner}-{each.name}" for each in self.desktops()]:
            raise Unavailable("This is the desktop of another.")
        return super().create(spec, token=token)


class AcceptsUnknownPlans(Broken):
    """Takes the smallest plan where there is none of the name."""

    caught_by = "test_an_unknown_plan_is_refused"
    says = "DID NOT RAISE"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        return super().create(replace(spec, plan=None), token=token)
