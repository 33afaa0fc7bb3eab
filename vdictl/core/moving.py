"""Bring a home in from an archive: room first, then its content, and it counts last. What fails leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from vdictl.contract.capabilities import SupportsTransfer
from vdictl.contract.errors import VdictlError
from vdictl.contract.model import Command, Volume
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.operating import new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again_with_token

T = TypeVar("T")
_ANSWER = 300.0  #: seconds for what the provider itself does; the content takes as long as it takes


def import_volume(
    context: Context, at: Opened, name: str, fill: Callable[[Command], T], *, replace: bool
) -> tuple[Volume, T]:
    """The home, and what `fill` said, which runs the command with the content on its stdin.

    Raises:
        Unsupported: the provider imports none. Conflict: there is one, and not `replace`; or a desktop uses it.
        What `fill` raises; then nothing of it is left.
    """
    able, token = at.need(SupportsTransfer, to="import volumes"), new_token()
    whose = {"owner": context.owner, "fleet": context.fleet, "token": token}

    with context.journal.operation("volume-import", token=token, key="", name=name, provider=at.name):
        try:
            told = fill(_patiently(context, lambda: able.volume_import(name, replace=replace, **whose)))
            made = _patiently(context, lambda: able.volume_import_finish(name, **whose))
        except BaseException:
            with suppress(VdictlError):  # what stays is no home, and is found by the next import and by `gc`
                able.volume_import_drop(name, **whose)
            raise
    return made, told


def _patiently(context: Context, call: Callable[[], T]) -> T:
    return again_with_token(call, clock=context.clock, deadline=Deadline(context.clock, _ANSWER))
