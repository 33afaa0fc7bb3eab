"""What `doctor` and `support` share: whether something here can show a desktop, and a finding as a record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vdictl.cli import records
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Hop
from vdictl.core import diagnosing
from vdictl.core.diagnosing import Finding


def viewers(environment: Mapping[str, str], folder: Path) -> Iterator[Finding]:
    """Whether something here can show a desktop."""
    from vdictl.connect import viewers as found_by  # only these two and `connect` look for them

    seen = {
        "browser": found_by.find_browser(folder / "page.html", environment),
        "vnc viewer": found_by.find_vnc_viewer("127.0.0.1", 5900, None, environment),
    }
    for name, found in seen.items():
        if isinstance(found, found_by.Viewer):
            yield Finding(provider="", hop=Hop(name=name, ok=True, detail=found.name))
        else:
            cure = "The link opens in a browser anywhere: vdictl connect --print"
            yield Finding(provider="", hop=Hop(name=name, ok=None, detail=found.reason, cure=cure))


def without_config(error: VdictlError, environment: Mapping[str, str], folder: Path) -> Iterator[Finding]:
    """What can be looked at where the config cannot be read."""
    yield diagnosing.of_error("", "config", error)
    yield from diagnosing.of_machine(folder, None)
    yield from viewers(environment, folder)


def record(finding: Finding) -> dict[str, Any]:
    """As `-o json` shows it."""
    return {
        "name": finding.hop.name,
        "provider": finding.provider or None,
        "level": finding.level,
        **records.of(finding.hop),
        "code": finding.code if finding.hop.ok is False else 0,
    }
