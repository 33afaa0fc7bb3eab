"""Homes of the reference provider: made, listed, removed, given to desktops and taken from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, Invalid
from vdictl.contract.model import Desktop, Volume, Wish
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
        self._gone(lambda: self.api.delete_volume(volume.id))

    def volume_attach(self, desktop: Desktop, volume: Volume, *, token: str) -> Desktop:
        """See `SupportsAttach`."""
        with border():
            raw, mark = self._writable(desktop)
            if token in raw["done"] or raw["volume"] == volume.id:
                return self._noun(raw, mark)
            if (volume.fleet, volume.owner) != (mark.fleet, mark.owner):
                raise Invalid(f"The home {volume.name} is {volume.owner}'s, and the desktop is not.")
            _require_off(raw, desktop)
            for other, its in self._machines(all_fleets=True):
                same = (its.fleet, its.owner, other["home"]) == (mark.fleet, mark.owner, volume.name)
                if same and its.key != mark.key:
                    raise Conflict(f"The home {volume.name} is in use.", details=f"desktop {its.name}, key {its.key}")
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

    def _homes(self, name: str, owner: str, fleet: str) -> list[Raw]:
        """Of this name, oldest first."""
        found = [
            each
            for each in steps.volumes(self.api)
            if (each["fleet"], each["owner"], each["name"], each["role"]) == (fleet, owner, name, "home")
        ]
        return sorted(found, key=lambda each: (each["created"], each["id"]))

    def _require_new(self, name: str, owner: str, fleet: str, token: str) -> None:
        if any(each["request"] != token for each in self._homes(name, owner, fleet)):
            raise _taken(name)

    @staticmethod
    def _gone(remove: Callable[[], None]) -> None:
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
