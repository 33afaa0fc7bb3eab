"""The looks from outside that core's health ladder takes: those of `connect`, loaded at the first look."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vdictl.contract.model import Command, Endpoint, Rung

if TYPE_CHECKING:
    from vdictl.connect.probes import OutsideProbes


class LateProbes:
    """`vdictl.core.health.Probes`. A create that does not wait loads neither RFB nor HTTP."""

    @cached_property
    def _outside(self) -> OutsideProbes:
        from vdictl.connect.probes import OutsideProbes  # only to look

        return OutsideProbes()

    def rfb(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> tuple[Rung, Rung]:
        """The rungs "handshake" and "frame"."""
        return self._outside.rfb(endpoint, tunnel, timeout=timeout)

    def page(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> Rung:
        """The rung "page"."""
        return self._outside.page(endpoint, tunnel, timeout=timeout)
