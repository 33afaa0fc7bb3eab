"""What the user said for every verb alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Wishes:
    """The global options, wherever they stood on the line."""

    provider: str = ""
    fleet: str = ""
    owner: str = ""
    profile: str = ""
    output: str = ""
    fields: str = ""
    quiet: bool = False
