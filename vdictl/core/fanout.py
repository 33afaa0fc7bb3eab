"""The same question to many at once: daemon threads and a queue, so that a hung SDK cannot hold the exit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from vdictl.contract.errors import Partial, Unavailable, VdictlError
from vdictl.core.clock import Deadline, SystemClock

T = TypeVar("T")


def gather(jobs: Mapping[str, Callable[[], T]], *, timeout: float) -> tuple[dict[str, T], dict[str, VdictlError]]:
    """Run all jobs at once; results and failures by name, in the order of `jobs`.

    A job that gives no answer within `timeout` seconds counts as `Unavailable`; its thread is left behind. An error
    that is not ours (a bug) is raised here, in the caller's thread.
    """
    answers: queue.SimpleQueue[tuple[str, T | None, BaseException | None]] = queue.SimpleQueue()

    def work(name: str, job: Callable[[], T]) -> None:
        try:
            answers.put((name, job(), None))
        except BaseException as error:  # carried to the caller's thread
            answers.put((name, None, error))

    for name, job in jobs.items():
        threading.Thread(target=work, args=(name, job), daemon=True, name=f"ask-{name}").start()
    return _collect(list(jobs), answers, timeout)


def require_all(failures: Mapping[str, VdictlError]) -> None:
    """Raise Partial, naming the providers that did not answer, if there are any."""
    if not failures:
        return
    raise Partial(
        f"Not all providers answered: {', '.join(failures)}.",
        details="\n".join(f"{name}: {error.brief}" for name, error in failures.items()),
        advice="Look closer: vdictl doctor",
    )


def _collect(
    names: list[str], answers: queue.SimpleQueue[tuple[str, T | None, BaseException | None]], timeout: float
) -> tuple[dict[str, T], dict[str, VdictlError]]:
    results: dict[str, T] = {}
    failures: dict[str, VdictlError] = {}
    waiting = set(names)
    limit = Deadline(SystemClock(), timeout)  # real time: it is real threads that may hang
    while waiting:
        try:
            name, result, error = answers.get(timeout=limit.left)
        except queue.Empty:
            break
        waiting.discard(name)
        if isinstance(error, VdictlError):
            failures[name] = error
        elif error is not None:
            raise error
        else:
            results[name] = result  # type: ignore[assignment]  # no error: the job's own result
    for name in waiting:
        failures[name] = Unavailable(f"{name} did not answer within {timeout:.0f} seconds.", provider=name)
    return {n: results[n] for n in names if n in results}, {n: failures[n] for n in names if n in failures}
