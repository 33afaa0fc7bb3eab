"""What somebody else makes in the cloud in memory, with the vendor's own tool."""

from __future__ import annotations

from tests.cli.front import Vdictl
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.cloud import Cloud
from vdictl.testing.memory.store import FileStore


def machine(vdictl: Vdictl, name: str = "legacy") -> str:
    """The id of a machine that vdictl has not made."""
    api = Api(Cloud(store=FileStore(vdictl.folder / "cloud/state.json")))
    facts = {"plan": "mem-1c-1gb", "image": "xfce", "region": "here", "home": "", "expires": None}
    return str(api.create_machine(name=name, label="by hand", request=f"theirs-{name}", **facts)["id"])
