"""What the user said for every verb alike."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ("table", "json", "yaml", "csv", "name")


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
    #: Of lists: see `vdictl.cli.listing`.
    sort: str = ""
    columns: str = ""
    lines: bool = False  #: several documents in one stream: each JSON on a line of its own
