"""The suite for each broken provider, and for the whole one. Run by `test_it_bites` only."""

from __future__ import annotations

from tests.conformance.broken import BROKEN
from tests.conformance.broken.base import suite_of
from vdictl.testing.memory.provider import MemoryProvider

for each in BROKEN:
    globals()[f"Test{each.__name__}"] = suite_of(each)
TestReference = suite_of(MemoryProvider)
