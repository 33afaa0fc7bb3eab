"""One question to all configured providers that can answer it, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from vdictl.contract.errors import VdictlError
from vdictl.core.clock import Deadline
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather, require_all
from vdictl.core.inventory import configured
from vdictl.core.registry import Opened
from vdictl.core.retry import again

C = TypeVar("C")
T = TypeVar("T")


@dataclass(frozen=True)
class Answers(Generic[T]):
    """What each provider said, and which could not be asked."""

    given: Mapping[str, list[T]]
    failures: Mapping[str, VdictlError]

    def require_complete(self) -> None:
        """Raise Partial, naming the providers that did not answer."""
        require_all(self.failures)


def ask(
    context: Context, only: str, capability: type[C], question: Callable[[C], Iterable[T]], *, to: str
) -> Answers[T]:
    """Ask all that have the capability, `only` that one if it is named; `to` says what for ("list plans").

    Raises:
        Unsupported: the named one cannot. What the named one raises.
        NotConfigured: no provider is.
    """
    opened = [context.open(name) for name in configured(context, only)]
    if only:
        opened[0].need(capability, to=to)
    jobs = {at.name: partial(_patiently, context, at, capability, question, to) for at in opened if at.can(capability)}
    answers, failures = gather(jobs, timeout=2 * CALL_SECONDS)
    if only and failures:
        raise failures[only]
    return Answers(answers, failures)


def _patiently(
    context: Context, at: Opened, capability: type[C], question: Callable[[C], Iterable[T]], to: str
) -> list[T]:
    able = at.need(capability, to=to)
    deadline = Deadline(context.clock, CALL_SECONDS)
    return again(lambda: list(question(able)), clock=context.clock, deadline=deadline)
