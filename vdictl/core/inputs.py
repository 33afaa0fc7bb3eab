"""What only the creating machine knows: values of `--env`, the text of `--setup`. They go over the tunnel, once.

The mark holds names and short salted hashes, so that a second create can tell whether it asks for the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from vdictl.contract.capabilities import SupportsExec
from vdictl.contract.errors import Partial
from vdictl.contract.mark import inputs_digest
from vdictl.contract.model import Desktop, DesktopSpec, Secret
from vdictl.core import running
from vdictl.core.registry import Opened

SECONDS = 30.0


@dataclass(frozen=True)
class Inputs:
    """The values themselves."""

    env: Mapping[str, Secret] = field(default_factory=dict)
    setup: Secret | None = None

    def marks(self, name: str) -> dict[str, str]:
        """Name of each input -> 8 hex digits of its hash, salted with the desktop's `name`.

        So short that it tells "the same" from "another" and gives too little to guess a password by.
        """
        texts = {f"env:{k}": v.reveal() for k, v in self.env.items()}
        if self.setup is not None:
            texts["setup"] = self.setup.reveal()
        return {k: hashlib.sha256(f"{name}\0{k}\0{text}".encode()).hexdigest()[:8] for k, text in texts.items()}


def deliver(at: Opened, desktop: Desktop, spec: DesktopSpec, inputs: Inputs | None) -> None:
    """Hand the guest what its first boot waits for. Twice is fine: the guest knows the hash.

    Raises:
        Partial: this machine does not have the values; they are named.
        Unavailable: the guest does not answer yet.
    """
    if spec.inputs and (inputs is None or inputs.marks(spec.name) != dict(spec.inputs)):
        raise Partial(
            f"The desktop {desktop.name} waits for what only the machine that created it has.",
            details=", ".join(sorted(spec.inputs)),
            advice=f"Run the same create there, with the same options: vdictl create {desktop.name} ...",
            provider=at.name,
        )
    values = inputs or Inputs()
    message = {
        "env": {name: secret.reveal() for name, secret in values.env.items()},
        "setup": values.setup.reveal() if values.setup else None,
        "git": spec.git,
        "dotfiles": spec.dotfiles,
        "hash": inputs_digest(spec),
    }
    command = at.need(SupportsExec, to="take inputs").exec(desktop, ["vdictl-guest", "receive"])
    running.output(command, stdin=json.dumps(message).encode(), timeout=SECONDS)
