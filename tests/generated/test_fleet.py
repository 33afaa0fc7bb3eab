"""Sequences of verbs by two users, on three machines, with faults, kills and Ctrl-C, against a simple model.

After each command that was disturbed the same command is given again, from any machine of that user: then everything
is as the model says. A sample from a printed seed; all of it: `bash scripts/faults.sh`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.generated.amount import amount, seed_of
from tests.generated.inprocess import Machine, Sky, sky
from tests.generated.model import DONE, Fleet
from vdictl.testing.world import Killed

NAMES = st.sampled_from(["a", "a", "b"])
USERS = st.sampled_from(["alice", "alice", "bob"])
SNAPSHOTS = st.sampled_from(["s", "s", "t"])
PLANS = st.sampled_from(["", "", "mem-1c-1gb", "mem-2c-4gb"])


@dataclass(frozen=True)
class Trouble:
    """What happens during a command."""

    name: str = ""  #: a fault of the cloud, "kill", "ctrl-c", "jump", or nothing
    on: str = "any"
    times: int = 1
    calls: int = 0
    when: str = "before"
    machine: int = 0  #: from which of the user's machines the command is given, and again
    again: int = 0


PASSING = ("unavailable", "reply-lost", "rate-limited", "page-cut", "stale-list", "two-at-once", "slow", "delete-late")
TROUBLES = st.builds(
    Trouble,
    name=st.sampled_from(["", *PASSING, "kill", "kill", "kill", "ctrl-c", "ctrl-c", "jump"]),
    on=st.sampled_from(["any", "read", "write"]),
    times=st.integers(1, 3),
    calls=st.integers(0, 40),
    when=st.sampled_from(["before", "after"]),
    machine=st.integers(0, 1),
    again=st.integers(0, 1),
)


class TwoUsers(RuleBasedStateMachine):
    """The state machine."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="vdictl-generated-"))
        self._sky = sky()
        self.sky: Sky = self._sky.__enter__()
        self.fleet = Fleet()
        self.machines = {
            (user, number): Machine(self.folder / f"{user}{number}", self.sky, user)
            for user in ("alice", "bob")
            for number in (0, 1)
        }
        others = Machine(self.folder / "others", self.sky, "alice", environment={"VDICTL_FLEET": "other"})
        assert others("create", "a", "--no-wait", "-q").code == 0
        self.others = _raw(self.sky, "other")

    def teardown(self) -> None:
        self._sky.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    # -- the verbs -----------------------------------------------------------------------------------------------

    @rule(user=USERS, name=NAMES, plan=PLANS, home=st.sampled_from(["", "", "", "a", "x"]), trouble=TROUBLES)
    def create(self, user: str, name: str, plan: str, home: str, trouble: Trouble) -> None:
        words = ["create", name, "--no-wait", *(["--plan", plan] if plan else []), *(["--home", home] if home else [])]
        self.run(user, words, lambda fleet: fleet.create(user, name, plan, home), trouble)

    @rule(user=USERS, name=NAMES, verb=st.sampled_from(["start", "stop", "restart"]), trouble=TROUBLES)
    def power(self, user: str, name: str, verb: str, trouble: Trouble) -> None:
        state = "stopped" if verb == "stop" else "running"
        no_wait = [] if verb == "stop" else ["--no-wait"]
        self.run(user, [verb, name, *no_wait], lambda fleet: fleet.power(user, name, state), trouble)

    @rule(
        user=USERS,
        names=st.lists(NAMES, min_size=1, max_size=2, unique=True),
        homes=st.booleans(),
        snapshots=st.booleans(),
        trouble=TROUBLES,
    )
    def destroy(self, user: str, names: list[str], homes: bool, snapshots: bool, trouble: Trouble) -> None:
        also = ["--with-volumes"] * homes + ["--with-snapshots"] * snapshots

        def change(fleet: Fleet) -> int:
            return fleet.destroy(user, names, homes=homes, snapshots=snapshots)

        # Given again, those that are gone already are named too: then that is no error.
        self.run(user, ["destroy", *names, *also, "--yes"], change, trouble, ["--ignore-not-found"])

    @rule(user=USERS, desktop=NAMES, name=SNAPSHOTS, trouble=TROUBLES)
    def snapshot(self, user: str, desktop: str, name: str, trouble: Trouble) -> None:
        words = ["snapshot", "create", desktop, name]
        self.run(user, words, lambda fleet: fleet.snapshot(user, desktop, name), trouble)

    @rule(user=USERS, desktop=NAMES, name=SNAPSHOTS, trouble=TROUBLES)
    def restore(self, user: str, desktop: str, name: str, trouble: Trouble) -> None:
        words = ["snapshot", "restore", desktop, name, "--yes"]
        self.run(user, words, lambda fleet: fleet.restore(user, desktop, name), trouble)

    @rule(user=USERS, desktop=NAMES, name=SNAPSHOTS, trouble=TROUBLES)
    def forget(self, user: str, desktop: str, name: str, trouble: Trouble) -> None:
        words = ["snapshot", "delete", desktop, name, "--yes"]
        self.run(user, words, lambda fleet: fleet.forget(user, desktop, name), trouble)

    # -- how -----------------------------------------------------------------------------------------------------

    def run(
        self,
        user: str,
        words: list[str],
        change: Callable[[Fleet], int],
        trouble: Trouble,
        healing: list[str] | None = None,
    ) -> None:
        """The command with its trouble; where that was too much, the command again without; then the model's word."""
        after, expected = self.fleet.after(change)
        self.arm(trouble)
        first = self.machines[user, trouble.machine](*words)
        self.sky.calm()
        self.sky.clock.offset = 0.0
        told = f"{words}, {trouble}: {first}"
        if first.code != expected:
            assert trouble.name, told
            again = self.machines[user, trouble.again](*words, *(healing or [] if expected == DONE else []))
            done = {DONE} if expected == DONE else {expected}
            if expected == DONE and words[:2] in (["snapshot", "create"], ["snapshot", "delete"]):
                done |= {9} if words[1] == "create" else {4}  # it had come to its end
            assert again.code in done, f"{told}\nagain: {again}"
            self.sky.calm()
        elif expected != DONE:
            after = self.fleet
        self.fleet = after
        self.compare(told)

    def arm(self, trouble: Trouble) -> None:
        if trouble.name in PASSING:
            self.sky.cloud.arm(trouble.name, trouble.on, trouble.times)
        elif trouble.name == "kill":
            self.sky.cut(trouble.calls, Killed, when=trouble.when)
        elif trouble.name == "ctrl-c":
            self.sky.cut(trouble.calls, KeyboardInterrupt, once=True, when=trouble.when)
        elif trouble.name == "jump":
            self.sky.clock.offset = (trouble.calls - 20) * 86400.0

    def compare(self, told: str) -> None:
        """What the users see, and what the cloud really has, is what the model says."""
        for user in ("alice", "bob"):
            rows = self.machines[user, 0]("list", "-o", "json", "--owner", user).data
            seen = {
                (r["owner"], r["name"]): (r["state"], r["home"], r["operation"]) for r in rows if r["owner"] == user
            }
            mine = {k: (d.state, d.home, None) for k, d in self.fleet.desks.items() if k[0] == user}
            assert seen == mine, told
        raw = _raw(self.sky, "default")
        assert len(raw["machines"]) == len(self.fleet.desks), told
        assert sorted((v["owner"], v["name"]) for v in raw["volumes"]) == sorted(self.fleet.homes), f"{told}\n{raw}"
        assert all(v["role"] == "home" for v in raw["volumes"]), told
        assert len(raw["snapshots"]) == len(self.fleet.kept), told
        now = self.sky.cloud.seconds()
        assert all(s["until"] <= now for s in raw["snapshots"]), told

    @invariant()
    def the_other_fleet_is_untouched(self) -> None:
        assert _raw(self.sky, "other") == self.others

    @invariant()
    def nothing_half_is_on_the_machines(self) -> None:
        for machine in self.machines.values():
            assert not list(machine.folder.rglob("*.new")) and not list(machine.folder.rglob("*.tmp"))
            for file in machine.state.glob("journal*.jsonl"):
                assert file.read_bytes().endswith(b"\n")


def _raw(above: Sky, fleet: str) -> dict[str, list[Any]]:
    """What the cloud has of a fleet, the ended ones left out; the time of a look is none of it."""
    with above.cloud.store.change() as state:
        machines = [m for m in state["machines"].values() if m["gone"] is None and f"vdictl-{fleet}-" in m["name"]]
        volumes = [v for v in state["volumes"].values() if v["fleet"] == fleet]
        snapshots = [s for s in state["snapshots"].values() if f'"fleet":"{fleet}"' in s["label"].replace(" ", "")]
        return {"machines": [dict(m) for m in machines], "volumes": [dict(v) for v in volumes], "snapshots": snapshots}


def test_two_users_and_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        number = seed_of("sequences of verbs")
    run_state_machine_as_test(seed(number)(TwoUsers), settings=amount(10, 400, steps=20))
