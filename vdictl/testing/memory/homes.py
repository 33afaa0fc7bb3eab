"""Homes of the reference provider: made, listed, removed, given to desktops and taken from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, Invalid
from vdictl.contract.model import Command, Desktop, Volume, Wish
from vdictl.testing.memory import convert, offer, steps
from vdictl.testing.memory.base import Basics
from vdictl.testing.memory.cloud import CloudError, Raw
from vdictl.testing.memory.errors import border


class Homes(Basics):
    """What outlives desktops."""

    def volumes(self, *, measure: bool = False) -> Iterable[Volume]:  # noqa: ARG002 - the cloud tells sizes anyway
        """See `SupportsVolumes`."""
        with border():
            keys = {raw["id"]: mark.key for raw, mark in self._machines(all_fleets=True)}
            found = [convert.volume(raw, keys) for raw in steps.volumes(self.api) if raw["role"] == "home"]
        return [each for each in found if self.fleet in (None, each.fleet)]

    def volume_create(
        self, name: str, *, owner: str, fleet: str, token: str, size_gib: int | None = None, region: str = ""
    ) -> Volume:
        """See `SupportsVolumes`."""
        check_home(name, owner=owner, fleet=fleet)
        if region and region not in {each["id"] for each in offer.REGIONS}:
            raise Invalid(f"There is no region {region!a}.")
        if size_gib is not None and not 1 <= size_gib <= 1024:
            raise Invalid(f"A disk has 1 to 1024 GiB, not {size_gib}.")
        with border():
            self._require_new(name, owner, fleet, token)
            raw = self.api.create_volume(
                request=token,
                name=name,
                fleet=fleet,
                owner=owner,
                desktop="",
                role="home",
                gib=size_gib or 1,
                region=region or "here",
            )
            elder = self._homes(name, owner, fleet)[0]
            if elder["id"] != raw["id"]:  # two at once: the older one stays
                self.api.delete_volume(raw["id"])
                raise _taken(name)
        return convert.volume(raw, {})

    def volume_delete(self, volume: Volume) -> None:
        """See `SupportsVolumes`."""
        gone(lambda: self.api.delete_volume(volume.id))

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        """See `SupportsAttach`."""
        with border():
            raw, mark = self._writable(desktop)
            if token in raw["done"] or raw["volume"] == volume.id:
                return self._noun(raw, mark)
            if (volume.fleet, volume.owner) != (mark.fleet, mark.owner):
                raise Invalid(f"The home {volume.name} is {volume.owner}'s, and the desktop is not.")
            _require_off(raw, desktop)
            self._require_unused(volume.name, mark.owner, mark.fleet)
        arguments = {"volume": volume.id, "home": volume.name, "before": mark.spec.home or ""}
        spec = replace(mark.spec, home=volume.name)
        return self._change(desktop, "attach", token=token, wish=Wish.STOPPED, arguments=arguments, spec=spec)

    def volume_detach(self, desktop: Desktop, *, token: str) -> Desktop:
        """See `SupportsAttach`. The machine has a disk of its own, which goes with it."""
        with border():
            raw, mark = self._writable(desktop)
            if token in raw["done"] or raw["home"] == "none":
                return self._noun(raw, mark)
            _require_off(raw, desktop)
        spec = replace(mark.spec, home="none")
        return self._change(desktop, "detach", token=token, wish=Wish.STOPPED, spec=spec)

    # -- as archives -------------------------------------------------------------------------------------------------

    def volume_export(self, volume: Volume) -> Command:
        """See `SupportsTransfer`."""
        return self._tar(volume.id, "tar -c --format=gnu --numeric-owner -f - .")

    def volume_import(self, name: str, *, owner: str, fleet: str, token: str, replace: bool = False) -> Command:
        """See `SupportsTransfer`. The later one of two that run at once is the one that can be finished."""
        check_home(name, owner=owner, fleet=fleet)
        with border():
            if self._homes(name, owner, fleet) and not replace:
                raise _taken(name)
            self._require_unused(name, owner, fleet)
            for each in (*self._homes(name, owner, fleet, "incoming"), *self._homes(name, owner, fleet, "outgoing")):
                if each["request"] != token and not each["desktop"]:
                    self.api.delete_volume(each["id"])
            more: dict[str, Any] = {"name": name, "fleet": fleet, "owner": owner, "desktop": "", "role": "incoming"}
            raw = self.api.create_volume(request=token, replace=replace, **more)
        return self._tar(raw["id"], "tar -x -p -f -")

    def volume_import_finish(self, name: str, *, owner: str, fleet: str, token: str) -> Volume:
        """See `SupportsTransfer`."""
        with border():
            there = self._homes(name, owner, fleet)
            done = next((each for each in there if each["request"] == token), None)
            if done is None:
                incoming = [each for each in self._homes(name, owner, fleet, "incoming") if each["request"] == token]
                if not incoming:
                    raise Conflict(f"What was imported into {name} was removed meanwhile.")
                self._require_unused(name, owner, fleet)
                if there and not incoming[0]["replace"]:
                    raise _taken(name)
                done = self.api.promote_volume(incoming[0]["id"])
            for each in self._homes(name, owner, fleet, "outgoing"):
                if not each["desktop"] or each["created"] < done["created"]:
                    self.api.delete_volume(each["id"])
        return convert.volume(done, {})

    def volume_import_drop(self, name: str, *, owner: str, fleet: str, token: str) -> None:
        """See `SupportsTransfer`."""
        with border():
            mine = [each for each in self._homes(name, owner, fleet, "incoming") if each["request"] == token]
        for each in mine:
            gone(partial(self.api.delete_volume, each["id"]))

    # -- how ---------------------------------------------------------------------------------------------------------

    def _homes(self, name: str, owner: str, fleet: str, role: str = "home") -> list[Raw]:
        """Of this name, oldest first."""
        found = [
            each
            for each in steps.volumes(self.api)
            if (each["fleet"], each["owner"], each["name"], each["role"]) == (fleet, owner, name, role)
        ]
        return sorted(found, key=lambda each: (each["created"], each["id"]))

    def _tar(self, volume: str, program: str) -> Command:
        folder = self.api.cloud.store.root() / "volumes" / volume
        return Command(argv=("sh", "-c", f'mkdir -p "$1" && cd "$1" && exec {program}', "sh", str(folder)))

    def _require_unused(self, name: str, owner: str, fleet: str) -> None:
        for raw, mark in self._machines(all_fleets=True):
            if (mark.fleet, mark.owner, raw["home"]) == (fleet, owner, name):
                raise Conflict(f"The home {name} is in use.", details=f"desktop {mark.name}, key {mark.key}")

    def _require_new(self, name: str, owner: str, fleet: str, token: str) -> None:
        if any(each["request"] != token for each in self._homes(name, owner, fleet)):
            raise _taken(name)


def gone(remove: Callable[[], None]) -> None:
    """Remove something; already gone is success."""
    with border():
        try:
            remove()
        except CloudError as error:
            if error.status != 404:
                raise


def check_home(name: str, *, owner: str, fleet: str) -> None:
    """Raise Invalid for a name that cannot be one."""
    marks.check_name("home", name)
    marks.check_name("owner", owner, marks.OWNER)
    marks.check_name("fleet", fleet, marks.OWNER)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a home called {name} already.")


def _require_off(raw: Raw, desktop: Desktop) -> None:
    if raw["status"] != "off":
        raise Conflict(
            f"{desktop.name} is not stopped.",
            details=f"its machine is {raw['status']}",
            advice=f"Stop it first: vdictl stop {desktop.name}",
        )
