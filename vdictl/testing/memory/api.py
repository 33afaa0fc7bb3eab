"""The calls that the cloud in memory answers: one client of it, with a token and a time limit."""

from __future__ import annotations

from typing import Any

from vdictl.testing.memory import faults, offer
from vdictl.testing.memory.client import Client, machine_of, new_id, page_name, volume_of
from vdictl.testing.memory.cloud import CloudError, Raw
from vdictl.testing.memory.store import State


class Api(Client):
    """Every method is one request, and raises `CloudError` or `ConnectionLost`."""

    # -- reading -----------------------------------------------------------------------------------------------------

    def whoami(self) -> Raw:
        """The account."""
        with self._read("whoami") as state:
            return {"id": state["account"], "name": "in memory"}

    def machines(self, cursor: int = 0) -> tuple[list[Raw], int | None]:
        """A page, and where the next begins. Lags behind by `Pace.lag`."""
        now, lag = self.cloud.seconds(), self.cloud.pace.lag
        with self._read(page_name("list_machines", cursor)) as state:
            stale = faults.lasting(state, now)
            moment = now - lag if stale is None else stale - 0.001  # what was made in that moment is not in it
            there = [
                machine
                for machine in state["machines"].values()
                if machine["created"] <= moment and (machine["gone"] is None or machine["gone"] > moment)
            ]
            page, after = self._cut(there, cursor)
            return [self._shown(machine) for machine in page], after

    def volumes(self, cursor: int = 0) -> tuple[list[Raw], int | None]:
        """A page, and where the next begins."""
        with self._read(page_name("list_volumes", cursor)) as state:
            return self._cut(list(state["volumes"].values()), cursor)

    def snapshots(self, cursor: int = 0) -> tuple[list[Raw], int | None]:
        """A page, and where the next begins."""
        now = self.cloud.seconds()
        with self._read(page_name("list_snapshots", cursor)) as state:
            page, after = self._cut(list(state["snapshots"].values()), cursor)
            return [each | {"ready": now >= each["until"]} for each in page], after

    def images(self) -> list[Raw]:
        """Those on offer, and those that were built."""
        with self._read("list_images") as state:
            return [offer.image(name, state) for name in (*offer.IMAGES, *sorted(set(state["images"]) - offer.NAMES))]

    def machine(self, id: str) -> Raw:
        """One machine, as it is now. 404 when it is gone."""
        with self._read("get_machine") as state:
            return self._shown(machine_of(state, id))

    # -- machines ----------------------------------------------------------------------------------------------------

    def create_machine(self, *, name: str, label: str, request: str, **more: Any) -> Raw:
        """A new machine, off and without a disk. The same `request` gives the same machine."""
        with self._write("create_machine") as state:
            if request in state["tokens"]:
                return self._shown(machine_of(state, state["tokens"][request]))
            machine = {
                "id": new_id(state, request, "m"),
                "name": name,
                "label": label,
                "revision": 1,
                "created": self.cloud.seconds(),
                "gone": None,
                "status": "off",
                "task": None,
                "done": [],
                "boots": 0,
                "volume": "",
                "log": [],
                "never_ready": faults.take(state, "create_machine", "write", only=_NEVER_READY) is not None,
                **more,
            }
            state["machines"][machine["id"]] = machine
            return self._shown(machine)

    def label_machine(self, machine: Raw, *, label: str, **more: Any) -> Raw:
        """Write the label (and other fields), if nobody has changed the machine since it was read (else 412).

        Another `expires` reaches the guest at once, or at its next start.
        """

        def change(_: State, it: Raw) -> None:
            it.update(label=label, **more)
            root = self.cloud.store.peek()
            if root and "expires" in more:
                (root / "machines" / it["id"] / "expires").unlink(missing_ok=True)  # what was told inside before

        return self._change("label_machine", machine, change)

    def start_machine(self, machine: Raw, request: str) -> Raw:
        """Switch on. Once for each `request`."""
        return self._task("start_machine", machine, request, seconds=self.cloud.pace.boot, status="booting", then="on")

    def stop_machine(self, machine: Raw, request: str) -> Raw:
        """Switch off. Once for each `request`."""
        return self._task("stop_machine", machine, request, seconds=self.cloud.pace.task, status="stopping", then="off")

    def resize_machine(self, machine: Raw, request: str, plan: str) -> Raw:
        """Give it another size: what runs boots again. Once for each `request`."""
        now = machine["status"]
        return self._task(
            *("resize_machine", machine, request),
            seconds=self.cloud.pace.task,
            status="booting" if now == "on" else now,
            then=now,
            plan=plan,
        )

    def delete_machine(self, machine: Raw) -> None:
        """Begin to delete it; its disk is let go."""
        with self._write("delete_machine") as state:
            late = faults.take(state, "delete_machine", "write", only=frozenset({"delete-late"}))
            it = self._own(state, machine)
            until = self.cloud.seconds() + self.cloud.pace.task + (late.value if late else 0.0)
            it.update(status="deleting", task={"request": "delete", "until": until, "then": "gone"})
            it["revision"] += 1

    def attach(self, machine: Raw, volume: str, *, request: str = "", home: str = "") -> Raw:
        """Give the machine a disk; the one it had is let go. 409 when another machine has it. `request` is noted."""

        def change(state: State, it: Raw) -> None:
            disk = volume_of(state, volume)
            if disk["machine"] not in ("", it["id"]):
                raise CloudError(409, "attached", f"volume {volume} is attached to {disk['machine']}")
            if it["volume"] in state["volumes"]:
                state["volumes"][it["volume"]]["machine"] = ""
            disk["machine"], it["volume"] = it["id"], volume
            _noted(it, request, home)

        return self._change("attach_machine", machine, change)

    def detach(self, machine: Raw, *, request: str = "", home: str = "") -> Raw:
        """Take its disk away. `request` is noted."""

        def change(state: State, it: Raw) -> None:
            if it["volume"] in state["volumes"]:
                state["volumes"][it["volume"]]["machine"] = ""
            it["volume"] = ""
            _noted(it, request, home)

        return self._change("detach_machine", machine, change)

    def swap(self, machine: Raw, volume: str) -> Raw:
        """Put `volume` in the place of the machine's disk, name and all, and boot; the old one becomes "outgoing"."""

        def change(state: State, it: Raw) -> None:
            new, old = volume_of(state, volume), state["volumes"].get(it["volume"])
            new.update(machine=it["id"], role="home")
            if old:
                new["name"] = old["name"]
                old.update(machine="", role="outgoing", desktop=new["desktop"])
            it["volume"] = volume
            if it["status"] == "on":
                until = self.cloud.seconds() + self.cloud.pace.boot
                it.update(status="booting", task={"request": "", "until": until, "then": "on"})

        return self._change("swap_machine", machine, change)

    def finish(self, machine: Raw, request: str) -> Raw:
        """Note that `request` is done."""
        return self._change("finish_machine", machine, lambda _, it: it["done"].append(request))

    # -- disks, snapshots, images ------------------------------------------------------------------------------------

    def create_volume(self, *, request: str, source: str = "", machine: Raw | None = None, **more: Any) -> Raw:
        """A new disk, empty or from the snapshot `source`. The same `request` gives the same disk (410: gone)."""
        with self._write("create_volume") as state:
            if request in state["tokens"]:
                return volume_of(state, state["tokens"][request])
            if source and source not in state["snapshots"]:
                raise CloudError(404, "snapshot", f"no snapshot {source}")
            now, id = self.cloud.seconds(), new_id(state, request, "v")
            volume = {"id": id, "request": request, "created": now, "machine": "", **more}
            state["volumes"][volume["id"]] = volume
            self._copy(("snapshots", source), ("volumes", volume["id"]))
            if machine:
                until = self.cloud.seconds() + self.cloud.pace.task
                machine_of(state, machine["id"])["task"] = {"request": "", "until": until, "then": ""}
            return dict(volume)

    def delete_volume(self, id: str) -> None:
        """Remove it. 404: gone; 409: attached."""
        with self._write("delete_volume") as state:
            if volume_of(state, id)["machine"]:
                raise CloudError(409, "attached", f"volume {id} is attached")
            del state["volumes"][id]
            self._remove("volumes", id)

    def promote_volume(self, id: str) -> Raw:
        """Let an incoming disk be the home of its name; the one that was becomes "outgoing". 404: it is gone."""
        with self._write("promote_volume") as state:
            disk = volume_of(state, id)
            for other in state["volumes"].values():
                if other is not disk and _home(other) == (*_home(disk)[:3], "home"):
                    if other["machine"]:
                        raise CloudError(409, "attached", f"volume {other['id']} is attached")
                    other["role"] = "outgoing"
            disk["role"] = "home"
            return dict(disk)

    def create_snapshot(self, machine: Raw, *, request: str, **more: Any) -> None:
        """Begin a snapshot of the machine's disk. Once for each `request`."""
        task = self.cloud.pace.task
        with self._write("create_snapshot") as state:
            it = self._own(state, machine)
            if request in it["done"]:
                return
            now = self.cloud.seconds()
            id = new_id(state, request, "s")
            snapshot = {"id": id, "request": request, "created": now, "until": now + task, **more}
            state["snapshots"][snapshot["id"]] = snapshot
            self._copy(("volumes", it["volume"]), ("snapshots", snapshot["id"]))
            snapshot["bytes"] = self._bytes("snapshots", snapshot["id"])
            it["done"].append(request)
            it["task"] = {"request": request, "until": now + task, "then": ""}
            it["revision"] += 1

    def delete_snapshot(self, id: str) -> None:
        """Remove it. 404: gone."""
        with self._write("delete_snapshot") as state:
            if state["snapshots"].pop(id, None) is None:
                raise CloudError(404, "snapshot", f"no snapshot {id}")
            self._remove("snapshots", id)

    def build_image(self, name: str, *, again: bool = False) -> Raw:
        """Begin the build of an image, or look at it."""
        with self._write("build_image") as state:
            it = offer.image(name, state)
            if not it["ready"] and not it["until"] and (again or not it["failed"]):
                it.update(until=self.cloud.seconds() + self.cloud.pace.build, failed=False)
                it["fails"] = faults.take(state, "build_image", "write", only=frozenset({"build-fails"})) is not None
                state["images"][name] = it
            return it

    def delete_image(self, name: str) -> None:
        """Remove it. 404: it is not built; 409: in use."""
        with self._write("delete_image") as state:
            if not offer.image(name, state)["ready"]:
                raise CloudError(404, "image", f"image {name} is not there")
            if any(each["image"] == name and each["gone"] is None for each in state["machines"].values()):
                raise CloudError(409, "in-use", f"image {name} is in use")
            if name in offer.NAMES:
                state["images"][name] = offer.unbuilt(name)
            else:
                del state["images"][name]

    def register_image(self, name: str) -> Raw:
        """Take up an image that was brought in."""
        with self._write("register_image") as state:
            state["images"][name] = offer.unbuilt(name) | {"ready": True}
            return offer.image(name, state)


def _home(volume: Raw) -> tuple[str, str, str, str]:
    return (volume["fleet"], volume["owner"], volume["name"], volume["role"])


def _noted(machine: Raw, request: str, home: str) -> None:
    if request:
        machine["done"].append(request)
        machine["home"] = home


_NEVER_READY = frozenset({"never-ready"})
