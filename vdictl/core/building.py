"""Build an image at a provider, and follow it to its end."""

from __future__ import annotations

from collections.abc import Sequence

from vdictl.contract.capabilities import SupportsImages
from vdictl.contract.errors import TimedOut, VdictlError
from vdictl.contract.model import Work
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.operating import new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again_with_token, pauses

FIRST_LOOK, LONGEST_PAUSE = 0.2, 2.0
LOSSES = 30  #: replies that may be lost one after the other: a machine that builds is busy


def build_image(
    context: Context, at: Opened, name: str, *, packages: Sequence[str] = (), retry: bool = False, timeout: float
) -> Work:
    """Begin the build of `name`, or join the one that runs, and wait for its end. Done already is success.

    `retry` begins a failed one again; without it, how it failed is told.

    Raises:
        Unsupported: the provider builds no images. Invalid: it knows no such image.
        TimedOut: the build goes on. VdictlError: it failed; `details` says where its log is.
    """
    able = at.need(SupportsImages, to="build images")
    clock, deadline, lengths = context.clock, Deadline(context.clock, timeout), pauses(FIRST_LOOK, LONGEST_PAUSE)

    def look(*, afresh: bool = False) -> Work:
        def call() -> Work:  # joins what runs, so it may be sent again
            return able.image_build(name, packages=packages, retry=afresh)

        return again_with_token(call, clock=clock, deadline=deadline, losses=LOSSES)

    with context.journal.operation("image-build", token=new_token(), key="", name=name, provider=at.name):
        work = look(afresh=retry)
        while not (work.done or work.failed):
            context.progress.step(name, work.doing or "building", done=work.progress)
            if deadline.passed:
                raise _late(at, name, work, timeout)
            clock.sleep(min(next(lengths), deadline.left))
            work = look()
        if work.failed:
            raise _failed(at, name, work)
        return work


def _late(at: Opened, name: str, work: Work, timeout: float) -> TimedOut:
    return TimedOut(
        f"The image {name} is not built yet after {timeout:.0f} seconds.",
        details=f"{work.doing}\nLog: {work.log}".strip() if work.log else work.doing,
        advice=f"The build goes on. Wait for it: vdictl images build {name}",
        provider=at.name,
    )


def _failed(at: Opened, name: str, work: Work) -> VdictlError:
    return VdictlError(
        f"The image {name} could not be built.",
        details=f"{work.reason}\nLog: {work.log}".strip() if work.log else work.reason,
        advice=f"When the cause is cured: vdictl images build {name} --retry",
        provider=at.name,
    )
