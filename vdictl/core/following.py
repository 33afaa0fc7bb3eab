"""Follow desktops of one provider until each is where it should be: one list call a tick, however many there are.

This is the only place where steps are strung together (`advance`), and the only loop that waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from vdictl.contract.errors import NotFound, RateLimited, ReplyLost, TimedOut, VdictlError
from vdictl.contract.model import Desktop
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.registry import Opened
from vdictl.core.retry import pauses

FIRST_TICK, LONGEST_TICK = 0.5, 5.0
FIRST_BEAT, LONGEST_BEAT = 0.1, 1.0
BEAT_SHARE = 0.1  #: of the time waited so far: so much later than it could at most is a change seen, within the two

#: Told what the desktop is now (`None`: a successful call said that it is gone) and whether this is fresh from a list.
#: Gives True when it is where it should be; raises what ends the waiting for this one.
Goal = Callable[[Desktop | None], bool]


@dataclass
class _Target:
    goal: Goal
    desktop: Desktop | None
    operation: str = ""  #: the journal's name for what is followed; empty: the token of what is open there
    trouble: VdictlError | None = None  #: the last passing one: evidence if time runs out


@dataclass
class Follower:
    """Follows some desktops of one provider."""

    context: Context
    at: Opened
    deadline: Deadline
    #: Told of every complete list, before the goals are: may change targets (twins of one name).
    on_list: Callable[[list[Desktop]], None] = lambda _: None
    _targets: dict[str, _Target] = field(default_factory=dict)
    ended: dict[str, VdictlError | None] = field(default_factory=dict)  #: by key; None: the goal is reached
    _not_before: float = 0.0  #: the provider has asked for patience until then

    def add(self, desktop: Desktop, goal: Goal, *, operation: str = "") -> None:
        """Follow this one too. `operation`: under what name the journal has what is done to it, if not its token's."""
        self._targets[desktop.key] = _Target(goal, desktop, operation)

    def drop(self, key: str) -> None:
        """Follow this one no more."""
        self._targets.pop(key, None)

    def run(self) -> Mapping[str, VdictlError | None]:
        """Until every target has reached its goal, failed or run out of time; each outcome by key."""
        clock, since = self.context.clock, self.context.clock.monotonic()
        ticks = pauses(FIRST_TICK, LONGEST_TICK)
        next_list = since + next(ticks)
        self._look_at_all(advance=True)
        while self._targets and not self.deadline.passed:
            beat = _beat(clock.monotonic() - since)
            clock.sleep(min(max(beat, self._not_before - clock.monotonic()), self.deadline.left))
            listed = clock.monotonic() >= next_list
            if listed:
                if self._refresh():  # where one step has ended the next is soon due
                    ticks, since = pauses(FIRST_TICK, LONGEST_TICK), clock.monotonic()
                next_list = clock.monotonic() + next(ticks)
            self._look_at_all(advance=listed)
        for key, target in self._targets.items():
            self.ended[key] = self._timed_out(target)
        self._targets.clear()
        return self.ended

    def _refresh(self) -> bool:
        """List. Whether something has moved on since the last time."""
        try:
            desktops = list(self.at.provider.desktops())
        except VdictlError as error:
            self._suffer(error)
            return False
        self.on_list(desktops)
        by_key, moved = {desktop.key: desktop for desktop in desktops}, False
        for key, target in list(self._targets.items()):
            target.trouble = None
            before = target.desktop
            target.desktop = by_key.get(key) or (before and self._confirm(key, target, before))
            self._note_settled(target, before)
            moved |= _place(before) != _place(target.desktop)
        return moved

    def _confirm(self, key: str, target: _Target, desktop: Desktop) -> Desktop | None:
        """Not being listed may be the list's lag: "gone" is concluded from asking for the thing itself.

        By `advance`, which knows the thing by its id; a provider may look for a key in the very list that lags.
        """
        try:
            return self.at.provider.advance(desktop)
        except NotFound:
            return None
        except VdictlError as error:
            self._trouble(key, target, error)
            return desktop

    def _suffer(self, error: VdictlError) -> None:
        for key, target in list(self._targets.items()):
            self._trouble(key, target, error)

    def _trouble(self, key: str, target: _Target, error: VdictlError) -> None:
        """Passing trouble is evidence, should time run out; other trouble ends the waiting for this one.

        A lost reply passes too: what a step has done is seen by looking, and each knows by its token whether it was.
        """
        target.trouble = error
        if isinstance(error, RateLimited) and error.retry_after is not None:
            self._not_before = max(self._not_before, self.context.clock.monotonic() + error.retry_after)
        if not (error.passing or isinstance(error, ReplyLost)):
            self._end(key, error)

    def _look_at_all(self, *, advance: bool) -> None:
        for key, target in list(self._targets.items()):
            try:
                if advance:
                    self._advance(target)
                self._tell(target.desktop)
                if target.goal(target.desktop):
                    self._end(key, None)
            except VdictlError as error:
                self._trouble(key, target, error)

    def _advance(self, target: _Target) -> None:
        """Steps that are due now, one after the other; each is told in the journal."""
        for _ in range(20):  # no operation has more steps; a provider that is always due must not hold the others
            desktop = target.desktop
            if desktop is None or not desktop.due:
                return
            try:
                target.desktop = after = self.at.provider.advance(desktop)
            except NotFound:
                target.desktop = None
                self._note_settled(target, desktop)
                return
            self._note("step", target, desktop)
            self._note_settled(target, desktop)
            if replace(after, progress=None) == replace(desktop, progress=None):
                return  # nothing changed: the next step needs time

    def _tell(self, desktop: Desktop | None) -> None:
        if desktop is not None and desktop.doing:
            self.context.progress.step(desktop.name, desktop.doing, done=desktop.progress)

    def _note_settled(self, target: _Target, before: Desktop | None) -> None:
        """Note that no step of an operation remains: seen, whoever has done the last one."""
        if before is not None and before.operation is not None:
            now = target.desktop.operation if target.desktop else None
            if now is None or now.token != before.operation.token:
                self._note("settled", target, before)

    def _note(self, event: str, target: _Target, desktop: Desktop) -> None:
        if (operation := desktop.operation) is not None:
            token = target.operation or operation.token
            facts = {"operation": token, "verb": operation.verb, "key": desktop.key, "name": desktop.name}
            doing = desktop.doing if event == "step" else ""
            self.context.journal.note(event, provider=self.at.name, doing=doing, **facts)

    def _end(self, key: str, error: VdictlError | None) -> None:
        self._targets.pop(key, None)
        self.ended[key] = error

    def _timed_out(self, target: _Target) -> TimedOut:
        desktop, trouble = target.desktop, target.trouble
        name = desktop.name if desktop else "the desktop"
        evidence = [desktop.doing or desktop.state.value, desktop.reason] if desktop else []
        evidence += [f"{trouble.brief} {trouble.details}".strip()] if trouble else []
        return TimedOut(
            f"{name} is not there yet after {self.deadline.seconds:.0f} seconds.",
            details="\n".join(filter(None, evidence)),
            advice=f"The work may go on. Look: vdictl show {name}; wait on: vdictl wait {name}",
            provider=self.at.name,
        )


def _beat(waited: float) -> float:
    """Seconds until the next look, after so many of waiting; many clients do not look in step."""
    return next(pauses(min(max(FIRST_BEAT, waited * BEAT_SHARE), LONGEST_BEAT)))


def _place(desktop: Desktop | None) -> tuple[object, ...] | None:
    """How far it is, without what changes all the time (progress of a build, words)."""
    return (desktop.state, desktop.due, desktop.operation, desktop.id) if desktop else None
