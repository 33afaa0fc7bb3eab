"""Make desktops what documents say: look first, tell what would be done, then do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vdictl.contract import mark as marks
from vdictl.contract.capabilities import SupportsMark, SupportsResize
from vdictl.contract.errors import Conflict, Invalid
from vdictl.contract.model import NEVER, Desktop, DesktopSpec, State
from vdictl.core import changing, choosing, rehearsing
from vdictl.core.changing import Size
from vdictl.core.context import Context
from vdictl.core.creating import has_failed
from vdictl.core.documents import Document
from vdictl.core.inventory import desktops_of
from vdictl.core.operating import Operator, is_leaving
from vdictl.core.registry import Opened
from vdictl.core.sameness import Difference, as_table, differences, elder

_SIZE = ("plan", "cpus", "memory_mib", "disk_gib")


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one document asks for, against what is there."""

    document: Document
    at: Opened
    desktop: Desktop | None  #: the one that is there; `None`: it has to be made
    spec: DesktopSpec  #: what to make, or what the desktop would be
    changes: Sequence[Difference] = ()
    labels: Mapping[str, str | None] | None = None  #: to set and (`None`) to take away
    expires: datetime | None = None
    resizes: bool = False

    @property
    def action(self) -> str:
        """In a word: create, change or nothing."""
        return "create" if self.desktop is None else "change" if self.changes else "nothing"

    @property
    def restarts(self) -> bool:
        """Whether programs that run now would end."""
        running = self.desktop is not None and self.desktop.state is State.RUNNING
        return running and self.resizes and self.at.manifest.resize_restarts


def plan(context: Context, document: Document, *, only: str = "", lives: float | None = None) -> Step:
    """What has to be done. `lives`: how many seconds from now on a desktop that is made shall have.

    Raises:
        Invalid: the document is somebody else's, or asks for what there is not.
        Conflict: it asks for what cannot be changed any more, or the desktop has failed. As `rehearse` of a create.
    """
    _require_own(context, document, only)
    spec = _asked(context, document, lives)
    at = choosing.provider_for(context, spec, only or document.provider).at
    there = [d for d in desktops_of(context, at) if (d.owner, d.name) == (spec.owner, spec.name)]
    living = [d for d in there if not is_leaving(d)]
    if not living:
        return _new(context, at, document, spec)
    desktop = elder(living)
    if desktop.spec is None:
        desktop = at.provider.desktop(desktop.key)
    return _changed(context, at, document, desktop)


def change(context: Context, step: Step, *, timeout: float) -> Desktop:
    """Change a desktop that is there: what is open ends first, then its mark, in one piece, then its size."""
    desktop = step.desktop
    assert desktop is not None  # what has to be made is made by `creating`
    operator = Operator(context, step.at, timeout=timeout)
    desktop = operator.settle(desktop)
    if step.labels or step.expires:
        desktop = operator.remark(desktop, "apply", labels=step.labels, expires=step.expires)
    return operator.resize(desktop, step.spec) if step.resizes else desktop


def _require_own(context: Context, document: Document, only: str) -> None:
    name = document.name
    if document.owner not in (None, context.owner):
        raise Invalid(
            f"The document says that {name} is {document.owner}'s, and you are {context.owner}.",
            advice=f"If you mean theirs: --owner {document.owner}; for one of your own take owner out of it.",
        )
    if document.fleet not in (None, context.fleet):
        raise Invalid(
            f"The document says that {name} is in the fleet {document.fleet}, not {context.fleet}.",
            advice=f"Add --fleet {document.fleet}, or take fleet out of it.",
        )
    if only and document.provider not in ("", only):
        raise Invalid(f"The document says that {name} is at {document.provider}, and the command line says {only}.")


def _asked(context: Context, document: Document, lives: float | None) -> DesktopSpec:
    given: dict[str, Any] = dict(document.spec)
    end = None if document.expires in (None, NEVER) else document.expires
    if lives is not None and end is None:
        end = datetime.fromtimestamp(int(context.clock.now().timestamp() + lives), UTC)
    labels = document.labels or {}
    return DesktopSpec(
        name=document.name, owner=context.owner, fleet=context.fleet, expires=end, labels=labels, **given
    )


def _new(context: Context, at: Opened, document: Document, spec: DesktopSpec) -> Step:
    if spec.inputs:
        raise Invalid(
            f"{document.name} would have to be made, and the document holds no values for what is delivered inside.",
            details=", ".join(sorted(spec.inputs)),
            advice="Make it with `vdictl create --env ... --setup ...`; or take inputs out of the document.",
        )
    if spec.expires is not None and spec.expires <= context.clock.now():
        raise _over(document)
    rehearsing.rehearse(context, at, spec)
    asked = [Difference(key, "nothing", str(value)) for key, value in marks.asked(spec).items()]
    return Step(document=document, at=at, desktop=None, spec=spec, changes=asked)


def _changed(context: Context, at: Opened, document: Document, desktop: Desktop) -> Step:
    if desktop.state is State.FAILED and not desktop.due:
        raise has_failed(desktop)
    spec = desktop.spec or DesktopSpec(name=desktop.name, owner=desktop.owner, fleet=desktop.fleet)
    wanted = DesktopSpec(name=document.name, owner=desktop.owner, fleet=desktop.fleet, **dict(document.spec))
    sizes, others = _split(differences(spec, wanted))
    if others:
        raise _fixed(desktop, others)
    changes = list(sizes)
    if sizes:
        at.need(SupportsResize, to="resize desktops")
        given = {name: document.spec[name] for name in _SIZE if name in document.spec}
        spec = changing.sized(context, at, desktop, Size(**given))
    labels = _labels(document, desktop)
    changes += [Difference(f"label {k}", desktop.labels.get(k, "nothing"), v or "nothing") for k, v in labels.items()]
    expires = _end(context, document, desktop)
    if expires is not None:
        changes.append(Difference("expires", _when(desktop.expires), _when(expires)))
    if labels or expires is not None:
        at.need(SupportsMark, to="change labels or the end of desktops")
    return Step(
        document=document,
        at=at,
        desktop=desktop,
        spec=spec,
        changes=changes,
        labels=labels or None,
        expires=expires,
        resizes=bool(sizes),
    )


def _split(found: Sequence[Difference]) -> tuple[list[Difference], list[Difference]]:
    """Those of the size, and those that cannot be changed in place."""
    return [d for d in found if d.option in _SIZE], [d for d in found if d.option not in _SIZE]


def _labels(document: Document, desktop: Desktop) -> dict[str, str | None]:
    """The document's are all there shall be."""
    if document.labels is None:
        return {}
    gone: dict[str, str | None] = {key: None for key in desktop.labels if key not in document.labels}
    return gone | {key: value for key, value in document.labels.items() if desktop.labels.get(key) != value}


def _end(context: Context, document: Document, desktop: Desktop) -> datetime | None:
    wanted = document.expires
    if wanted is None or wanted == (desktop.expires or NEVER):
        return None
    if wanted <= context.clock.now():
        raise _over(document)
    return wanted


def _over(document: Document) -> Invalid:
    return Invalid(f"The end that the document gives {document.name} is over already.")


def _fixed(desktop: Desktop, found: Sequence[Difference]) -> Conflict:
    return Conflict(
        f"The document asks for what cannot be changed of {desktop.name} any more.",
        details=as_table(found),
        advice=f"Make it anew, its home is kept: vdictl destroy {desktop.name}, then the same apply.",
        provider=desktop.provider,
    )


def _when(time: datetime | None) -> str:
    return "never" if time in (None, NEVER) else f"{time:%Y-%m-%dT%H:%M:%SZ}"
