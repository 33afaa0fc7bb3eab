"""`vdictl apply`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vdictl.cli import asking
from vdictl.cli.app import verb_app
from vdictl.cli.durations import seconds
from vdictl.cli.interrupting import interruptible
from vdictl.cli.making import check_options
from vdictl.cli.output import Column, Record
from vdictl.cli.probes import LateProbes
from vdictl.cli.run import Run, running
from vdictl.contract.errors import Invalid, Partial, VdictlError
from vdictl.core import applying, documents
from vdictl.core.applying import Step
from vdictl.core.creating import Creator, Until

app = verb_app()
_COLUMNS = (
    Column("NAME", lambda r: str(r["name"])),
    Column("PROVIDER", lambda r: str(r["provider"])),
    Column("ACTION", lambda r: str(r["action"])),
    Column("RESULT", lambda r: str(r["result"])),
)
_DONE = {"create": "created", "change": "changed", "nothing": "as it is"}


@app.command()
def apply(
    ctx: typer.Context,
    *,
    files: Annotated[
        list[Path], typer.Option("--file", "-f", metavar="FILE", help="TOML or YAML; - is stdin. Repeatable.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until a person could work in what is made.")] = True,
    timeout: Annotated[str | None, typer.Option(metavar="TIME", help="How long to wait for each: 15m.")] = None,
) -> None:
    """Make desktops, or change them, to what a document says; what is so already is left alone.

    Example: vdictl apply -f desktops.yaml --dry-run

    `vdictl show NAME -o yaml` prints such a document. All documents are looked at before anything is changed, and what
    would be done is told first. Size, labels and end are changed in place; anything else that differs is a conflict
    (exit 9). Where a desktop has to be restarted, that is asked about; without a terminal it needs --yes.
    """
    with running(ctx) as run:
        limit = run.timeout(timeout)
        steps = [_plan(run, document) for document in _read(files)]
        for step in steps:
            _tell(run, step)
        if dry_run:
            run.output.many([_record(step, "planned") for step in steps], _COLUMNS)
            return
        _ask(run, steps, yes=yes)
        with interruptible(
            "Interrupted while applying.",
            details="What has begun goes on where it is; steps that remain are done by the next run.",
            advice="Finish it: the same apply again",
        ):
            outcomes = [_carry_out(run, step, limit, wait=wait) for step in steps]
        _report(run, steps, outcomes)


def _read(files: Sequence[Path]) -> list[documents.Document]:
    found = [
        document
        for file in files
        for document in documents.read(
            asking.text(file, option="--file", stdin=sys.stdin), where="stdin" if str(file) == "-" else str(file)
        )
    ]
    for document in found:
        _check(document)
    names = [document.name for document in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Invalid(f"Two documents are called {twice[0]}.")
    return found


def _check(document: documents.Document) -> None:
    """As the options of a create are looked at, before anybody is asked."""
    spec = document.spec
    for word in ("plan", "image", "flavor", "region"):
        asking.whole(spec.get(word), option=f"spec.{word}")
    for word in ("git", "dotfiles"):
        asking.repository(spec.get(word), option=f"spec.{word}")
    asking.home(spec.get("home"))
    asking.packages(spec.get("packages", ()))
    asking.checked_labels(document.labels or {}, option="labels")


def _plan(run: Run, document: documents.Document) -> Step:
    lives = seconds(document.ttl, option="ttl") if document.ttl is not None else None
    step = applying.plan(run.context, document, only=run.provider, lives=lives)
    check_options(step.at.manifest, step.spec.options)
    return step


def _tell(run: Run, step: Step) -> None:
    restarts = ", which restarts it" if step.restarts else ""
    run.say(f"{step.document.name} ({step.at.name}): {step.action}{restarts}")
    for change in step.changes:
        run.say(f"  {change.option}: {change.then} -> {change.now}")


def _ask(run: Run, steps: Sequence[Step], *, yes: bool) -> None:
    names = [step.document.name for step in steps if step.restarts]
    if names:
        run.confirm(f"What runs in {', '.join(names)} ends. Apply it?", yes=yes)


def _carry_out(run: Run, step: Step, limit: float, *, wait: bool) -> VdictlError | None:
    """What went wrong; the others go on."""
    try:
        if step.desktop is None:
            until = Until.USABLE if wait else Until.SETTLED
            Creator(run.context, step.at, step.spec, LateProbes(), until=until, timeout=limit).run()
        else:
            applying.change(run.context, step, timeout=limit)
    except VdictlError as error:
        run.context.progress.finish(step.document.name, "")
        return error
    run.context.progress.finish(step.document.name, _DONE[step.action])
    return None


def _report(run: Run, steps: Sequence[Step], outcomes: Sequence[VdictlError | None]) -> None:
    pairs = list(zip(steps, outcomes, strict=True))
    run.output.many(
        [_record(step, "failed" if error else _DONE[step.action], error) for step, error in pairs], _COLUMNS
    )
    failed = {step.document.name: error for step, error in pairs if error is not None}
    if failed and len(steps) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise Partial(
            f"{len(steps) - len(failed)} of {len(steps)} documents are applied, {len(failed)} failed.",
            details="\n".join(f"{name}: {error.brief} {error.details}".rstrip() for name, error in failed.items()),
            advice="The same apply again goes on with them.",
        )
    if not any(step.action != "nothing" for step in steps):
        run.say("Nothing to change.")


def _record(step: Step, result: str, error: VdictlError | None = None) -> Record:
    changes: list[dict[str, Any]] = [{"field": c.option, "then": c.then, "now": c.now} for c in step.changes]
    return {
        "name": step.document.name,
        "key": step.desktop.key if step.desktop else None,
        "provider": step.at.name,
        "action": step.action,
        "changes": changes,
        "restarts": step.restarts,
        "result": result,
        "error": error.slug if error else None,
        "reason": error.brief if error else None,
    }
