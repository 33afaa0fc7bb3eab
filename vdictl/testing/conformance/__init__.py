"""The conformance suite: subclass `ProviderSuite`, give it a fixture `world`, and pytest does the rest."""

from __future__ import annotations

import sys

import pytest

_THEMES = (
    "suite",
    "manifest",
    "create",
    "listing",
    "advancing",
    "deleting",
    "speaking",
    "optional",
    "keeping",
    "homes",
    "remarking",
    "resizing",
    "adopting",
    "transfer",
)
# So that a failing assert shows its values, as in a test file.
pytest.register_assert_rewrite(
    *(name for name in (f"{__name__}.{theme}" for theme in _THEMES) if name not in sys.modules)
)

from vdictl.testing.conformance.adopting import AdoptTests  # noqa: E402
from vdictl.testing.conformance.advancing import AdvanceTests  # noqa: E402
from vdictl.testing.conformance.create import CreateTests  # noqa: E402
from vdictl.testing.conformance.deleting import DeleteTests  # noqa: E402
from vdictl.testing.conformance.homes import VolumeTests  # noqa: E402
from vdictl.testing.conformance.keeping import SnapshotTests  # noqa: E402
from vdictl.testing.conformance.listing import ListingTests  # noqa: E402
from vdictl.testing.conformance.manifest import ManifestTests  # noqa: E402
from vdictl.testing.conformance.optional import CatalogueTests, InsideTests, PowerTests  # noqa: E402
from vdictl.testing.conformance.remarking import MarkTests  # noqa: E402
from vdictl.testing.conformance.resizing import ResizeTests  # noqa: E402
from vdictl.testing.conformance.speaking import SpeakingTests  # noqa: E402
from vdictl.testing.conformance.transfer import TransferTests  # noqa: E402

__all__ = ["ProviderSuite"]


class ProviderSuite(
    ManifestTests,
    CreateTests,
    ListingTests,
    AdvanceTests,
    DeleteTests,
    SpeakingTests,
    PowerTests,
    SnapshotTests,
    VolumeTests,
    TransferTests,
    InsideTests,
    CatalogueTests,
    MarkTests,
    ResizeTests,
    AdoptTests,
):
    """All that a provider of desktops has to keep.

    A subclass gives the fixture `world` (a `vdictl.testing.world.World` on an empty fleet, cleaned at its end).
    """
