"""What is left to do of an operation: by what the provider says of its desktop now, or by the journal alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vdictl.contract.errors import NotFound, VdictlError
from vdictl.contract.model import Desktop, State
from vdictl.core.chronicle import Story
from vdictl.core.clock import Deadline
from vdictl.core.context import CALL_SECONDS, Context
from vdictl.core.fanout import gather
from vdictl.core.operating import is_leaving
from vdictl.core.retry import again

#: Verbs whose end no desktop shows, and what does instead; {0}: what they were about.
INSTEAD: Mapping[str, str] = {
    "image-build": "The same again goes on with it: vdictl images build {0}",
    "snapshot-delete": "See which are there: vdictl snapshot list {0}",
    "volume-create": "See which are there: vdictl volume list",
    "volume-delete": "See which are there: vdictl volume list",
    "stray-delete": "See what is left: vdictl gc --dry-run",
    "share": "See which hold: vdictl share list {0}",
    "share-revoke": "See which hold: vdictl share list {0}",
}


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How it stands now."""

    asked: bool  #: whether the provider has answered
    desktop: Desktop | None = None  #: as it is now
    left: str  #: a sentence
    advice: str = ""
    silent: VdictlError | None = None  #: why it could not be asked


def look(context: Context, story: Story) -> Outlook:
    """Ask the provider for the desktop, in the fleet where it was; a silent one is no error."""
    first = story.first
    if not first.key or first.verb in INSTEAD:
        return _from_the_journal(story, None)
    there = replace(context, fleet=first.fleet or context.fleet, _open={})
    try:
        answers, failures = gather(
            {first.provider: lambda: _ask(there, first.provider, first.key)}, timeout=CALL_SECONDS
        )
    finally:
        there.close()
    if first.provider in failures:
        return _from_the_journal(story, failures[first.provider])
    return _judge(story, answers[first.provider])


def _ask(context: Context, provider: str, key: str) -> Desktop | None:
    at = context.open(provider)
    deadline = Deadline(context.clock, CALL_SECONDS / 2)
    try:
        return again(lambda: at.provider.desktop(key), clock=context.clock, deadline=deadline)
    except NotFound:
        return None


def _judge(story: Story, now: Desktop | None) -> Outlook:
    if now is None:
        return _gone(story)
    verb, name, operation = story.first.verb, now.name, now.operation
    doing = now.doing or now.state.value

    def told(left: str, advice: str) -> Outlook:
        return Outlook(asked=True, desktop=now, left=left, advice=advice)

    if is_leaving(now):
        finish = f"Finish it: vdictl wait {name} --for deleted"
        return told(f"{name} is being destroyed, and that is not finished: {doing}.", finish)
    finish = f"Finish it: vdictl wait {name} --for running"
    if operation is not None and operation.token == story.first.operation:
        undo = f"\nUndo it: vdictl destroy {name}" if verb == "create" else ""
        return told(f"It is not finished: {doing}.", finish + undo)
    if operation is not None:
        return told(f"It is over, and another goes on: {operation.verb}: {doing}.", finish)
    if verb == "delete":
        again = f"Destroy it: vdictl destroy {name}"
        return told(f"{name} is there ({now.state.value}), and nothing destroys it now.", again)
    if now.state is State.FAILED:
        advice = f"See why: vdictl logs {name}\nTake it away: vdictl destroy {name}"
        return told(f"{name} has failed: {now.reason or 'no reason is known'}.", advice)
    return told(f"Nothing is left to do: {name} is {now.state.value}.", _look_closer(story, name))


def _gone(story: Story) -> Outlook:
    name, provider = story.first.name, story.first.provider
    if story.first.verb == "delete":
        return Outlook(asked=True, left=f"Nothing is left to do: {name} is gone.")
    left = f"Nothing is left to do: {name} was removed since."
    if story.first.verb == "create" and story.end is None and story.settled is None:
        left = f"There is no such desktop at {provider}: {name} was not made, or was removed since."
    advice = f"See whether something stayed behind: vdictl gc --dry-run -p {provider}"
    return Outlook(asked=True, left=left, advice=advice)


def _look_closer(story: Story, name: str) -> str:
    unseen = story.first.verb in {"create", "start", "restart", "restore"} and story.end is None
    return f"Whether it is usable was not seen to the end. Look: vdictl health {name}" if unseen else ""


def _from_the_journal(story: Story, silent: VdictlError | None) -> Outlook:
    end = story.end
    known = True
    if end is not None and end.outcome in {"done", "joined"}:
        left = "By the journal alone, nothing is left to do."
    elif story.settled is not None:
        left = "By the journal alone, no step of it remained."
    else:
        left, known = "By the journal alone it is not known whether something is left to do.", False
    advice = "" if known and silent is None else _again(story, story.first.name)
    return Outlook(asked=False, left=left, advice=advice, silent=silent)


def _again(story: Story, name: str) -> str:
    again = f"Look again when it answers: vdictl journal show {story.first.operation}"
    return INSTEAD.get(story.first.verb, again).format(name)
