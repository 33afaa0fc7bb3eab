"""Shares: who else may open the page, until when. Only hashes of their tokens are kept, in the state volume.

A share is bound to this desktop's key: a copy of the state volume in another desktop opens nothing there.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from . import gate, places, records

MOST = 100  #: shares of one desktop at a time
LONGEST = 366 * 86400  #: seconds
_COOKIE_TEXT = b"vdictl share, version 1"


@dataclass(frozen=True, kw_only=True)
class Share:
    """One of them. None of it opens anything."""

    id: str
    hash: str = field(repr=False)
    created: int  #: seconds since 1970, as `until`
    until: int
    by: str = ""  #: who made it, as the maker says

    def holds(self, now: float | None = None) -> bool:
        """Whether its time is not over."""
        return (time.time() if now is None else now) < self.until

    @property
    def cookie(self) -> str:
        """What a browser keeps instead of the token: of this share alone."""
        return f"{self.id}.{hmac.new(self.hash.encode(), _COOKIE_TEXT + self.id.encode(), sha256).hexdigest()}"

    @property
    def facts(self) -> dict[str, Any]:
        """What may be told."""
        return {name: value for name, value in asdict(self).items() if name != "hash"}


class Refused(Exception):
    """Why a share cannot be made."""


def add(key: str, seconds: float, by: str) -> dict[str, Any]:
    """Make one; its facts and its token, which is told this once. Raises `Refused`."""
    if not 0 < seconds <= LONGEST:
        raise Refused(f"a share lasts more than no time and at most {LONGEST // 86400} days")
    now = time.time()
    with records.alone(places.SHARES):
        kept = [share for share in load() if share.holds(now)]
        if len(kept) >= MOST:
            raise Refused(f"there are {MOST} shares already: revoke some")
        token = secrets.token_urlsafe(32)
        made = Share(
            id=secrets.token_hex(4), hash=digest(key, token), created=int(now), until=int(now + seconds), by=by[:64]
        )
        _keep([*kept, made])
    return {**made.facts, "token": token}


def revoke(ids: set[str] | None) -> list[str]:
    """Take these back (None: all); the ids of those that held until now."""
    with records.alone(places.SHARES):
        there = load()
        gone = [share for share in there if ids is None or share.id in ids]
        if gone:
            _keep([share for share in there if share not in gone])
    return [share.id for share in gone if share.holds()]


def valid() -> list[Share]:
    """Those that hold now, oldest first."""
    return [share for share in load() if share.holds()]


def load() -> list[Share]:
    """All that are kept; what cannot be read lets nobody in."""
    rows = records.read_json(places.SHARES).get("shares")
    found = []
    for row in rows if isinstance(rows, list) else []:
        try:
            share = Share(**row)
        except TypeError:
            continue
        if isinstance(share.until, int) and all(isinstance(text, str) and text for text in (share.id, share.hash)):
            found.append(share)
    return found


def digest(key: str, token: str) -> str:
    """A token has 256 random bits: no salt and no slow hash is needed."""
    return hmac.new(token.encode("utf-8", "backslashreplace"), f"vdictl share of {key}".encode(), sha256).hexdigest()


class Book:
    """The shares as the page server sees them: the file is read again when it was written."""

    def __init__(self, key: str) -> None:
        """`key` is this desktop's."""
        self._key = key
        self._stamp: tuple[int, int] | None = None
        self._shares: list[Share] = []

    def by_token(self, token: str) -> Share | None:
        """The share that this token opens."""
        wanted = digest(self._key, token)
        return next((share for share in self._valid() if gate.same(wanted, share.hash)), None)

    def by_cookie(self, cookie: str) -> Share | None:
        """The share whose cookie this is."""
        return next((share for share in self._valid() if gate.same(cookie, share.cookie)), None)

    def holds(self, id: str) -> bool:
        """Whether this share is neither revoked nor over."""
        return any(share.id == id for share in self._valid())

    def _valid(self) -> list[Share]:
        try:
            found = places.SHARES.stat()
        except OSError:
            return []
        if self._stamp != (found.st_mtime_ns, found.st_ino):
            self._stamp, self._shares = (found.st_mtime_ns, found.st_ino), load()
        now = time.time()
        return [share for share in self._shares if share.holds(now)]


def _keep(some: list[Share]) -> None:
    records.write_json(places.SHARES, {"shares": [asdict(share) for share in some]})
