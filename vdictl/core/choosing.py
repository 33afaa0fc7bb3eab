"""Which provider a create goes to, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from vdictl.contract.capabilities import SupportsCatalogue, SupportsImages
from vdictl.contract.errors import Invalid, NotFound, Partial, VdictlError
from vdictl.contract.model import DesktopSpec
from vdictl.core import inventory
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather
from vdictl.core.registry import Opened


@dataclass(frozen=True)
class Choice:
    """The provider, and the reason in a sentence; empty where the user named it himself."""

    at: Opened
    why: str = ""


def provider_for(context: Context, spec: DesktopSpec, only: str = "") -> Choice:
    """Where `spec` is to be made.

    In this order: the one named; the one that alone has the plan or image; the one that alone has a desktop of this
    name; the setting `default_provider`; `local`. A provider that is down never sends a create elsewhere.

    Raises:
        NotFound: no configured provider has the plan or image. Invalid: several have it.
        Partial: one has it, and one that may have it too does not answer.
    """
    if only:
        return Choice(context.open(only))
    names = inventory.configured(context)
    for kind, wanted in (("plan", spec.plan), ("image", spec.image)):
        if wanted:
            return _by_offer(context, names, kind, wanted)
    default = context.config.value("default_provider")
    if names == [default.text]:  # nobody else could have it: the create itself looks whether it is there
        return Choice(context.open(default.text), f"default_provider, from {default.origin}")
    having = _having(context, spec)
    if len(having) == 1:
        return Choice(context.open(having[0]), f"{having[0]} has {spec.name} already")
    if having:
        raise Invalid(
            f"Several providers have a desktop called {spec.name}.",
            details=", ".join(having),
            advice="Add -p PROVIDER.",
        )
    return Choice(context.open(default.text), f"default_provider, from {default.origin}")


def _having(context: Context, spec: DesktopSpec) -> list[str]:
    listing = inventory.list_desktops(context)
    listing.require_complete()  # the one that is silent may be the one that has it
    return sorted({f.at.name for f in listing.found if (f.desktop.owner, f.desktop.name) == (spec.owner, spec.name)})


def _by_offer(context: Context, names: list[str], kind: str, wanted: str) -> Choice:
    jobs = {name: partial(_offers, context.open(name), kind, wanted) for name in names}
    answers, failures = gather(jobs, timeout=CALL_SECONDS)
    having = [name for name, has in answers.items() if has]
    if having and failures:  # one that is down must not decide where it goes
        raise Partial(
            f"Whether {having[0]} alone has the {kind} {wanted} is not known.",
            details="\n".join(f"{name}: {error.brief}" for name, error in failures.items()),
            advice=f"Say it: -p {having[0]}",
        )
    if len(having) == 1:
        return Choice(context.open(having[0]), f"only {having[0]} has the {kind} {wanted}")
    if having:
        raise Invalid(
            f"Several providers have the {kind} {wanted}.", details=", ".join(having), advice="Add -p PROVIDER."
        )
    if failures:
        raise next(iter(failures.values()))
    raise NotFound(
        f"No configured provider has the {kind} {wanted!a}.",
        details=f"Asked: {', '.join(names)}.",
        advice=f"See what there is: vdictl {kind}s" + (" list" if kind == "image" else ""),
    )


def _offers(at: Opened, kind: str, wanted: str) -> bool:
    try:
        if kind == "plan":
            return any(plan.id == wanted for plan in at.need(SupportsCatalogue, to="list plans").plans())
        images = at.need(SupportsImages, to="list images").images()
        return any(wanted in (image.id, image.name) for image in images)
    except VdictlError as error:
        if error.slug == "unsupported":
            return False
        raise
