"""Create: one desktop of that name in the end, whoever asks, however often, whatever got lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from vdictl.contract.capabilities import SupportsPower
from vdictl.contract.errors import Conflict, NotFound, ReplyLost
from vdictl.contract.model import Desktop, DesktopSpec, Health, State
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.following import Follower
from vdictl.core.health import Probes
from vdictl.core.inputs import Inputs
from vdictl.core.inventory import desktops_of
from vdictl.core.operating import Operator, is_leaving, new_token
from vdictl.core.registry import Opened
from vdictl.core.retry import again
from vdictl.core.sameness import elder, require_same
from vdictl.core.usability import Usability


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

    def run(self) -> Made:
        """Do it.

        Raises:
            Conflict: it is there with another spec, is being destroyed, has failed, or its home is in use.
            TimedOut: the work may go on. QuotaExceeded, Invalid, Unsupported, Unavailable: from the provider.
            Partial: the desktop waits for inputs that this machine lacks, or cannot be looked into from here.
        """
        self._deadline = Deadline(self.context.clock, self.timeout)
        self._usability = Usability(self.context, self.at, self.probes, spec=self.spec, inputs=self.inputs)
        self._desktop = self._begin()
        if self.until is not Until.BEGUN:
            self._follow()
        else:
            self._settle_race()
        self.context.progress.finish(self.spec.name, self.until.value)
        return Made(desktop=self._desktop, health=self._usability.health, how=self._how)

    # -- the first step -------------------------------------------------------------------------------------------

    def _begin(self) -> Desktop:
        twins = self._twins(desktops_of(self.context, self.at))
        if not twins:
            return self._post()
        return self._join(elder(twins))

    def _twins(self, desktops: list[Desktop]) -> list[Desktop]:
        return [d for d in desktops if (d.owner, d.name) == (self.spec.owner, self.spec.name)]

    def _post(self) -> Desktop:
        token = new_token()
        self._note("create", token)
        self.context.progress.step(self.spec.name, "asking for it")
        try:
            return again(lambda: self._create(token), clock=self.context.clock, deadline=self._deadline)
        except ReplyLost:
            return self._look_for(token)
        except Conflict as error:
            return self._lost_the_race(error)

    def _create(self, token: str) -> Desktop:
        return self.at.provider.create(self.spec, token=token)

    def _look_for(self, token: str) -> Desktop:
        """The reply was lost: the token tells whether it was done. Post once more only when it provably was not."""
        patience = Deadline(self.context.clock, max(2 * self.at.manifest.list_lag, 1.0))
        while True:
            for desktop in desktops_of(self.context, self.at):
                if desktop.key == token:
                    return desktop
            if patience.passed:
                self._note("create-again", token)
                return self._create(token)
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
            desktop = self.at.provider.desktop(desktop.key)
        move = next_move(desktop, self.spec)
        if move is Move.REPLACE:
            return self._after_the_delete(desktop)
        self._how = "found"
        return self._start(desktop) if move is Move.START else desktop

    def _start(self, desktop: Desktop) -> Desktop:
        self._how = "started"
        token = new_token()
        self._note("start", token, desktop)
        return self.at.need(SupportsPower, to="start desktops").start(desktop, token=token)

    def _after_the_delete(self, desktop: Desktop) -> Desktop:
        self.context.progress.say(f"{desktop.name} is being destroyed; waiting for that before it is made anew.")
        operator = Operator(self.context, self.at, timeout=self._deadline.left)
        operator.until_gone(desktop)
        return self._post()

    # -- until it is as asked -------------------------------------------------------------------------------------

    def _follow(self) -> None:
        self._follower = Follower(self.context, self.at, self._deadline, on_list=self._settle_twins)
        self._follower.add(self._desktop, self._reached)
        for error in self._follower.run().values():
            if error is not None:
                raise self._usability.with_evidence(error)

    def _settle_race(self) -> None:
        """`--detach`: leave only when no other create of this name can come to light any more."""
        manifest = self.at.manifest
        if manifest.list_lag:
            self.context.clock.sleep(manifest.list_lag + manifest.timestamp_unit)
        self._settle_twins(desktops_of(self.context, self.at))

    def _settle_twins(self, desktops: list[Desktop]) -> None:
        """Two machines made one name at once: the older one wins, the loser's own creator removes it."""
        twins = self._twins(desktops)
        if len(twins) < 2:
            return
        winner = elder(twins)
        for loser in twins:
            if loser is winner:
                continue
            if loser.operation is None:
                names = f"{winner.id} and {loser.id}"
                raise Conflict(f"There are two desktops called {self.spec.name}.", details=names, provider=self.at.name)
            self.at.provider.delete(loser)
            self._note("lost-race", loser.key, loser)
        if winner.key != self._desktop.key:
            self._follower.drop(self._desktop.key)
            self._desktop = self._join(winner)
            self._follower.add(self._desktop, self._reached)

    def _reached(self, desktop: Desktop | None) -> bool:
        if desktop is None:
            raise NotFound(f"{self.spec.name} was removed by somebody else.", provider=self.at.name)
        self._desktop = desktop
        if is_leaving(desktop):
            raise Conflict(f"{desktop.name} is being destroyed by somebody else.", provider=self.at.name)
        if desktop.state is State.FAILED and not desktop.due:
            raise has_failed(desktop)
        if desktop.operation is not None or desktop.state is not State.RUNNING:
            return False
        if self.until is Until.SETTLED:
            return self._usability.inputs_are_there(desktop)
        return self._usability.reached(desktop)

    def _note(self, event: str, token: str, desktop: Desktop | None = None) -> None:
        name, key = self.spec.name, desktop.key if desktop else token
        self.context.journal.note(event, operation=token, key=key, name=name, provider=self.at.name)


def has_failed(desktop: Desktop) -> Conflict:
    """The error that says so, with the reason."""
    return Conflict(
        f"{desktop.name} has failed: {desktop.reason or 'no reason is known'}",
        advice=f"See more: vdictl logs {desktop.name}; take it away: vdictl destroy {desktop.name}",
        provider=desktop.provider,
    )
