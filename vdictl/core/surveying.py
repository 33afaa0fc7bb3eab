"""Which providers there are, which are configured on this machine, and what each one can do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from vdictl.contract.errors import AuthFailed, VdictlError
from vdictl.contract.model import Account
from vdictl.contract.provider import Manifest
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How it stands with one provider."""

    name: str
    manifest: Manifest | None  #: None: it is known, and its package is not installed
    configured: bool
    account: Account | None = None  #: where asking costs no credentials, or where `ask` was given
    trouble: VdictlError | None = None  #: why it is not configured, or does not answer

    @property
    def abilities(self) -> Sequence[str]:
        """What it can do beyond the nine verbs, in words: "power", "snapshots"."""
        names = self.manifest.capabilities if self.manifest else ()
        return sorted(re.sub(r"^Supports", "", name).lower() for name in names)


def survey(context: Context, only: str = "", *, ask: bool = False) -> list[Standing]:
    """Every provider by name, `only` that one if it is named. With `ask` each configured one is asked who we are.

    Without it only those are asked that need no credentials: there, configured means that it answers.

    Raises:
        Invalid: there is no provider of this name.
    """
    if only and only not in context.registry.names():
        context.registry.manifest(only)  # raises, with the name that was probably meant
    jobs = {name: partial(_stand, context, name, ask) for name in ([only] if only else context.registry.names())}
    answers, failures = gather(jobs, timeout=CALL_SECONDS)
    silent = [
        Standing(name=name, manifest=context.registry.manifest(name), configured=True, trouble=error)
        for name, error in failures.items()
    ]
    return sorted([*answers.values(), *silent], key=lambda standing: standing.name)


def _stand(context: Context, name: str, ask: bool) -> Standing:
    manifest = None
    try:
        manifest = context.registry.manifest(name)
        if not (ask or manifest.cheap_check) and context.config.has_required(manifest):
            return Standing(name=name, manifest=manifest, configured=True)
        account = context.open(name).provider.check()
    except AuthFailed as error:  # NotConfigured among them
        refused = error.slug == AuthFailed.slug
        return Standing(name=name, manifest=manifest, configured=refused, trouble=error)
    except VdictlError as error:
        return Standing(name=name, manifest=manifest, configured=manifest is not None, trouble=error)
    return Standing(name=name, manifest=manifest, configured=True, account=account)
