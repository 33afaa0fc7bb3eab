"""Mistakes in rewriting marks, in changing sizes and in taking machines."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.conformance.broken.base import Broken
from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict
from vdictl.contract.model import Desktop, DesktopSpec, Machine, Mark
from vdictl.testing.memory import convert
from vdictl.testing.memory.cloud import Raw


class TellsTheGuestNoEnd(Broken):
    """Says in its manifest that the guest has a timer, and tells it no end."""

    caught_by = "test_a_guest_has_a_timer_where_the_manifest_says_so"
    says = "nothing inside would stop it"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        made = super().create(spec, token=token)
        raw = self.api.machine(made.id)
        self.api.label_machine(raw, label=raw["label"], expires=None)
        return made


class ReplacesLabels(Broken):
    """Replaces all labels where some are to be changed."""

    caught_by = "test_the_mark_can_be_rewritten"
    says = "'a': '1'"

    def remark(self, desktop: Desktop, *, labels: Mapping[str, str | None] | None = None, **more: Any) -> Desktop:
        others = dict.fromkeys(desktop.labels) if labels else {}
        return super().remark(desktop, labels={**others, **(labels or {})}, **more)


class WritesFromMemory(Broken):
    """Changes the labels that it was given, not those that are there."""

    caught_by = "test_two_remarks_at_once_both_count"
    says = "one of two changes is lost"

    def remark(self, desktop: Desktop, *, labels: Mapping[str, str | None] | None = None, **more: Any) -> Desktop:
        there = self.desktop(desktop.key).labels
        gone = {label: None for label in there if label not in desktop.labels}
        return super().remark(desktop, labels={**gone, **(labels or {})}, **more)


class RenamesOntoAnother(Broken):
    """Does not look whether the name is taken."""

    caught_by = "test_a_rename_onto_a_taken_name_is_a_conflict"
    says = "DID NOT RAISE"

    def remark(self, desktop: Desktop, *, name: str | None = None, **more: Any) -> Desktop:
        super().remark(desktop, **more)
        raw, mark = self._writable(desktop)
        return self._noun(self.api.label_machine(raw, label=marks.encode(marks.remarked(mark, name=name))), mark)


class LooksOnce(Broken):
    """Looks whether the name is free and takes it, without a look afterwards."""

    caught_by = "test_two_desktops_take_one_name_at_once"
    says = "two have one name"
    meeting = threading.Barrier(2, timeout=10)

    def _require_free(self, mark: Mark) -> None:
        super()._require_free(mark)
        if mark.name == "new":
            self.meeting.wait()  # both have looked

    def _look_again(self, before: Raw, now: Raw, mark: Mark) -> None:
        pass


class ForgetsTheHome(Broken):
    """A renamed desktop is asked for with the home of its new name."""

    caught_by = "test_a_renamed_desktop_keeps_its_home"
    says = "('one', None)"

    def desktop(self, key: str) -> Desktop:
        there = super().desktop(key)
        return replace(there, spec=replace(there.spec, home=None)) if there.spec else there


class LeavesTheTimer(Broken):
    """Moves the end in the mark only."""

    caught_by = "test_the_guests_timer_moves_with_the_end"
    says = "assert 4"

    def remark(self, desktop: Desktop, *, expires: datetime | None = None, **more: Any) -> Desktop:
        raw, mark = self._writable(desktop)
        changed = marks.remarked(mark, expires=expires)
        return self._noun(self.api.label_machine(raw, label=marks.encode(changed)), changed)


class RemarksInPieces(Broken):
    """Two calls for one change."""

    caught_by = "test_a_remark_killed_between_any_two_calls_is_whole"
    says = "half of it is done"

    def remark(
        self, desktop: Desktop, *, token: str, labels: Mapping[str, str | None] | None = None, **more: Any
    ) -> Desktop:
        super().remark(desktop, token=f"{token}-labels", labels=labels)
        return super().remark(desktop, token=token, **more)


class ResurrectsByRemark(Broken):
    """Writes the mark that it remembers over the wish to be gone."""

    caught_by = "test_a_remark_does_not_undo_a_delete"
    says = "DID NOT RAISE"

    def remark(self, desktop: Desktop, *, token: str, **more: Any) -> Desktop:
        try:
            return super().remark(desktop, token=token, **more)
        except Conflict:
            raw, mark = self._writable(desktop)
            return self._noun(self.api.label_machine(raw, label=marks.encode(replace(mark, operation=None))), mark)


class TakesTheWholeSpec(Broken):
    """A resize that replaces all that was asked."""

    caught_by = "test_a_resize_changes_the_size"
    says = "more than the size"

    def resize(self, desktop: Desktop, spec: DesktopSpec, *, token: str) -> Desktop:
        there = super().resize(desktop, spec, token=token)
        raw, mark = self._writable(there)
        changed = replace(mark, labels=spec.labels, spec=replace(spec, name=mark.name))
        return self._noun(self.api.label_machine(raw, label=marks.encode(changed)), changed)


class WritesTheSizeFirst(Broken):
    """Writes what was asked before it knows whether it can be had."""

    caught_by = "test_a_size_that_is_not_on_offer_changes_nothing"
    says = "refused, and changed"

    def resize(self, desktop: Desktop, spec: DesktopSpec, *, token: str) -> Desktop:
        raw, mark = self._writable(desktop)
        self.api.label_machine(raw, label=marks.encode(replace(mark, spec=marks.resized(mark.spec, spec))))
        return super().resize(desktop, spec, token=token)


class ForgetsToResize(Broken):
    """Writes what was asked and leaves the step to a later call of its own process."""

    caught_by = "test_a_resize_killed_between_any_two_calls_is_finished"
    says = "half resized"

    def resize(self, desktop: Desktop, spec: DesktopSpec, *, token: str) -> Desktop:
        raw, mark = self._writable(desktop)
        self.api.label_machine(raw, label=marks.encode(replace(mark, spec=marks.resized(mark.spec, spec))))
        return super().resize(desktop, spec, token=token)


class AdoptsDesktops(Broken):
    """Takes what somebody has already."""

    caught_by = "test_what_cannot_be_adopted_stays_as_it_is"
    says = "DID NOT RAISE"

    def adopt(self, id: str, spec: DesktopSpec, *, token: str) -> Desktop:
        raw = self.api.machine(id)
        self.api.label_machine(raw, label="")
        return super().adopt(id, spec, token=token)


class ShowsDesktopsAsForeign(Broken):
    """Knows its own fleet only."""

    caught_by = "test_what_cannot_be_adopted_stays_as_it_is"
    says = "shown as somebody else's"

    def machines(self) -> Iterable[Machine]:
        ours = {each.id for each in self.desktops()}
        return [convert.machine(raw) for raw in self._raw_machines() if raw["id"] not in ours]
