"""What is checked before anything is sent: names, plans, images, homes. Pure: it looks at what the cloud has told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from vdictl.contract import mark as marks
from vdictl.contract.errors import Conflict, Invalid, QuotaExceeded
from vdictl.contract.model import DesktopSpec, Mark
from vdictl.testing.memory import convert, offer
from vdictl.testing.memory.cloud import Raw

_NO_VOLUME: Final = ("none", "ephemeral")


def machine_name(spec: DesktopSpec) -> str:
    """What the machine is called in the cloud's own console."""
    return f"vdictl-{spec.fleet}-{spec.owner}-{spec.name}"


def check_names(spec: DesktopSpec) -> None:
    """Raise Invalid for a name that cannot be one."""
    marks.check_name("desktop", spec.name)
    marks.check_name("owner", spec.owner, marks.OWNER)
    marks.check_name("fleet", spec.fleet, marks.OWNER)
    if spec.home:
        marks.check_name("home", spec.home)


def check_free(spec: DesktopSpec, others: Sequence[tuple[Raw, Mark]]) -> None:
    """Raise Conflict where another desktop has the name or the home."""
    home = spec.home or spec.name
    for raw, mark in others:
        if (mark.fleet, mark.owner) != (spec.fleet, spec.owner):
            continue
        if mark.name == spec.name:
            raise Conflict(f"There is a desktop {spec.name} already.", details=f"key {mark.key}")
        if raw["home"] == home and home not in _NO_VOLUME:
            raise Conflict(f"The home {home} is in use.", details=f"desktop {mark.name}, key {mark.key}")


def check_source(spec: DesktopSpec, snapshots: Sequence[Raw], volumes: Sequence[Raw]) -> None:
    """Raise where the snapshot to clone is not whole, or its copy would overwrite a home."""
    found = next((each for each in snapshots if each["id"] == spec.from_snapshot), None)
    if found is None:
        raise Invalid(f"There is no snapshot {spec.from_snapshot!a}.")
    if not found["ready"]:
        raise Conflict(f"The snapshot {found['name']} is not whole yet.")
    home = (spec.fleet, spec.owner, spec.home or spec.name, "home")
    if any((each["fleet"], each["owner"], each["name"], each["role"]) == home for each in volumes):
        raise Conflict(
            f"There is a home {home[2]} already; a clone would overwrite it.", advice="Use another name or --home."
        )


def choose(spec: DesktopSpec, images: Sequence[Raw]) -> tuple[str, str]:
    """The plan and the image for a request; Invalid for what is not on offer, QuotaExceeded for what is sold out."""
    if spec.region and spec.region not in {region["id"] for region in offer.REGIONS}:
        raise Invalid(f"There is no region {spec.region!a}.")
    image = spec.image or spec.flavor or "xfce"
    if image not in offer.NAMES | {each["id"] for each in images}:
        raise Invalid(f"There is no image {image!a}.", details="There are " + ", ".join(sorted(offer.NAMES)) + ".")
    if spec.plan and spec.plan not in {plan["id"] for plan in offer.PLANS}:
        raise Invalid(f"There is no plan {spec.plan!a}.")
    fitting = [plan for plan in offer.PLANS if spec.plan in (None, plan["id"]) and _fits(spec, plan)]
    if not fitting:
        raise Invalid("No plan is that large.", details=f"cpus {spec.cpus}, memory {spec.memory_mib} MiB")
    stocked = [plan for plan in fitting if plan["stock"]]
    if not stocked:
        raise QuotaExceeded(f"Plan {fitting[0]['id']} is sold out.")
    return str(stocked[0]["id"]), convert.derived(image, spec.packages)


def _fits(spec: DesktopSpec, plan: Mapping[str, object]) -> bool:
    wanted = {"cpus": spec.cpus, "memory_mib": spec.memory_mib, "disk_gib": spec.disk_gib, "gpu": spec.gpu}
    return all(float(str(plan.get(name, 0))) >= value for name, value in wanted.items() if value is not None)
