"""Every verb that changes something, disturbed at every call that it makes: killed, Ctrl-C, refused, reply lost.

The calls are found by an undisturbed run, so that a new one is included. The same command again, from another machine
of the same user, ends as the undisturbed run did: no orphan, no double, nothing half.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.front import Result
from tests.generated.amount import everything, seed_of
from tests.generated.inprocess import Machine, Sky, sky
from vdictl.testing.world import Killed

SAMPLE = 6  #: of the disturbances of a verb


@dataclass(frozen=True)
class Verb:
    """A command, what must be there before, and with what it may end the second time besides 0: it was done."""

    before: tuple[str, ...]
    words: str
    done: frozenset[int] = frozenset()


MADE = ("create one --no-wait --label team=red",)
STOPPED = (*MADE, "stop one")
KEPT = (*MADE, "snapshot create one kept")
ARCHIVE = str(Path("../..", "here", "work", "home.tar"))  #: so both machines find it
PACKED = ("volume create work", f"volume export work {ARCHIVE}")
VERBS = {
    "create": Verb((), "create one --no-wait --label team=red"),
    "create, built first": Verb((), "create one --no-wait --flavor code --packages git"),
    "create, ephemeral": Verb((), "create one --no-wait --home ephemeral"),
    "create, stopped": Verb(STOPPED, "create one --no-wait"),
    "start": Verb(STOPPED, "start one --no-wait"),
    "stop": Verb(MADE, "stop one"),
    "restart": Verb(MADE, "restart one --no-wait"),
    "destroy": Verb(KEPT, "destroy one", frozenset({4})),
    "destroy, all of it": Verb(KEPT, "destroy one --with-volumes --with-snapshots", frozenset({4})),
    "destroy, several": Verb((*KEPT, "create two --no-wait"), "destroy --all --yes", frozenset({4})),
    "snapshot create": Verb(MADE, "snapshot create one kept", frozenset({9})),
    "snapshot delete": Verb(KEPT, "snapshot delete one kept --yes", frozenset({4})),
    "snapshot restore": Verb(KEPT, "snapshot restore one kept --yes"),
    "snapshot clone": Verb(KEPT, "snapshot clone one kept two"),
    "volume create": Verb((), "volume create work --size 5g"),
    "volume delete": Verb(("volume create work",), "volume delete work", frozenset({4})),
    "volume attach": Verb((*STOPPED, "volume create work"), "volume attach work one"),
    "volume detach": Verb(STOPPED, "volume detach one"),
    "volume export": Verb(("volume create work",), "volume export work again.tar"),
    "volume import": Verb(PACKED, f"volume import new {ARCHIVE}", frozenset({9})),
    "volume import, replacing": Verb((*PACKED, "volume create new"), f"volume import new {ARCHIVE} --replace --yes"),
    "snapshot prune": Verb(KEPT, "snapshot prune --keep 0 --yes"),
    "images build": Verb((), "images build code"),
    "images prune": Verb(("images build code --packages git",), "images prune --yes"),
}


@dataclass
class Scene:
    """A cloud, and two machines of one user."""

    sky: Sky
    here: Machine
    there: Machine

    def state(self) -> str:
        """What the cloud has, without ids, times and tokens: the same for the same things."""
        with self.sky.cloud.store.change() as state:
            machines = [
                (
                    m["name"],
                    m["status"],
                    m["plan"],
                    m["image"],
                    m["home"],
                    json.loads(m["label"]).get("labels"),
                    m["task"],
                )
                for m in state["machines"].values()
                if m["gone"] is None
            ]
            volumes = [(v["name"], v["role"], bool(v["machine"])) for v in state["volumes"].values()]
            snapshots = [(s["name"], s["image"]) for s in state["snapshots"].values()]
            images = [(name, i["ready"]) for name, i in state["images"].items()]
        open_ones = [row["operation"] for row in self.there("list", "-o", "json").data if row["operation"]]
        return json.dumps(
            [sorted(machines), sorted(volumes), sorted(snapshots), sorted(images), open_ones], default=str
        )


@contextmanager
def scene(verb: Verb) -> Iterator[Scene]:
    """What must be there before the verb is."""
    folder = Path(tempfile.mkdtemp(prefix="vdictl-steps-"))
    try:
        with sky() as above:
            programs = {"PATH": os.defpath}  # tar, for archives
            here, there = (Machine(folder / name, above, environment=dict(programs)) for name in ("here", "there"))
            it = Scene(above, here, there)
            for line in verb.before:
                made = it.here(*line.split())
                assert made.code == 0, made
            above.calm()
            yield it
    finally:
        shutil.rmtree(folder)


def clean(verb: Verb) -> tuple[list[str], str]:
    """The calls of an undisturbed run, and what is there afterwards."""
    calls: list[str] = []
    with scene(verb) as it:
        it.sky.cloud.tap = lambda name, when: calls.append(name) if when == "before" else None
        result = it.here(*verb.words.split())
        it.sky.calm()
        assert result.code == 0, result
        return calls, it.state()


def killed(it: Scene, number: int, when: str) -> None:
    it.sky.cut(number, Killed, when=when)


def interrupted(it: Scene, number: int, when: str) -> None:
    it.sky.cut(number, KeyboardInterrupt, once=True, when=when)


def _fault(it: Scene, number: int, name: str) -> None:
    """Arm the fault so that the call of this number meets it."""
    done = 0

    def tap(_: str, moment: str) -> None:
        nonlocal done
        if moment == "before":
            if done == number:
                it.sky.cloud.arm(name)
            done += 1

    it.sky.cloud.tap = tap


DISTURBED: dict[str, Callable[[Scene, int], None]] = {
    "killed before": lambda it, number: killed(it, number, "before"),
    "killed after": lambda it, number: killed(it, number, "after"),
    "Ctrl-C before": lambda it, number: interrupted(it, number, "before"),
    "Ctrl-C after": lambda it, number: interrupted(it, number, "after"),
    "reply lost": lambda it, number: _fault(it, number, "reply-lost"),
    "unavailable": lambda it, number: _fault(it, number, "unavailable"),
    "rate-limited": lambda it, number: _fault(it, number, "rate-limited"),
    "not allowed": lambda it, number: _fault(it, number, "auth-failed"),
    "lists stale": lambda it, number: _fault(it, number, "stale-list"),
    "clock a day ahead": lambda it, _: setattr(it.sky.clock, "offset", 86400.0),
    "clock a day behind": lambda it, _: setattr(it.sky.clock, "offset", -86400.0),
}
#: A single one of these, at any call, must not be noticed: the core tries again.
HARMLESS = {"clock a day ahead", "clock a day behind"}


@pytest.mark.parametrize("name", VERBS)
def test_disturbed_at_any_call_the_same_command_again_ends_as_if_nothing_had_been(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = VERBS[name]
    calls, wanted = clean(verb)
    every = [(how, number) for how in DISTURBED for number in range(1 if how in HARMLESS else len(calls))]
    if not everything():
        with capsys.disabled():
            seed = seed_of(f"{name}: {SAMPLE} of {len(every)} disturbances")
        every = random.Random(seed).sample(every, min(SAMPLE, len(every)))
    for how, number in every:
        with scene(verb) as it:
            DISTURBED[how](it, number)
            first = it.here(*verb.words.split())
            it.sky.calm()
            it.sky.clock.offset = 0.0
            told = f"{name}, {how}, call {number} ({calls[number]}): {first}"
            if first.code == 0 or how in HARMLESS:
                assert first.code == 0 and it.state() == wanted, f"{told}\n{it.state()}\n{wanted}"
                continue
            again = it.there(*verb.words.split())
            it.sky.calm()
            assert again.code in {0, *verb.done}, f"{told}\nagain: {again}"
            assert it.state() == wanted, f"{told}\nagain: {again}\n{it.state()}\n{wanted}"
            nothing_is_left(it, told)


def nothing_is_left(it: Scene, told: str) -> None:
    """Destroyed with all that goes with it, nothing of the fleet remains, and no waste is found."""
    gone: Result = it.there("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")
    assert gone.code == 0, f"{told}\ndestroy: {gone}"
    it.sky.calm()
    waste = it.there("gc", "--dry-run", "--older-than", "1s", "-o", "json")
    assert waste.code == 0 and waste.data == [], f"{told}\ngc: {waste}"
