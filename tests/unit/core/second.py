"""A second provider for the tests: the one in memory under another name, with another cloud and without snapshots."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from vdictl.contract.provider import Settings
from vdictl.testing.memory import MANIFEST as MEMORY
from vdictl.testing.memory.provider import MemoryProvider

MANIFEST = replace(
    MEMORY,
    name="second",
    entry="tests.unit.core.second:SecondProvider",
    capabilities=MEMORY.capabilities - {"SupportsSnapshots", "SupportsImages"},
    kept_costs=False,
)


class SecondProvider(MemoryProvider):
    """Its cloud is `second-` and the name of the first one's."""

    @classmethod
    def open(cls, settings: Settings, *, timeout: float) -> Self:
        return super().open(settings, timeout=timeout)
