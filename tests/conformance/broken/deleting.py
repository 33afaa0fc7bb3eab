"""Mistakes in delete."""

from __future__ import annotations

from tests.conformance.broken.base import Broken
from vdictl.contract.errors import NotFound, Unavailable, VdictlError
from vdictl.contract.model import Desktop, Mark
from vdictl.testing.memory import convert, steps
from vdictl.testing.memory.cloud import CloudError, Raw


class GoneOnAnyError(Broken):
    """Whatever fails, it is gone."""

    caught_by = "test_unavailable_is_not_gone"
    says = "delete: unavailable was answered with None"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        try:
            return super().delete(desktop, also=also)
        except VdictlError:
            return None


class NotFoundOnAnyError(Broken):
    """The same, by NotFound."""

    caught_by = "test_unavailable_is_not_gone"
    says = "desktop: unavailable came out as NotFound"

    def desktop(self, key: str) -> Desktop:
        try:
            return super().desktop(key)
        except Unavailable as error:
            raise NotFound("It is not there.") from error


class RefusedIsGone(Broken):
    """A refused login is taken for gone."""

    caught_by = "test_a_refused_login_is_not_gone"
    says = "auth-failed was answered with None"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        try:
            return super().delete(desktop, also=also)
        except VdictlError:
            return None


class UnknownIsAnError(Broken):
    """What is gone cannot be deleted."""

    caught_by = "test_deleting_what_is_gone_is_success"
    says = "NotFound"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        self.desktop(desktop.key)
        return super().delete(desktop, also=also)


class NoWish(Broken):
    """Deletes step by step, and writes no wish first."""

    caught_by = "test_delete_writes_the_wish_first"
    says = "DELETING"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        raw, mark = self._get(desktop)
        return convert.desktop(self.api.detach(raw), mark)


class MarkGoesFirst(Broken):
    """Removes the machine, which bears the mark, before the home."""

    caught_by = "test_a_delete_killed_between_any_two_calls_is_finished"
    says = "left and not listed"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        try:
            raw, _ = self._get(desktop)
        except CloudError:
            return None
        self.api.delete_machine(self.api.detach(raw))
        self.api.cloud.clock.sleep(60)
        for volume in steps.volumes(self.api):
            self.api.delete_volume(volume["id"])
        return None


class RemovesHomes(Broken):
    """Homes go with every delete."""

    caught_by = "test_homes_are_kept_unless_named"
    says = "assert [] =="

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        return super().delete(desktop, also=also | {"homes"})


class KeepsHomes(Broken):
    """Homes never go."""

    caught_by = "test_homes_are_kept_unless_named"
    says = "named, and kept"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        return super().delete(desktop, also=also - {"homes"})


class RemovesSnapshots(Broken):
    """Snapshots go with every delete."""

    caught_by = "test_snapshots_are_kept_unless_named"
    says = "assert [] =="

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        return super().delete(desktop, also=also | {"snapshots"})


class ChangesNewerMarks(Broken):
    """Writes over what a later vdictl has made."""

    caught_by = "test_a_newer_mark_is_listed_and_left_alone"
    says = "DID NOT RAISE"

    def _writable(self, desktop: Desktop) -> tuple[Raw, Mark]:
        return self._get(desktop)


class GoneWhereNotListed(Broken):
    """Looks for what is to be deleted in the list, which may lag behind."""

    caught_by = "test_a_stale_list_is_not_gone"
    says = "a stale list did not show it"

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        if desktop.key not in [each.key for each in self.desktops()]:
            return None
        return super().delete(desktop, also=also)
