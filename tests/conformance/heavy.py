"""A provider's package that imports what it stands on (pytest plays the SDK), for `broken.LoadsItsSdk`."""

import pytest

from vdictl.testing.memory import MANIFEST

__all__ = ["MANIFEST", "pytest"]
