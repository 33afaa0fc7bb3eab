"""Mistakes in optional verbs and in the manifest."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from tests.conformance.broken.base import Broken
from vdictl.contract.model import Command, Desktop, DesktopSpec, Snapshot
from vdictl.contract.provider import Settings


class SharesHomes(Broken):
    """Two desktops on one home."""

    caught_by = "test_a_home_in_use_is_a_conflict"
    says = "DID NOT RAISE"

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        return super().create(replace(spec, home=None), token=token)


class RestoresTwice(Broken):
    """A restore that is sent again is done again."""

    caught_by = "test_restore_happens_once_for_a_token"
    says = "the same token restored twice"

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot, *, token: str) -> Desktop:
        return super().snapshot_restore(desktop, snapshot, token=uuid.uuid4().hex)


class ForgetsHalfCopies(Broken):
    """Begins a restore before it writes the wish."""

    caught_by = "test_a_restore_killed_between_any_two_calls_is_finished"
    says = "something is left over"

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot, *, token: str) -> Desktop:
        more: dict[str, Any] = {"fleet": desktop.fleet, "owner": desktop.owner, "desktop": desktop.key}
        self.api.create_volume(request=token, source=snapshot.id, name="incoming", role="incoming", **more)
        return super().snapshot_restore(desktop, snapshot, token=token)


class RestartsTwice(Broken):
    """So with a restart."""

    caught_by = "test_restart_happens_once_for_a_token"
    says = "restarted twice"

    def restart(self, desktop: Desktop, *, token: str) -> Desktop:
        return super().restart(desktop, token=uuid.uuid4().hex)


class TakesNamesOfSnapshotsTwice(Broken):
    """Two snapshots of one name."""

    caught_by = "test_a_snapshot_is_kept"
    says = "DID NOT RAISE"

    def snapshot_create(self, desktop: Desktop, name: str, *, token: str) -> Desktop:
        taken = any(each.name == name for each in self.snapshots())
        return super().snapshot_create(desktop, f"{name}-2" if taken else name, token=token)


class GoesThroughAShell(Broken):
    """Joins the arguments to one line."""

    caught_by = "test_exec_passes_streams_and_codes"
    says = "assert"

    def exec(self, desktop: Desktop, argv: Sequence[str], *, tty: bool = False) -> Command:
        return super().exec(desktop, ["sh", "-c", " ".join(argv)])


class ClaimsTooMuch(Broken):
    """Lists a capability that it does not have."""

    caught_by = "test_capabilities_agree_with_the_code"
    says = "SupportsConsole is listed; missing: ['console']"
    claims = frozenset({"SupportsConsole"})


class ClaimsTooLittle(Broken):
    """Has one that it does not list."""

    caught_by = "test_capabilities_agree_with_the_code"
    says = "SupportsPower is there and not listed"
    hides = frozenset({"SupportsPower"})


class AsksForMore(Broken):
    """A verb with a parameter of its own."""

    caught_by = "test_the_entry_has_every_verb"
    says = "asks for zone"

    def create(self, spec: DesktopSpec, *, token: str, zone: str) -> Desktop:  # type: ignore[override]
        return super().create(spec, token=token)


class OpensAFile(Broken):
    """Does its work in open."""

    caught_by = "test_open_touches_nothing"
    says = "open did"

    @classmethod
    def open(cls, settings: Settings, *, timeout: float) -> Self:
        with contextlib.suppress(OSError), Path("/dev/null").open("w"):
            pass
        return super().open(settings, timeout=timeout)


class LoadsItsSdk(Broken):
    """Its package imports what it stands on."""

    caught_by = "test_importing_the_package_loads_no_sdk"
    says = "also loads"
    package = "tests.conformance.heavy"
