"""Removing several things: each is tried, also after a failure, and what became of each is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vdictl.cli.output import Record
from vdictl.cli.run import Run
from vdictl.contract.errors import Partial, VdictlError


@dataclass(frozen=True)
class Doomed:
    """One thing to remove: what people call it, what a record says of it, and how it goes."""

    shown: str
    record: Record
    remove: Callable[[], None]


def remove_all(run: Run, doomed: Sequence[Doomed], *, kind: str) -> None:
    """Remove them; for programs, an array of what became of each on stdout. `kind` is their plural: "snapshots".

    Raises:
        Partial: some of several failed. The error of the only one.
    """
    rows: list[Record] = []
    failures: dict[str, VdictlError] = {}
    for one in doomed:
        failed = _try(one)
        if failed:
            failures[one.shown] = failed
        result = {"result": "failed" if failed else "deleted", "error": failed.slug if failed else None}
        rows.append({**one.record, **result, "reason": failed.brief if failed else None})
        run.context.progress.finish(one.shown, failed.brief if failed else "deleted")
    if run.output.is_data:
        run.output.many(rows, [])
    if failures and len(doomed) == 1:
        raise next(iter(failures.values()))
    if failures:
        details = "\n".join(f"{name}: {error.brief}" for name, error in failures.items())
        raise Partial(f"{len(failures)} of {len(doomed)} {kind} could not be deleted.", details=details)


def _try(one: Doomed) -> VdictlError | None:
    try:
        one.remove()
    except VdictlError as error:
        return error
    return None
