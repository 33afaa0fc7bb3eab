"""Create: one desktop of that name in the end, whoever asks, however often, whatever got lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from vdictl.contract.capabilities import SupportsPower
from vdictl.contract.errors import Conflict, NotFound, ReplyLost
from vdictl.contract.model import Desktop, DesktopSpec, Endpoint, Health, State
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.following import Follower
from vdictl.core.health import Probes
from vdictl.core.inputs import Inputs
from vdictl.core.inventory import desktops_of
from vdictl.core.journal import Account
from vdictl.core.operating import Operator, is_leaving, new_token, require_time
from vdictl.core.registry import Opened
from vdictl.core.retry import again, again_with_token
from vdictl.core.sameness import elder, require_same
from vdictl.core.usability import Usability

T = TypeVar("T")


class Until(StrEnum):
    """How far a create waits."""

    USABLE = "usable"  #: a person could work
    SETTLED = "settled"  #: no step of ours remains
    BEGUN = "begun"  #: the first step is done; whoever comes next does the rest


class Move(StrEnum):
    """What a create of a name would do next."""

    CREATE = "create"
    REPLACE = "replace"  #: it is being destroyed: wait for that, then make it anew
    FINISH = "finish"  #: it is half made, or something else goes on with it
    START = "start"
    NOTHING = "nothing"


def next_move(desktop: Desktop | None, spec: DesktopSpec) -> Move:
    """What a create of `spec` does where `desktop` (with its spec) has this name.

    Raises:
        Conflict: it is there with another spec, or has failed for good.
    """
    if desktop is None:
        return Move.CREATE
    if is_leaving(desktop):
        return Move.REPLACE
    require_same(desktop, spec)
    if desktop.state is State.FAILED and not desktop.due:
        raise has_failed(desktop)
    if desktop.operation is not None:
        return Move.FINISH
    return Move.START if desktop.state in {State.STOPPED, State.PARKED} else Move.NOTHING


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a create ended with."""

    desktop: Desktop
    health: Health | None
    how: str  #: created | found | started
    endpoints: Sequence[Endpoint] = ()  #: the ways in, as far as they were looked at


