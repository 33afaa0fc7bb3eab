"""What every broken provider has, and its world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from vdictl.contract.provider import Manifest
from vdictl.testing.conformance import ProviderSuite
from vdictl.testing.memory import MANIFEST
from vdictl.testing.memory.provider import MemoryProvider
from vdictl.testing.memory.world import MemoryWorld


class Broken(MemoryProvider):
    """A reference provider with one mistake."""

    caught_by: ClassVar[str]
    says: ClassVar[str]
    package: ClassVar[str] = "vdictl.testing.memory"
    claims: ClassVar[frozenset[str]] = frozenset()
    hides: ClassVar[frozenset[str]] = frozenset()


class BrokenWorld(MemoryWorld):
    """A world with a broken provider."""

    def __init__(self, provider: type[MemoryProvider]) -> None:
        super().__init__()
        self.provider = provider
        self.patience = 20.0
        if issubclass(provider, Broken):
            self.package = provider.package

    @property
    def manifest(self) -> Manifest:
        it = self.provider
        entry = f"{it.__module__}:{it.__name__}"
        if not issubclass(it, Broken):
            return MANIFEST
        return replace(MANIFEST, entry=entry, capabilities=(MANIFEST.capabilities | it.claims) - it.hides)


def suite_of(provider: type[MemoryProvider]) -> type[ProviderSuite]:
    """The suite for one of these."""

    class Suite(ProviderSuite):
        @pytest.fixture
        def world(self) -> Iterator[BrokenWorld]:
            world = BrokenWorld(provider)
            yield world
            world.close()

    return Suite
