"""What every provider has: the nine verbs, and how a machine of the cloud is looked up and changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from vdictl.contract import mark as marks
from vdictl.contract.errors import Busy, Conflict, NotConfigured, NotFound, NotReady
from vdictl.contract.model import NOTHING, Account, Desktop, DesktopSpec, Endpoint, Mark, Operation, Wish
from vdictl.contract.provider import Settings
from vdictl.testing.memory import convert, requests, steps
from vdictl.testing.memory.api import Api
from vdictl.testing.memory.cloud import Cloud, Pace, Raw
from vdictl.testing.memory.errors import border
from vdictl.testing.memory.store import FileStore

#: Clouds of this process by name: what `settings.values["cloud"]` means where there is no state file.
CLOUDS: Final[dict[str, Cloud]] = {}


class Basics:
    """The nine verbs on a cloud in memory."""

    def __init__(self, api: Api, *, fleet: str | None = "default", page_port: int = 0) -> None:
        """Use `open`."""
        self.api, self.fleet, self.page_port = api, fleet, page_port

    # -- every provider ----------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, settings: Settings, *, timeout: float) -> Self:
        """See `Provider`."""
        values = settings.values
        try:
            pace = Pace(
                latency=float(values.get("latency", 0)),
                boot=float(values.get("boot", 0.2)),
                task=float(values.get("task", 0.1)),
                build=float(values.get("build", 0.5)),
                lag=float(values.get("lag", 0)),
                page=int(values.get("page", 2)),
                rate=float(values.get("rate", 0)),
            )
        except ValueError as error:
            raise NotConfigured("A setting of the memory provider is no number.", details=str(error)) from error
        if values.get("state"):
            cloud = Cloud(pace=pace, store=FileStore(Path(values["state"])))
        else:
            cloud = CLOUDS.setdefault(values.get("cloud", "default"), Cloud(pace=pace))
        token = settings.secrets["token"].reveal() if "token" in settings.secrets else ""
        faults = values.get("faults", "")
        api = Api(cloud, token=token, timeout=timeout, throttle=settings.throttle, faults=faults)
        return cls(api, fleet=settings.fleet, page_port=int(values.get("page_port", 0)))

    def close(self) -> None:
        """See `Provider`."""

    def check(self) -> Account:
        """See `Provider`."""
        with border():
            raw = self.api.whoami()
        return Account(id=raw["id"], name=raw["name"])

    def desktops(self) -> Iterable[Desktop]:
        """See `Provider`."""
        with border():
            return [convert.desktop(raw, mark, self._images(raw, mark)) for raw, mark in self._machines()]

    def desktop(self, key: str) -> Desktop:
        """See `Provider`."""
        with border():
            return self._noun(*self._by_key(key))

    def create(self, spec: DesktopSpec, *, token: str) -> Desktop:
        """See `Provider`."""
        requests.check_names(spec)
        with border():
            others = self._machines(all_fleets=True)
            for raw, mark in others:
                if mark.key == token:
                    return self._noun(raw, mark)
            requests.check_free(spec, others)
            plan, image = requests.choose(spec, self.api.images())
            if spec.from_snapshot:
                requests.check_source(spec, steps.snapshots(self.api), steps.volumes(self.api))
            operation = Operation(verb="create", token=token, wish=Wish.PRESENT, since=self.api.cloud.clock.now())
            mark = Mark(
                key=token,
                fleet=spec.fleet,
                owner=spec.owner,
                name=spec.name,
                spec=spec,
                operation=operation,
                labels=spec.labels,
                expires=spec.expires,
            )
            raw = self.api.create_machine(
                name=requests.machine_name(spec),
                label=marks.encode(mark),
                request=token,
                plan=plan,
                image=image,
                region=spec.region or "here",
                home=spec.home or spec.name,
                expires=spec.expires.timestamp() if spec.expires else None,
            )
            return self._noun(raw, mark)

    def advance(self, desktop: Desktop) -> Desktop:
        """See `Provider`."""
        with border():
            raw, mark = self._get(desktop)
            operation = convert.open_operation(raw, mark)
            if operation is None or not convert.due(raw, mark, self._images(raw, mark)):
                return self._noun(raw, mark)
            steps.step(self.api, raw, mark, operation)
            return self._noun(*self._get(desktop))

    def delete(self, desktop: Desktop, *, also: frozenset[str] = frozenset()) -> Desktop | None:
        """See `Provider`."""
        try:
            with border():
                raw, mark = self._writable(desktop)
                wanted = {"homes", "snapshots"} & also
                known = mark.operation if mark.operation and mark.operation.wish is Wish.ABSENT else None
                wanted |= set(known.arguments.get("also", "").split(",")) - {""} if known else set()
                arguments = {"also": ",".join(sorted(wanted))}
                if known is None or dict(known.arguments) != arguments:
                    operation = Operation(
                        verb="delete", token=f"{mark.key}-delete", wish=Wish.ABSENT, arguments=arguments
                    )
                    raw, mark = self._begin(raw, mark, operation)
                return self.advance(self._noun(raw, mark))
        except NotFound:
            return None

    def endpoints(self, desktop: Desktop) -> Sequence[Endpoint]:
        """See `Provider`."""
        self._running(desktop)
        vnc = Endpoint(kind="vnc", direct=False, primary=True)
        return (vnc, Endpoint(kind="http", host="127.0.0.1", port=self.page_port)) if self.page_port else (vnc,)

    # -- how it is done ----------------------------------------------------------------------------------------------

    def _machines(self, *, all_fleets: bool = False) -> list[tuple[Raw, Mark]]:
        """Those that bear our mark, every page."""
        marked = [(raw, convert.mark_of(raw)) for raw in self._raw_machines()]
        return [(raw, mark) for raw, mark in marked if mark and (all_fleets or self.fleet in (None, mark.fleet))]

    def _raw_machines(self) -> list[Raw]:
        """All of the account, every page."""
        found: list[Raw] = []
        cursor: int | None = 0
        while cursor is not None:
            page, cursor = self.api.machines(cursor)
            found += page
        return found

    def _by_key(self, key: str) -> tuple[Raw, Mark]:
        for raw, mark in self._machines():
            if mark.key == key:
                return self._get_raw(raw["id"], key)
        raise NotFound(f"No desktop has the key {key}.")

    def _get(self, desktop: Desktop) -> tuple[Raw, Mark]:
        """The machine of a desktop as it is now, and its mark."""
        return self._get_raw(desktop.id, desktop.key) if desktop.id else self._by_key(desktop.key)

    def _get_raw(self, id: str, key: str) -> tuple[Raw, Mark]:
        raw = self.api.machine(id)
        mark = convert.mark_of(raw)
        if mark is None or mark.key != key:
            raise NotFound(f"Machine {id} is no desktop with the key {key}.")
        return raw, mark

    def _images(self, raw: Raw, mark: Mark) -> list[Raw]:
        """The images, where they matter: while a create is open."""
        operation = convert.open_operation(raw, mark)
        return self.api.images() if operation and operation.verb == "create" else []

    def _noun(self, raw: Raw, mark: Mark) -> Desktop:
        return convert.desktop(raw, mark, self._images(raw, mark))

    def _running(self, desktop: Desktop) -> Raw:
        with border():
            raw, mark = self._get(desktop)
        if raw["status"] != "on" or convert.desktop(raw, mark).operation is not None:
            raise NotReady(f"{desktop.name} is not running.", details=f"the machine is {raw['status']}")
        return raw

    def _writable(self, desktop: Desktop) -> tuple[Raw, Mark]:
        raw, mark = self._get(desktop)
        if mark.version > marks.VERSION:
            raise Conflict(
                f"{desktop.name} was made by a newer vdictl.",
                details=f"its mark has version {mark.version}, this vdictl writes {marks.VERSION}",
                advice="Use the newer vdictl.",
            )
        return raw, mark

    def _begin(self, raw: Raw, mark: Mark, operation: Operation) -> tuple[Raw, Mark]:
        """Write the wish, before the first step."""
        operation = replace(operation, since=self.api.cloud.clock.now())
        changed = replace(mark, operation=operation)
        return self.api.label_machine(raw, label=marks.encode(changed)), changed

    def _change(
        self,
        desktop: Desktop,
        verb: str,
        *,
        token: str,
        wish: Wish,
        arguments: Mapping[str, str] = NOTHING,
        already: str = "",
        spec: DesktopSpec | None = None,
    ) -> Desktop:
        """Open an operation and do its first step; one that is open, done or not needed is as good."""
        with border():
            raw, mark = self._writable(desktop)
            known = convert.open_operation(raw, mark)
            if token in raw["done"] or (known is None and already == raw["status"] and raw["task"] is None):
                return self._noun(raw, mark)
            if known is None and raw["task"] is None:
                operation = Operation(verb=verb, token=token, wish=wish, arguments=arguments)
                raw, mark = self._begin(raw, replace(mark, spec=spec or mark.spec), operation)
            elif known is None or (known.verb, dict(known.arguments)) != (verb, dict(arguments)):
                self._refuse(desktop, known)
            return self.advance(self._noun(raw, mark))

    @staticmethod
    def _refuse(desktop: Desktop, known: Operation | None) -> None:
        if known and known.wish is Wish.ABSENT:
            raise Conflict(f"{desktop.name} is being deleted.")
        raise Busy(f"{desktop.name} is busy.", details=f"{known.verb} is not finished" if known else "it is booting")
