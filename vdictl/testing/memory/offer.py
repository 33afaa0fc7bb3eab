"""What the cloud in memory has on offer: plans, regions, images. Plain data, as a vendor would send it."""

from __future__ import annotations

from typing import Any, Final

PLANS: Final = (
    {"id": "mem-1c-1gb", "cpus": 1, "memory_mib": 1024, "disk_gib": 10, "price": "0.01", "stock": True},
    {"id": "mem-2c-4gb", "cpus": 2, "memory_mib": 4096, "disk_gib": 40, "price": "0.03", "stock": True},
    {"id": "mem-4c-16gb", "cpus": 4, "memory_mib": 16384, "disk_gib": 80, "price": "0.10", "stock": True},
    {"id": "mem-8c-32gb", "cpus": 8, "memory_mib": 32768, "disk_gib": 160, "price": "0.20", "stock": False},
    {"id": "mem-8c-32gb-1g", "cpus": 8, "memory_mib": 32768, "disk_gib": 160, "gpu": 1, "price": "1", "stock": True},
)
REGIONS: Final = ({"id": "here", "name": "Here", "country": "DE"}, {"id": "there", "name": "There", "country": "JP"})
#: Name -> is it there from the first, or built on first use?
IMAGES: Final = {"xfce": True, "minimal": True, "code": False}
NAMES: Final = frozenset(IMAGES)


def unbuilt(name: str) -> dict[str, Any]:
    """An image that is not there."""
    return {"id": name, "ready": False, "until": None, "failed": False, "fails": False}


def image(name: str, state: dict[str, Any]) -> dict[str, Any]:
    """An image as it is now."""
    known = state["images"].get(name)
    return dict(known) if known else unbuilt(name) | {"ready": IMAGES.get(name, False)}
