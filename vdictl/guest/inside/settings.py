"""What the provider told this desktop through the environment, kept for the programs that are exec'd later."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import asdict, dataclass, fields

from . import places, records

_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_GEOMETRY = re.compile(r"[1-9][0-9]{2,4}x[1-9][0-9]{2,4}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """None of it is secret: `inspect` shows it."""

    flavor: str = "minimal"
    key: str = "desktop"  #: names the cookie; a host's ports share their cookies
    geometry: str = "1280x800"
    inputs: str = ""  #: hash of the inputs that this desktop waits for; empty: none
    hosts: str = ""  #: further names that the page may be reached by, separated by spaces
    name: str = ""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `VDICTL_*`; a value that does not look right is as good as none."""
        env = os.environ
        key, geometry = env.get("VDICTL_KEY", ""), env.get("VDICTL_GEOMETRY", "")
        return cls(
            flavor=env.get("VDICTL_FLAVOR") or cls.flavor,
            key=key if _KEY.fullmatch(key) else cls.key,
            geometry=geometry if _GEOMETRY.fullmatch(geometry) else cls.geometry,
            inputs=env.get("VDICTL_INPUTS", ""),
            hosts=env.get("VDICTL_HOSTS", ""),
            name=socket.gethostname(),
        )

    @classmethod
    def load(cls) -> Settings:
        """What `init` kept; the environment where it has not run yet."""
        kept = records.read_json(places.SETTINGS)
        if not kept:
            return cls.from_environment()
        return cls(**{field.name: str(kept[field.name]) for field in fields(cls) if field.name in kept})

    def keep(self) -> None:
        """For `load`."""
        records.write_json(places.SETTINGS, asdict(self))
