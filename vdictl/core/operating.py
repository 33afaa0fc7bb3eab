"""Change desktops that are there: power, snapshots, mark, size, destroy. Each verb first lets an open operation end."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from vdictl.contract.capabilities import (
    SupportsAttach,
    SupportsMark,
    SupportsPower,
    SupportsResize,
    SupportsSnapshots,
)
from vdictl.contract.errors import Conflict, NotFound, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, Snapshot, State, Volume, Wish
from vdictl.core.clock import Deadline
from vdictl.core.context import Context
from vdictl.core.following import Follower, Goal
from vdictl.core.journal import Account
from vdictl.core.registry import Opened
from vdictl.core.retry import again, again_with_token

T = TypeVar("T")


def new_token() -> str:
    """A token of an operation: random, not secret, fit for a label and a tag."""
    return secrets.token_hex(8)


def is_leaving(desktop: Desktop) -> bool:
    """Whether somebody wants it gone."""
    return desktop.operation is not None and desktop.operation.wish is Wish.ABSENT


def require_time(desktop: Desktop, *, now: datetime) -> None:
    """Raise Conflict if its time is over: the guest's own timer would stop it again at once."""
    if desktop.expires is None or desktop.expires > now:
        return
    raise Conflict(
        f"The time of {desktop.name} is over since {desktop.expires:%Y-%m-%d %H:%M} UTC.",
        advice=f"Give it more time: vdictl extend {desktop.name} 8h\n"
        f"Or make it anew, its home is kept: vdictl destroy {desktop.name}; vdictl create {desktop.name}",
        provider=desktop.provider,
    )