@dataclass
class Creator:
    """One create."""

    context: Context
    at: Opened
    spec: DesktopSpec
    probes: Probes
    inputs: Inputs | None = None
    until: Until = Until.USABLE
    timeout: float = 900.0
    _how: str = "created"
    _usability: Usability = field(init=False)
    _deadline: Deadline = field(init=False)
    _desktop: Desktop = field(init=False)
    _follower: Follower = field(init=False)
    _account: Account | None = None  #: of the create or start that is ours
    _race: Deadline | None = None  #: None: no other create of this name can come to light any more

    def run(self) -> Made:
        """Do it.

        Raises:
            Conflict: it is there with another spec, is being destroyed, has failed, or its home is in use.
            TimedOut: the work may go on. QuotaExceeded, Invalid, Unsupported, Unavailable: from the provider.
            Partial: the desktop waits for inputs that this machine lacks, or cannot be looked into from here.
        """
        self._deadline = Deadline(self.context.clock, self.timeout)
        self._usability = Usability(self.context, self.at, self.probes, spec=self.spec, inputs=self.inputs)
        self._follower = Follower(self.context, self.at, self._deadline, on_list=self._settle_twins)
        try:
            self._make()
        except BaseException as error:
            self._end(error)
            raise
        self._end()
        self.context.progress.finish(self.spec.name, self.until.value)
        ways = self._usability.ladder.known.get(self._desktop.key, ())
        return Made(desktop=self._desktop, health=self._usability.health, how=self._how, endpoints=ways)

    def _make(self) -> None:
        self._desktop = self._begin()
        if self.until is Until.BEGUN:
            self._settle_race()
        else:
            self._follow()

    # -- the first step -------------------------------------------------------------------------------------------

    def _begin(self) -> Desktop:
        twins = self._twins(desktops_of(self.context, self.at))
        if len(twins) > 1:
            self._race = self._until_the_race_is_over()
        return self._join(elder(twins)) if twins else self._post()

    def _twins(self, desktops: list[Desktop]) -> list[Desktop]:
        """Those of this name; what is leaving counts only where there is nothing else."""
        named = [d for d in desktops if (d.owner, d.name) == (self.spec.owner, self.spec.name)]
        return [d for d in named if not is_leaving(d)] or named

    def _post(self) -> Desktop:
        token = new_token()
        self._tell("create", token, token)
        self.context.progress.step(self.spec.name, "asking for it")
        self._race = self._until_the_race_is_over()
        try:
            return self._create_or_look(token)
        except Conflict as error:
            return self._lost_the_race(error)

    def _create_or_look(self, token: str) -> Desktop:
        try:
            return self._patiently(lambda: self.at.provider.create(self.spec, token=token))
        except ReplyLost:
            return self._look_for(token)

    def _patiently(self, call: Callable[[], T]) -> T:
        return again(call, clock=self.context.clock, deadline=self._deadline)

    def _patiently_with_token(self, call: Callable[[], T]) -> T:
        return again_with_token(call, clock=self.context.clock, deadline=self._deadline)

    def _until_the_race_is_over(self) -> Deadline:
        """So long another create of this name may still come to light."""
        manifest = self.at.manifest
        lag = manifest.list_lag + manifest.timestamp_unit if manifest.list_lag else 0.0
        return Deadline(self.context.clock, lag)

    def _look_for(self, token: str) -> Desktop:
        """The reply was lost: the token tells whether it was done. Post once more only when it provably was not."""
        patience = Deadline(self.context.clock, max(2 * self.at.manifest.list_lag, 1.0))
        while True:
            for desktop in desktops_of(self.context, self.at):
                if desktop.key == token:
                    return desktop
            if patience.passed:
                self.context.journal.note("again", **self._facts("create", token, token))
                return self._patiently_with_token(lambda: self.at.provider.create(self.spec, token=token))
            self.context.clock.sleep(0.5)

    def _lost_the_race(self, error: Conflict) -> Desktop:
        """Somebody else was quicker with this name, or the conflict is about something else."""
        twins = self._twins(desktops_of(self.context, self.at))
        if not twins:
            raise error
        return self._join(elder(twins))

    # -- it is there already --------------------------------------------------------------------------------------

    def _join(self, desktop: Desktop) -> Desktop:
        if desktop.spec is None and not is_leaving(desktop):
            key = desktop.key
            desktop = self._patiently(lambda: self.at.provider.desktop(key))
        move = next_move(desktop, self.spec)
        if move is Move.REPLACE:
            return self._after_the_delete(desktop)
        self._how = "found"
        if move is Move.FINISH and (operation := desktop.operation):
            facts = self._facts(operation.verb, operation.token, desktop.key)
            self.context.journal.note("resume", **facts)
        return self._start(desktop) if move is Move.START else desktop

    def _start(self, desktop: Desktop) -> Desktop:
        require_time(desktop, now=self.context.clock.now())
        self._how = "started"
        token = new_token()
        self._tell("start", token, desktop.key)
        power = self.at.need(SupportsPower, to="start desktops")
        return self._patiently_with_token(lambda: power.start(desktop, token=token))

    def _after_the_delete(self, desktop: Desktop) -> Desktop:
        self.context.progress.say(f"{desktop.name} is being destroyed; waiting for that before it is made anew.")
        operator = Operator(self.context, self.at, timeout=self._deadline.left)
        operator.until_gone(desktop)
        return self._post()

    # -- until it is as asked -------------------------------------------------------------------------------------

    def _follow(self) -> None:
        self._follower.add(self._desktop, self._reached)
        if self._race is not None:  # before the first step: it could take a home that the older one needs
            self._settle_twins(desktops_of(self.context, self.at))
        while True:
            try:
                return self._run_follower()
            except (Conflict, NotFound):
                if not self._another_has_won():
                    raise

    def _another_has_won(self) -> bool:
        """Ours came to nothing because of an older one of this name: that one is followed from here on."""
        mine = self._desktop.key
        twins = self._twins(desktops_of(self.context, self.at))
        winner = elder(twins) if twins else None
        if winner is None or winner.key == mine or is_leaving(winner) or not self._is_there(winner):
            return False
        self._follower.ended.pop(mine, None)
        self._settle_twins(twins)
        if self._desktop.key == mine:  # ours is gone already, and there was nothing to settle
            self._desktop = self._join(winner)
            self._follower.add(self._desktop, self._reached)
        return True

    def _run_follower(self) -> None:
        outcomes = self._follower.run()
        if error := outcomes.get(self._desktop.key):
            raise self._usability.with_evidence(error)
        for other in outcomes.values():
            if other is not None:
                self.context.progress.warn(f"A twin of {self.spec.name} is left over: {other.brief}")

    def _settle_race(self) -> None:
        """Leave only when no other create of this name can come to light any more."""
        if self._race is not None:
            self.context.clock.sleep(self._race.left)
            self._settle_twins(desktops_of(self.context, self.at))
            self._follower.drop(self._desktop.key)
            self._run_follower()  # of losers, if there are any

    def _settle_twins(self, desktops: list[Desktop]) -> None:
        """Two machines made one name at once: the older one wins, whoever finishes it removes the loser."""
        if self._race is not None and self._race.passed:
            self._race = None  # this list shows all there can be
        twins = self._twins(desktops)
        if len(twins) < 2:
            return
        winner = elder(twins)
        if winner.key != self._desktop.key and not self._is_there(winner):
            return  # the list shows what is gone: nothing is removed because of a ghost
        lost = winner.key != self._desktop.key
        if lost:
            self._follower.drop(self._desktop.key)
        for loser in twins:
            if loser is not winner:
                self._remove_loser(loser, winner)
        if lost:
            self._desktop = self._join(winner)
            self._follower.add(self._desktop, self._reached)

    def _is_there(self, desktop: Desktop) -> bool:
        try:
            return not is_leaving(self._patiently(lambda: self.at.provider.desktop(desktop.key)))
        except NotFound:
            return False

    def _remove_loser(self, loser: Desktop, winner: Desktop) -> None:
        if loser.operation is None or loser.operation.verb != "create":  # it has been a desktop already
            names = f"{winner.id} and {loser.id}"
            raise Conflict(f"There are two desktops called {self.spec.name}.", details=names, provider=self.at.name)
        self.context.journal.note("lost-race", **self._facts("create", loser.key, loser.key))
        left = self._patiently_with_token(lambda: self.at.provider.delete(loser))
        if left is not None:
            self._follower.add(left, lambda now: now is None)

    def _reached(self, desktop: Desktop | None) -> bool:
        if desktop is None:
            raise NotFound(f"{self.spec.name} was removed by somebody else.", provider=self.at.name)
        self._desktop = desktop
        if is_leaving(desktop):
            raise Conflict(f"{desktop.name} is being destroyed by somebody else.", provider=self.at.name)
        if desktop.state is State.FAILED and not desktop.due:
            raise has_failed(desktop)
        if desktop.operation is None and desktop.state in {State.STOPPED, State.PARKED}:
            self._require_still_wanted(desktop)
        if desktop.operation is not None or desktop.state is not State.RUNNING or not self._is_the_only_one():
            return False
        if self.until is Until.SETTLED:
            return self._usability.inputs_are_there(desktop)
        return self._usability.reached(desktop)

    def _is_the_only_one(self) -> bool:
        """Whether a list has been seen that shows every other create of this name, and it is still this one."""
        key = self._desktop.key
        if self._race is not None and self._race.passed:
            self._settle_twins(desktops_of(self.context, self.at))
        return self._race is None and self._desktop.key == key

    def _require_still_wanted(self, desktop: Desktop) -> None:
        """A list may lag behind our start; what really was stopped meanwhile will not run by waiting.

        Raises:
            Conflict: somebody stopped it, or it stopped by itself.
        """
        now = self._patiently(lambda: self.at.provider.advance(desktop))  # no step is open: it only looks
        if now.operation is None and now.state is desktop.state:
            raise Conflict(
                f"{desktop.name} is {now.state.value}: somebody stopped it meanwhile, or it ended by itself.",
                details=now.reason,
                advice=f"See what it says: vdictl logs {desktop.name}; start it: vdictl start {desktop.name}",
                provider=self.at.name,
            )

    # -- what the journal tells -----------------------------------------------------------------------------------

    def _facts(self, verb: str, token: str, key: str) -> dict[str, str]:
        return {"verb": verb, "operation": token, "key": key, "name": self.spec.name, "provider": self.at.name}

    def _tell(self, verb: str, token: str, key: str) -> None:
        self._account = self.context.journal.begin(
            verb, token=token, key=key, name=self.spec.name, provider=self.at.name
        )

    def _end(self, error: BaseException | None = None) -> None:
        if self._account is None:
            return
        joined = error is None and self._account.facts["key"] != self._desktop.key  # that of a quicker create
        ended = "joined" if joined else "begun" if self.until is Until.BEGUN else "done"
        self._account.end(error, outcome=ended)


def has_failed(desktop: Desktop) -> Conflict:
    """The error that says so, with the reason."""
    return Conflict(
        f"{desktop.name} has failed: {desktop.reason or 'no reason is known'}",
        advice=f"See more: vdictl logs {desktop.name}; take it away: vdictl destroy {desktop.name}",
        provider=desktop.provider,
    )
