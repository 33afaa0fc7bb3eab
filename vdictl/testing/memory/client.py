"""One client of the cloud in memory: how a request is sent, and how a machine is changed."""

from __future__ import annotations

import contextlib
import copy
import shutil
from collections.abc import Callable
from typing import Any

from vdictl.testing.memory import faults
from vdictl.testing.memory.cloud import Cloud, CloudError, Raw
from vdictl.testing.memory.store import State


class Client:
    """Sends requests with a token and a time limit."""

    def __init__(
        self,
        cloud: Cloud,
        *,
        token: str = "",
        timeout: float = 30.0,
        throttle: Callable[[], None] | None = None,
        faults: str = "",
    ) -> None:
        """Nothing is sent. `throttle` is called before each request; `faults` (see there) are armed at the first."""
        self.cloud, self._token, self._timeout = cloud, token, timeout
        self._throttle, self._faults = throttle or (lambda: None), faults

    def _read(self, name: str) -> contextlib.AbstractContextManager[State]:
        return self._call(name, "read")

    def _write(self, name: str) -> contextlib.AbstractContextManager[State]:
        return self._call(name, "write")

    def _call(self, name: str, kind: str) -> contextlib.AbstractContextManager[State]:
        self._throttle()
        if self._faults:
            self.cloud.seed(self._faults)
            self._faults = ""
        return self.cloud.call(name, kind, token=self._token, timeout=self._timeout)

    def _own(self, state: State, machine: Raw) -> Raw:
        """The machine to change. 412 when somebody has changed it since `machine` was read."""
        it = machine_of(state, machine["id"])
        if faults.take(state, "change_machine", "write", only=_TWO_AT_ONCE):
            it["revision"] += 1
        if it["revision"] != machine["revision"]:
            raise CloudError(412, "changed", f"machine {it['id']} was changed meanwhile")
        return it

    def _change(self, name: str, machine: Raw, change: Callable[[State, Raw], Any]) -> Raw:
        with self._write(name) as state:
            it = self._own(state, machine)
            change(state, it)
            it["revision"] += 1
            return self._shown(it)

    def _shown(self, machine: Raw) -> Raw:
        """The machine as the cloud tells it, with what its guest says: have its inputs been delivered?"""
        root = self.cloud.store.peek()
        return copy.deepcopy(machine) | {
            "delivered": bool(root and (root / "machines" / machine["id"] / "inputs.json").exists())
        }

    def _task(
        self, name: str, machine: Raw, request: str, *, seconds: float, status: str, then: str, **more: Any
    ) -> Raw:
        def change(_: State, it: Raw) -> None:
            if request not in it["done"]:
                it["done"].append(request)
                it["log"].append(f"{self.cloud.clock.now().isoformat(timespec='seconds')} {name}")
                task = {"request": request, "until": self.cloud.seconds() + seconds, "then": then}
                it.update(status=status, task=task, **more)

        return self._change(name, machine, change)

    def _cut(self, things: list[Raw], cursor: int) -> tuple[list[Raw], int | None]:
        end = cursor + self.cloud.pace.page
        return [copy.deepcopy(each) for each in things[cursor:end]], end if end < len(things) else None

    def _copy(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        root = self.cloud.store.peek()
        if root and source[1] and root.joinpath(*source).is_dir():
            shutil.copytree(root.joinpath(*source), root.joinpath(*target), symlinks=True)

    def _remove(self, kind: str, id: str) -> None:
        root = self.cloud.store.peek()
        if root:
            shutil.rmtree(root / kind / id, ignore_errors=True)

    def _bytes(self, kind: str, id: str) -> int:
        root = self.cloud.store.peek()
        files = (root / kind / id).rglob("*") if root else ()
        return sum(file.stat().st_size for file in files if file.is_file())


_TWO_AT_ONCE = frozenset({"two-at-once"})


def page_name(name: str, cursor: int) -> str:
    """The name of the call for a page: faults tell the first from the others."""
    return f"{name}+next" if cursor else name


def new_id(state: State, request: str, letter: str) -> str:
    """A new id, remembered for the `request` that made it."""
    state["number"] += 1
    id = f"{letter}-{state['number']:04d}"
    state["tokens"][request] = id
    return id


def machine_of(state: State, id: str) -> Raw:
    """The machine itself, to be changed; 404 when it is gone."""
    machine: Raw | None = state["machines"].get(id)
    if machine is None or machine["gone"] is not None:
        raise CloudError(404, "machine", f"no machine {id}")
    return machine


def volume_of(state: State, id: str) -> Raw:
    """The disk itself, to be changed; 404 when it is gone."""
    volume: Raw | None = state["volumes"].get(id)
    if volume is None:
        raise CloudError(404, "volume", f"no volume {id}")
    return volume