@dataclass
class Operator:
    """Verbs on desktops of one provider."""

    context: Context
    at: Opened
    timeout: float = 300.0

    def __post_init__(self) -> None:
        """The time limit runs from here."""
        self._deadline = Deadline(self.context.clock, self.timeout)

    # -- power ----------------------------------------------------------------------------------------------------

    def start(self, desktop: Desktop) -> Desktop:
        """Start it; running already is success.

        Raises:
            Conflict: its time is over.
        """
        require_time(desktop, now=self.context.clock.now())
        power = self.at.need(SupportsPower, to="start desktops")
        return self._operate(desktop, "start", lambda d, token: power.start(d, token=token))

    def stop(self, desktop: Desktop, *, grace: float) -> Desktop:
        """Stop it; stopped already is success."""
        power = self.at.need(SupportsPower, to="stop desktops")
        return self._operate(desktop, "stop", lambda d, token: power.stop(d, token=token, grace=grace))

    def restart(self, desktop: Desktop) -> Desktop:
        """Stop and start it."""
        require_time(desktop, now=self.context.clock.now())
        power = self.at.need(SupportsPower, to="restart desktops")
        return self._operate(desktop, "restart", lambda d, token: power.restart(d, token=token))

    # -- snapshots ------------------------------------------------------------------------------------------------

    def snapshots(self) -> list[Snapshot]:
        """All of the fleet."""
        able = self.at.need(SupportsSnapshots, to="take snapshots")
        return again(lambda: list(able.snapshots()), clock=self.context.clock, deadline=self._deadline)

    def snapshot_create(self, desktop: Desktop, name: str) -> Snapshot:
        """Take a snapshot and wait until it is complete."""
        able = self.at.need(SupportsSnapshots, to="take snapshots")
        self._operate(desktop, "snapshot", lambda d, token: able.snapshot_create(d, name, token=token))
        made = [s for s in self.snapshots() if (s.desktop_key, s.name) == (desktop.key, name)]
        if not made or not made[0].complete:
            raise VdictlError(f"The snapshot {name} of {desktop.name} was not completed.", provider=self.at.name)
        return made[0]

    def snapshot_restore(self, desktop: Desktop, snapshot: Snapshot) -> Desktop:
        """Put the desktop back to the snapshot, in place."""
        able = self.at.need(SupportsSnapshots, to="restore snapshots")
        return self._operate(desktop, "restore", lambda d, token: able.snapshot_restore(d, snapshot, token=token))

    def snapshot_delete(self, snapshot: Snapshot) -> None:
        """Remove it; already gone is success."""
        able = self.at.need(SupportsSnapshots, to="delete snapshots")
        with self._told("snapshot-delete", new_token(), snapshot.desktop_key, snapshot.desktop_name):
            self._patiently(lambda: able.snapshot_delete(snapshot))

    # -- homes ----------------------------------------------------------------------------------------------------

    def volume_attach(self, desktop: Desktop, volume: Volume) -> Desktop:
        """Make `volume` the home of a desktop that is stopped."""
        able = self.at.need(SupportsAttach, to="attach volumes")
        return self._operate(desktop, "attach", lambda d, token: able.volume_attach(d, volume, token=token))

    def volume_detach(self, desktop: Desktop) -> Desktop:
        """Take the home of a desktop that is stopped away."""
        able = self.at.need(SupportsAttach, to="detach volumes")
        return self._operate(desktop, "detach", lambda d, token: able.volume_detach(d, token=token))

    # -- mark and size --------------------------------------------------------------------------------------------

    def remark(
        self,
        desktop: Desktop,
        verb: str,
        *,
        name: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        expires: datetime | None = None,
    ) -> Desktop:
        """Rewrite its mark, of one that has failed too. `verb`: what the user calls that.

        Raises:
            Conflict: the name is taken, or the desktop is being destroyed.
        """
        able = self.at.need(SupportsMark, to=f"{verb} desktops")

        def call(now: Desktop, token: str) -> Desktop:
            return able.remark(now, token=token, name=name, labels=labels, expires=expires)

        return self._operate(desktop, verb, call, until=_over)

    def resize(self, desktop: Desktop, spec: DesktopSpec) -> Desktop:
        """Change it to the size that `spec` asks for."""
        able = self.at.need(SupportsResize, to="resize desktops")
        return self._operate(desktop, "resize", lambda d, token: able.resize(d, spec, token=token))

    # -- destroy --------------------------------------------------------------------------------------------------

    def destroy(
        self, desktops: Iterable[Desktop], *, also: frozenset[str] = frozenset(), wait: bool = True
    ) -> Mapping[str, VdictlError | None]:
        """Take them away; the outcome of each by key. One that fails does not stop the others."""
        outcomes: dict[str, VdictlError | None] = {}
        accounts: dict[str, Account] = {}
        try:
            self._destroy(desktops, also, outcomes, accounts, wait=wait)
        except BaseException as error:  # Ctrl-C: those that are still open end with it
            for account in accounts.values():
                account.end(error)
            raise
        return outcomes

    def _destroy(
        self,
        desktops: Iterable[Desktop],
        also: frozenset[str],
        outcomes: dict[str, VdictlError | None],
        accounts: dict[str, Account],
        *,
        wait: bool,
    ) -> None:
        follower = Follower(self.context, self.at, self._deadline)
        for desktop in desktops:
            token = f"{desktop.key}-delete"  # a provider needs none of us: the key is as good
            accounts[desktop.key] = account = self._begin("delete", token, desktop.key, desktop.name)
            try:
                self.context.progress.step(desktop.name, "destroying")
                left = self._delete(desktop, also)
            except VdictlError as error:
                outcomes[desktop.key] = error
                account.end(error)
                continue
            if left is None or not wait:
                outcomes[desktop.key] = None
                account.end(outcome="begun" if left else "done")
            else:
                follower.add(left, self._gone(also), operation=token)
        outcomes |= follower.run()
        for key, account in accounts.items():
            account.end(outcomes[key])

    def until_gone(self, desktop: Desktop) -> None:
        """Wait for a delete that somebody began."""
        self._follow(desktop, lambda now: now is None)

    def _delete(self, desktop: Desktop, also: frozenset[str]) -> Desktop | None:
        return self._patiently(lambda: self.at.provider.delete(desktop, also=also))

    def _gone(self, also: frozenset[str]) -> Goal:
        seen: list[Desktop] = []

        def goal(now: Desktop | None) -> bool:
            if now is None:
                return True
            if is_leaving(now) or any(now is one for one in seen):
                return False
            seen[:] = [now]  # asked at every beat, and only a fresh list can tell something new
            # The wish was overwritten, or its reply lost: it is ours to say it again.
            return self._delete(now, also) is None

        return goal

    # -- waiting --------------------------------------------------------------------------------------------------

    def wait(self, desktops: Iterable[Desktop], goal: Goal) -> Mapping[str, VdictlError | None]:
        """Until each has reached the goal; the outcome of each by key."""
        follower = Follower(self.context, self.at, self._deadline)
        for desktop in desktops:
            follower.add(desktop, goal)
        return follower.run()

    def settle(self, desktop: Desktop) -> Desktop:
        """Let an open operation end, ours or anybody's.

        Raises:
            Conflict: it is being destroyed, or has failed.
        """
        if desktop.operation is None:
            return desktop
        return self._follow(desktop, _settled)

    # -- how ------------------------------------------------------------------------------------------------------

    def _operate(
        self, desktop: Desktop, verb: str, call: Callable[[Desktop, str], Desktop], *, until: Goal | None = None
    ) -> Desktop:
        desktop, token = self.settle(desktop), new_token()
        with self._told(verb, token, desktop.key, desktop.name):
            self.context.progress.step(desktop.name, verb)
            begun = self._patiently(lambda: call(desktop, token))
            return self._follow(begun, until or _settled)

    def _patiently(self, call: Callable[[], T]) -> T:
        return again_with_token(call, clock=self.context.clock, deadline=self._deadline)

    def _follow(self, desktop: Desktop, goal: Goal) -> Desktop:
        latest = [desktop]

        def watched(now: Desktop | None) -> bool:
            if now is not None:
                latest[0] = now
            return goal(now)

        error = self.wait([desktop], watched).get(desktop.key)
        if error is not None:
            raise error
        return latest[0]

    def _told(self, verb: str, token: str, key: str, name: str) -> AbstractContextManager[Account]:
        """Around one operation: the journal tells of it."""
        return self.context.journal.operation(verb, token=token, key=key, name=name, provider=self.at.name)

    def _begin(self, verb: str, token: str, key: str, name: str) -> Account:
        return self.context.journal.begin(verb, token=token, key=key, name=name, provider=self.at.name)


def _over(now: Desktop | None) -> bool:
    if now is None:
        raise NotFound("The desktop was removed by somebody else.")
    if is_leaving(now):
        raise Conflict(f"{now.name} is being destroyed.", advice=f"Wait for it: vdictl wait {now.name} --for deleted")
    return now.operation is None


def _settled(now: Desktop | None) -> bool:
    over = _over(now)
    assert now is not None  # `_over` has raised
    if now.state is State.FAILED and not now.due:
        raise Conflict(f"{now.name} has failed: {now.reason}", advice=f"Take it away: vdictl destroy {now.name}")
    return over
