"""The optional verbs of the reference provider."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, Invalid
from vdictl.contract.model import (
    Command,
    Desktop,
    DesktopSpec,
    Endpoint,
    Machine,
    Mark,
    Plan,
    Region,
    Snapshot,
    Stray,
    Wish,
)
from vdictl.testing.memory import convert, offer, requests, steps
from vdictl.testing.memory.cloud import Raw
from vdictl.testing.memory.errors import border
from vdictl.testing.memory.homes import Homes, gone
from vdictl.testing.memory.images import Images

INSIDE: Final = Path(__file__).with_name("inside.py")


class MemoryProvider(Homes, Images):
    """Desktops in a cloud in memory. Several providers on one cloud are several machines with the same credentials."""

    # -- power, size, mark -------------------------------------------------------------------------------------------

    def start(self, desktop: Desktop, *, token: str) -> Desktop:
        """See `SupportsPower`."""
        return self._change(desktop, "start", token=token, wish=Wish.PRESENT, already="on")

    def stop(self, desktop: Desktop, *, token: str, grace: float) -> Desktop:  # noqa: ARG002 - nothing runs inside
        """See `SupportsPower`."""
        return self._change(desktop, "stop", token=token, wish=Wish.STOPPED, already="off")

    def restart(self, desktop: Desktop, *, token: str) -> Desktop:
        """See `SupportsPower`."""
        return self._change(desktop, "restart", token=token, wish=Wish.PRESENT)

    def resize(self, desktop: Desktop, spec: DesktopSpec, *, token: str) -> Desktop:
        """See `SupportsResize`."""
        with border():
            plan, _ = requests.choose(replace(spec, image=None, flavor=None, packages=()), self.api.images())
            _, mark = self._get(desktop)
        wanted = marks.resized(mark.spec, spec)
        return self._change(desktop, "resize", token=token, wish=Wish.PRESENT, arguments={"plan": plan}, spec=wanted)

    def remark(
        self,
        desktop: Desktop,
        *,
        token: str,
        name: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        expires: datetime | None = None,
    ) -> Desktop:
        """See `SupportsMark`. One call, and so never half done."""
        with border():
            raw, mark = self._writable(desktop)
            if mark.operation and mark.operation.wish is Wish.ABSENT:
                self._refuse(desktop, mark.operation)
            if token in raw["done"]:
                return self._noun(raw, mark)
            changed = marks.remarked(mark, name=name, labels=labels, expires=expires)
            if changed.name != mark.name:
                self._require_free(changed)
            more: dict[str, Any] = {"name": requests.machine_name(changed.spec), "done": [*raw["done"], token]}
            if expires is not None:
                more["expires"] = changed.expires.timestamp() if changed.expires else None
            there = self.api.label_machine(raw, label=marks.encode(changed), **more)
            if changed.name != mark.name:
                self._look_again(raw, there, changed)
            return self._noun(there, changed)

    def _require_free(self, mark: Mark) -> None:
        others = [each for each in self._machines(all_fleets=True) if each[1].key != mark.key]
        requests.check_free(replace(mark.spec, home="none"), others)

    def _look_again(self, before: Raw, now: Raw, mark: Mark) -> None:
        """Two may have taken one name at once: who sees another with it takes his own change back."""
        try:
            self._require_free(mark)
        except Conflict:
            self.api.label_machine(now, **{field: before[field] for field in ("label", "name", "done", "expires")})
            raise

    def machines(self) -> Iterable[Machine]:
        """See `SupportsAdopt`."""
        with border():
            return [convert.machine(raw) for raw in self._raw_machines() if convert.mark_of(raw) is None]

    def adopt(self, id: str, spec: DesktopSpec, *, token: str) -> Desktop:
        """See `SupportsAdopt`. One call."""
        requests.check_names(spec)
        with border():
            raw, others = self.api.machine(id), self._machines(all_fleets=True)
            mark = convert.mark_of(raw)
            if mark is not None and mark.key == token:
                return self._noun(raw, mark)
            if mark is not None:
                raise Conflict(f"Machine {id} is a desktop already.", details=f"{mark.owner}'s {mark.name}")
            asked = replace(spec, plan=raw["plan"], image=raw["image"], region=raw["region"], home="none")
            requests.check_free(asked, others)
            mark = Mark(
                key=token,
                fleet=spec.fleet,
                owner=spec.owner,
                name=spec.name,
                spec=asked,
                labels=spec.labels,
                expires=spec.expires,
            )
            more = {"name": requests.machine_name(spec), "home": "none"}
            until = spec.expires.timestamp() if spec.expires else None
            raw = self.api.label_machine(raw, label=marks.encode(mark), expires=until, **more)
            return self._noun(raw, mark)

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def snapshots(self) -> Iterable[Snapshot]:
        """See `SupportsSnapshots`."""
        with border():
            found = [convert.snapshot(raw) for raw in steps.snapshots(self.api)]
        return [each for each in found if self.fleet in (None, each.fleet)]

    def snapshot_create(self, desktop: Desktop, name: str, *, token: str) -> Desktop:
        """See `SupportsSnapshots`."""
        marks.check_name("snapshot", name)
        with border():
            mine = [each for each in steps.snapshots(self.api) if each["desktop"] == desktop.key]
        if any(each["name"] == name and each["request"] != token for each in mine):
            raise Conflict(f"{desktop.name} has a snapshot called {name} already.")
        return self._change(desktop, "snapshot", token=token, wish=Wish.PRESENT, arguments={"name": name})

    def snapshot_delete(self, snapshot: Snapshot) -> None:
        """See `SupportsSnapshots`."""
        gone(lambda: self.api.delete_snapshot(snapshot.id))

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot, *, token: str) -> Desktop:
        """See `SupportsSnapshots`."""
        with border():
            there = {each["id"]: each["ready"] for each in steps.snapshots(self.api)}
        if not there.get(snapshot.id):
            raise Conflict(f"Snapshot {snapshot.name} is not there, or only half of it.")
        return self._change(desktop, "restore", token=token, wish=Wish.PRESENT, arguments={"snapshot": snapshot.id})

    # -- what is on offer --------------------------------------------------------------------------------------------

    def plans(self) -> Iterable[Plan]:
        """See `SupportsCatalogue`."""
        self.check()
        return [convert.plan(raw) for raw in offer.PLANS]

    def regions(self) -> Iterable[Region]:
        """See `SupportsCatalogue`."""
        self.check()
        return [convert.region(raw) for raw in offer.REGIONS]

    # -- inside ------------------------------------------------------------------------------------------------------

    def exec(self, desktop: Desktop, argv: Sequence[str], *, tty: bool = False) -> Command:  # noqa: ARG002
        """See `SupportsExec`. The program runs on this machine, in a folder that stands for the home."""
        raw = self._running(desktop)
        root = self.api.cloud.store.root()
        home = root / "volumes" / raw["volume"] if raw["volume"] else root / "machines" / raw["id"] / "home"
        boot = ["--boot", str(raw["boots"]), "--flavor", raw["image"]]
        flags = [
            flag for flag, wanted in (("--never-ready", raw["never_ready"]), ("--inputs", desktop.missing)) if wanted
        ]
        if raw["expires"] is not None:
            flags += ["--expires", str(raw["expires"])]
        place = [str(root / "machines" / raw["id"]), str(home)]
        return Command(argv=(sys.executable, "-I", "-S", str(INSIDE), *boot, *flags, *place, *argv))

    def tunnel(self, desktop: Desktop, endpoint: Endpoint) -> Command:
        """See `SupportsTunnel`. At the other end a small RFB server draws."""
        if endpoint.kind != "vnc":
            raise Invalid(f"There is no way to an endpoint of kind {endpoint.kind}.")
        return self.exec(desktop, ["vdictl-guest", "rfb"])

    def logs(self, desktop: Desktop, *, follow: bool = False, tail: int | None = None) -> Command:
        """See `SupportsLogs`."""
        with border():
            raw, _ = self._get(desktop)
        file = self.api.cloud.store.root() / "machines" / raw["id"] / "console.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in raw["log"]))
        lines = "+1" if tail is None else str(tail)
        return Command(argv=("tail", *(["-f"] if follow else []), "-n", lines, str(file)))

    def idle_seconds(self, desktop: Desktop) -> float | None:
        """See `SupportsActivity`."""
        raw = self._running(desktop)
        touched = self.api.cloud.store.root() / "machines" / raw["id"] / "touched"
        return max(0.0, time.time() - touched.stat().st_mtime) if touched.exists() else None

    # -- what has lost its desktop -----------------------------------------------------------------------------------

    def strays(self) -> Iterable[Stray]:
        """See `SupportsStrays`."""
        with border():
            keys = {mark.key for _, mark in self._machines(all_fleets=True)}
            found = [raw for raw in steps.volumes(self.api) if raw["role"] != "home" and raw["desktop"] not in keys]
        return [convert.stray(raw) for raw in found if self.fleet in (None, raw["fleet"])]

    def stray_delete(self, stray: Stray) -> None:
        """See `SupportsStrays`."""
        gone(lambda: self.api.delete_volume(stray.id))
