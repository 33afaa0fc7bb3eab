"""What the creating machine delivers once: environment, setup script, repositories. At most one run, whatever breaks.

States of `inputs.json`: waiting (nothing of that hash came yet), running, done, failed; none where nothing is awaited.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from . import environment, places, records

State = Literal["none", "waiting", "delivered", "running", "done", "failed"]
LIMIT = 8 * 1024 * 1024  #: bytes of one delivery
#: Steps that may be begun again after a crash: a clone goes into a new folder first and is renamed when whole.
REPEATABLE = ("", "git", "dotfiles")


class Refused(Exception):
    """A delivery that this desktop does not take."""

    def __init__(self, message: str, code: int) -> None:
        """`code` is the exit code: 2 not a delivery, 9 not the awaited one."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the inputs of one hash have come."""

    state: State = "none"
    hash: str = ""
    step: str = ""  #: git, dotfiles, dotfiles-script, setup
    exit_code: int | None = None
    detail: str = ""

    def keep(self) -> None:
        """Write it down, on disk when this returns."""
        records.write_json(places.INPUTS, asdict(self))


def progress(awaited: str) -> Progress:
    """How far it is, seen from what is awaited now."""
    kept = records.read_json(places.INPUTS)
    try:
        now = Progress(**kept)
    except TypeError:
        now = Progress()
    if awaited and now.hash != awaited:
        return Progress(state="waiting", hash=awaited, detail="waiting for its inputs from the machine that creates it")
    return now


@contextmanager
def _alone() -> Iterator[None]:
    with (places.STATE / ".inputs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def receive(data: bytes, awaited: str) -> Progress:
    """Take a delivery. The same hash a second time changes nothing. Raises `Refused`."""
    parcel = _checked(data)
    if awaited and parcel["hash"] != awaited:
        raise Refused("this desktop waits for other inputs (the hash differs)", 9)
    with _alone():
        now = progress(awaited)
        if now.hash == parcel["hash"] and now.state not in ("none", "waiting"):
            return now
        if now.state in ("delivered", "running"):
            raise Refused("other inputs are at work in this desktop", 9)
        records.write_json(places.ENVIRONMENT, parcel["env"])
        records.write_json(places.DELIVERY, {key: parcel[key] for key in ("setup", "git", "dotfiles", "hash")})
        now = Progress(state="delivered", hash=parcel["hash"])
        now.keep()
    return now


def _checked(data: bytes) -> dict[str, Any]:
    try:
        parcel = json.loads(data)
    except ValueError as error:
        raise Refused(f"not JSON: {type(error).__name__}", 2) from None
    if not isinstance(parcel, dict) or not isinstance(parcel.get("hash"), str) or not parcel["hash"]:
        raise Refused("a delivery is an object with a hash", 2)
    env = parcel.setdefault("env", {})
    if not isinstance(env, dict) or not all(
        environment.valid_name(name) and isinstance(value, str) and "\0" not in value for name, value in env.items()
    ):
        raise Refused("env is an object of texts, its keys are names of variables", 2)
    for key in ("setup", "git", "dotfiles"):
        value = parcel.setdefault(key, None)
        if value is not None and (not isinstance(value, str) or "\0" in value):
            raise Refused(f"{key} is a text or null", 2)
    for key in ("git", "dotfiles"):
        if (parcel[key] or "").startswith("-"):
            raise Refused(f"{key} is not a URL", 2)
    return cast(dict[str, Any], parcel)


def settle(awaited: str) -> Progress:
    """At boot: what the last boot left half done is begun again only if that can do no harm twice."""
    now = progress(awaited)
    if now.state != "running":
        return now
    if now.step in REPEATABLE:
        now = Progress(state="delivered", hash=now.hash, detail="begun again after a stop")
    else:
        now = Progress(
            state="failed",
            hash=now.hash,
            step=now.step,
            detail=f"interrupted: the desktop went down during {now.step}, which is not run twice",
        )
    now.keep()
    return now


def report(now: Progress) -> dict[str, object]:
    """For the probe and the page."""
    state = "waiting" if now.state == "delivered" else now.state
    detail = now.detail or (f"first boot: {now.step}" if now.state == "running" and now.step else now.state)
    return {"ok": state in ("none", "done"), "state": state, "detail": detail, "exit_code": now.exit_code}
