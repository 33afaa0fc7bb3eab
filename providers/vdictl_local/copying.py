"""Copies one volume into another by a helper container that outlives us. Whole only once its done-marker is there."""

from __future__ import annotations

from typing import Final

from vdictl.contract.errors import Conflict, QuotaExceeded, VdictlError
from vdictl.engine.errors import NameTaken
from vdictl.engine.nouns import Container
from vdictl_local import flags, names
from vdictl_local.errors import PROVIDER, changing
from vdictl_local.ledger import LONG
from vdictl_local.tools import Tools
from vdictl_local.world import Holding, World

#: Exit codes of a helper that was ended from outside (a reboot, an outsider): nothing is wrong, it begins anew.
_KILLED: Final = frozenset({129, 130, 137, 143})


def step(tools: Tools, world: World, holding: Holding, *, token: str, source: str, target: str, image: str) -> bool:
    """See to the copy: `True` when it is whole and its helper gone. The target must be there, empty or half full.

    Raises:
        QuotaExceeded: the disk is full. VdictlError: it failed otherwise. The half copy is gone then.
    """
    helper = holding.helper(token)
    if token in world.done:
        if helper:
            tools.remove_containers(helper.id)
        return True
    if helper is None:
        _begin(tools, holding, token=token, source=source, target=target, image=image)
        return False
    if helper.state == "created":
        tools.start_container(helper.id)
        return False
    if helper.state != "exited":
        return False
    return _ended(tools, holding, helper, token, target)


def _begin(tools: Tools, holding: Holding, *, token: str, source: str, target: str, image: str) -> None:
    argv = flags.copy(
        tools.engine, holding.who, key=holding.key, token=token, source=source, target=target, image=image
    )
    with changing():
        try:
            tools.engine.run(*argv, timeout=LONG)
        except NameTaken as error:
            if tools.clear_leftover(holding.who.copy(token)):
                return  # the next look begins it
            # Somebody began it in this moment; or it is not ours, and then the next look shows no helper of ours.
            raise Conflict(
                f"The container {holding.who.copy(token)} is there already.", details=error.stderr, provider=PROVIDER
            ) from error


def _ended(tools: Tools, holding: Holding, helper: Container, token: str, target: str) -> bool:
    if helper.exit_code == 0:
        mark_done(tools, holding, token)
        tools.remove_containers(helper.id)
        return True
    if helper.exit_code in _KILLED:
        tools.remove_containers(helper.id)
        return False
    said = tools.engine.call("logs", helper.id)
    evidence = f"{said.stdout}{said.stderr}".strip()[-1000:]
    tools.remove_containers(helper.id)
    tools.ledger.remove_volumes([target])
    if "No space left" in evidence or "quota exceeded" in evidence:
        raise QuotaExceeded(
            "The disk is full: the copy was given up and its half removed.",
            details=evidence,
            advice="Free some space, then try again.",
            provider=PROVIDER,
        )
    raise VdictlError("The copy of the home failed; its half was removed.", details=evidence, provider=PROVIDER)


def mark_done(tools: Tools, holding: Holding, token: str) -> None:
    """Write the done-marker of a copy."""
    labels = {**holding.who.labels("done", holding.key), names.TOKEN: token}
    tools.ledger.make_volumes({holding.who.done(token): labels})
