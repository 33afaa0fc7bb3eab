"""Mistakes with what is kept: homes and images."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from tests.conformance.broken.base import Broken
from vdictl.contract.errors import Conflict
from vdictl.contract.model import Command, Desktop, Image, Stray, Volume
from vdictl.testing.memory.homes import check_home


class MakesHomesTwice(Broken):
    """Makes a new volume whenever it is asked."""

    caught_by = "test_a_volume_is_made_once_for_a_token"
    says = "already"

    def volume_create(self, name: str, *, token: str, **more: Any) -> Volume:
        return super().volume_create(name, token=uuid.uuid4().hex, **more)


class TakesHomesAway(Broken):
    """Attaches what another desktop uses, after it has taken it from there."""

    caught_by = "test_a_home_in_use_is_not_attached"
    says = "DID NOT RAISE"

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        for raw, _ in self._machines():
            if raw["volume"] == volume.id and raw["id"] != desktop.id:
                self.api.detach(raw, request=token, home="none")
        return super().volume_attach(desktop, volume, token=token)


class AttachesWhatRuns(Broken):
    """Pulls the disk out of a running machine."""

    caught_by = "test_a_home_is_put_into_another_desktop"
    says = "DID NOT RAISE"

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        raw, _ = self._get(desktop)
        if raw["status"] == "on":
            self.api.attach(raw, volume.id, request=token, home=volume.name)
        return super().volume_attach(desktop, volume, token=token)


class ForgetsWhatIsAttached(Broken):
    """Leaves the old home in what was asked for."""

    caught_by = "test_a_home_is_put_into_another_desktop"
    says = "'two' == 'one'"

    def desktop(self, key: str) -> Desktop:
        there = super().desktop(key)
        return replace(there, spec=replace(there.spec, home="two") if there.spec and there.name == "two" else None)


class RemovesWhatItDetaches(Broken):
    """A home that is taken away is gone."""

    caught_by = "test_a_home_that_is_taken_away_stays"
    says = "there are 0 volumes called one"

    def volume_detach(self, desktop: Desktop, *, token: str) -> Desktop:
        raw, _ = self._get(desktop)
        there = super().volume_detach(desktop, token=token)
        if raw["volume"]:
            self.api.delete_volume(raw["volume"])
        return there


class AttachesBeforeTheWish(Broken):
    """A kill between the two calls leaves a disk that the mark does not name."""

    caught_by = "test_an_attach_killed_between_any_two_calls_is_finished"
    says = "killed after"

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        raw, _ = self._get(desktop)
        if raw["status"] == "off" and raw["volume"] != volume.id:
            self.api.detach(raw)
        return super().volume_attach(desktop, volume, token=token)


class CountsTooEarly(Broken):
    """Imports into the home itself."""

    caught_by = "test_an_import_counts_once_it_is_finished"
    says = "it counts before it is finished"

    def volume_import(self, name: str, *, owner: str, fleet: str, token: str, replace: bool = False) -> Command:
        command = super().volume_import(name, owner=owner, fleet=fleet, token=token, replace=replace)
        super().volume_import_finish(name, owner=owner, fleet=fleet, token=token)
        return command


class ReplacesUnasked(Broken):
    """Imports over what is there."""

    caught_by = "test_an_import_replaces_only_when_told"
    says = "DID NOT RAISE"

    def volume_import(self, name: str, *, owner: str, fleet: str, token: str, replace: bool = False) -> Command:
        return super().volume_import(name, owner=owner, fleet=fleet, token=token, replace=replace or bool(token))


class KeepsWhatIsDropped(Broken):
    """Leaves the room of an import that has failed."""

    caught_by = "test_a_dropped_import_leaves_nothing"
    says = "something is left over"

    def volume_import_drop(self, name: str, *, owner: str, fleet: str, token: str) -> None:
        check_home(name, owner=owner, fleet=fleet)


class DropsWhatCounts(Broken):
    """Takes a finished import for a failed one."""

    caught_by = "test_an_import_counts_once_it_is_finished"
    says = "StopIteration"

    def volume_import_drop(self, name: str, *, owner: str, fleet: str, token: str) -> None:
        super().volume_import_drop(name, owner=owner, fleet=fleet, token=token)
        for each in list(self.volumes()):
            self.volume_delete(each)


class LosesRooms(Broken):
    """Half imports are nobody's."""

    caught_by = "test_a_killed_import_leaves_nothing_that_counts"
    says = "its room is not found"

    def strays(self) -> Iterable[Stray]:
        return ()


class OvertakesDesktops(Broken):
    """Finishes although a desktop has taken the name up."""

    caught_by = "test_an_import_does_not_overtake_a_desktop"
    says = "DID NOT RAISE"

    def volume_import_finish(self, name: str, *, owner: str, fleet: str, token: str) -> Volume:
        return next(each for each in self.volumes() if each.name == name)


class ForgetsLinks(Broken):
    """Leaves symlinks out of an export."""

    caught_by = "test_what_is_exported_can_be_imported"
    says = "/etc/hosts"

    def volume_export(self, volume: Volume) -> Command:
        whole = super().volume_export(volume)
        script = whole.argv[2].replace("exec tar -c", "find . -type l -delete; exec tar -c")
        return replace(whole, argv=(*whole.argv[:2], script, *whole.argv[3:]))


class RemovesWhatIsUsed(Broken):
    """Takes the image away from under a desktop."""

    caught_by = "test_images_in_use_are_told_and_kept"
    says = "DID NOT RAISE"

    def image_delete(self, image: Image) -> None:
        with contextlib.suppress(Conflict):
            super().image_delete(image)


class KnowsNoUse(Broken):
    """Says of every image that nothing needs it: a prune would try them all."""

    caught_by = "test_images_in_use_are_told_and_kept"
    says = "what a desktop runs from is not used"

    def images(self) -> Iterable[Image]:
        return [replace(each, used=False) for each in super().images()]


class LoadsAnything(Broken):
    """Believes that what was loaded is an image for desktops."""

    caught_by = "test_an_image_comes_back_from_its_archive"
    says = "DID NOT RAISE"

    def image_loaded(self, said: str) -> Sequence[Image]:
        return super().image_loaded(said or "Loaded image: xfce")


class PushesAnywhere(Broken):
    """Hands on whatever was typed."""

    caught_by = "test_bad_references_are_refused"
    says = "DID NOT RAISE"

    def image_push(self, image: Image, reference: str) -> Command:
        return replace(super().image_push(image, "registry.example/x"), argv=("push", image.id, reference))
