"""Mistakes in advance."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from tests.conformance.broken.base import Broken
from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, NotFound
from vdictl.contract.model import Desktop, DesktopSpec, State


class RemembersInMemory(Broken):
    """Only the process that created goes on."""

    caught_by = "test_a_killed_create_is_finished_by_another"
    says = "not finished"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        self.mine = token
        return super().create(spec, token=token)

    def advance(self, desktop: Desktop) -> Desktop:
        return super().advance(desktop) if getattr(self, "mine", "") == desktop.key else self.desktop(desktop.key)


class StartsWhatWasStopped(Broken):
    """Has wishes of its own: what is stopped is started."""

    caught_by = "test_what_an_outsider_stops_stays_stopped"
    says = "an outsider stopped it"

    def advance(self, desktop: Desktop) -> Desktop:
        there = super().advance(desktop)
        return self.start(there, token=uuid.uuid4().hex) if there.state is State.STOPPED else there


class MakesAnewWhatIsGone(Broken):
    """Creates again what it does not find."""

    caught_by = "test_what_an_outsider_removes_stays_away"
    says = "made anew"

    def advance(self, desktop: Desktop) -> Desktop:
        try:
            return super().advance(desktop)
        except NotFound:
            assert desktop.spec is not None
            return super().create(desktop.spec, token=uuid.uuid4().hex)


class RecreatesWhatIsDeleted(Broken):
    """Goes on with the create although `absent` is written."""

    caught_by = "test_advance_never_recreates_what_is_being_deleted"
    says = "it is being deleted, and advance says"

    def advance(self, desktop: Desktop) -> Desktop:
        raw, mark = self._get(desktop)
        if desktop.operation and desktop.operation.verb == "create" and mark.operation != desktop.operation:
            self.api.label_machine(raw, label=marks.encode(replace(mark, operation=desktop.operation)))
        return super().advance(desktop)


class ChangesByLooking(Broken):
    """Each look at a finished desktop restarts it."""

    caught_by = "test_advance_of_a_finished_desktop_changes_nothing"
    says = "STARTING"

    def advance(self, desktop: Desktop) -> Desktop:
        there = super().advance(desktop)
        return self.restart(there, token=uuid.uuid4().hex) if desktop.state is State.RUNNING else there


class MakesADiskEachTime(Broken):
    """A step that does not look whether it was done."""

    caught_by = "test_two_advances_at_once_do_one_step"
    says = "assert"

    def advance(self, desktop: Desktop) -> Desktop:
        if desktop.operation and desktop.operation.verb == "create" and desktop.name == "two":
            more: dict[str, Any] = {
                "fleet": desktop.fleet,
                "owner": desktop.owner,
                "desktop": desktop.key,
                "role": "ephemeral",
            }
            self.api.create_volume(request=uuid.uuid4().hex, name=desktop.name, **more)
        return super().advance(desktop)


class TooLateIsAnError(Broken):
    """Cannot bear that somebody else was faster."""

    caught_by = "test_a_step_that_somebody_else_did_is_no_error"
    says = "came out as Conflict"

    def advance(self, desktop: Desktop) -> Desktop:
        before, _ = self._get(desktop)
        there = super().advance(desktop)
        after, mark = self._get(desktop)
        if there.due and after["revision"] != before["revision"]:
            raise Conflict("Somebody else has changed it.", details=mark.key)
        return there
