"""Shares: who has neither the cloud's key nor the owner's opens one desktop with a file, until it is over or revoked.

The guest keeps the shares of its desktop (hashes only) and is the one who lets in. The file holds what opens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from vdictl.contract.errors import AuthFailed, Invalid, Unavailable, Unsupported
from vdictl.contract.model import Desktop, Endpoint, Secret
from vdictl.core import doors, running
from vdictl.core.registry import Opened

VERSION: Final = 1
KIND: Final = "vdictl-share"
_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Share:
    """One share, as the guest tells of it. Nothing in it opens anything."""

    id: str
    created: datetime
    until: datetime
    by: str = ""


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What the file holds: all that is needed to open one desktop's page."""

    id: str
    name: str  #: the desktop's
    url: str  #: the page's address, without the token
    token: Secret
    until: datetime

    def encode(self) -> str:
        """The file's text, which is secret."""
        data = {
            "kind": KIND,
            "version": VERSION,
            "id": self.id,
            "name": self.name,
            "url": self.url,
            "token": self.token.reveal(),
            "until": self.until.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def decode(cls, text: str) -> Ticket:
        """The reverse; fields that this version does not know are passed over.

        Raises:
            Invalid: it is no share, or one of a newer version.
        """
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict) or data.get("kind") != KIND:
            raise Invalid("This file is no share of a desktop.", advice="One is made by: vdictl share NAME")
        version = data.get("version")
        if not isinstance(version, int) or version > VERSION:
            shown = ascii(version)[:20]
            raise Invalid(f"This share has the version {shown}; this vdictl reads {VERSION}.", advice="Update vdictl.")
        try:
            until = datetime.fromisoformat(data["until"])
            texts = {name: _text(data[name]) for name in ("id", "name", "url", "token")}
            if until.tzinfo is None:
                raise ValueError("a time without a zone")
            token = Secret(texts.pop("token"))
            return cls(until=until, token=token, **(texts | {"url": _address(texts["url"])}))
        except (KeyError, TypeError, ValueError):
            raise Invalid("This file is a share that is damaged.", advice="Ask for a new one.") from None

    def require_time(self, *, now: datetime) -> None:
        """Raise AuthFailed if it is over."""
        if self.until <= now:
            raise AuthFailed(
                f"This share of {self.name} is over since {self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
                advice="Ask who gave it to you for a new one.",
            )

    @property
    def endpoint(self) -> Endpoint:
        """Where the page is."""
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return Endpoint(kind="http", host=str(parts.hostname), port=port, token=self.token)


def page_of(at: Opened, desktop: Desktop) -> str:
    """The address of the desktop's page.

    Raises:
        Unsupported: it has none that another one could open. NotReady: it does not run.
    """
    pages = [endpoint for endpoint in doors.endpoints(at, desktop) if endpoint.kind == "http"]
    direct = next((endpoint for endpoint in pages if endpoint.direct), None)
    if direct is not None:
        host = f"[{direct.host}]" if ":" in direct.host else direct.host
        return f"http://{host}:{direct.port}/"
    why = "Its page has no port that somebody else could open." if pages else "It has no page."
    network = desktop.facts.get("network", "")
    raise Unsupported(
        f"{desktop.name} cannot be shared.",
        details="\n".join(part for part in (why, f"network: {network}" if network else "") if part),
        advice=f"Who has the keys opens it: vdictl connect {desktop.name}",
        provider=at.name,
    )


def make(at: Opened, desktop: Desktop, url: str, *, seconds: float, by: str) -> tuple[Share, Ticket]:
    """Make a share of this length.

    Raises:
        Unsupported: the provider gives no way inside, or the guest is too old. Unavailable: the guest refused.
    """
    wish = json.dumps({"seconds": seconds, "by": by}).encode()
    told = _ask(at, desktop, "add", stdin=wish)
    try:
        share, token = _share(told), Secret(_text(told["token"]))
    except (KeyError, TypeError, ValueError):
        # Not even a part of the answer may be shown: it holds the token.
        raise Unavailable("The guest inside told of its share in another form.", provider=at.name) from None
    return share, Ticket(id=share.id, name=desktop.name, url=url, token=token, until=share.until)


def listed(at: Opened, desktop: Desktop) -> list[Share]:
    """Those that hold now, oldest first."""
    told = _ask(at, desktop, "list")
    try:
        return [_share(row) for row in told]
    except (KeyError, TypeError, ValueError):
        raise Unavailable("The guest inside told of its shares in another form.", provider=at.name) from None


def revoke(at: Opened, desktop: Desktop, ids: Iterable[str] | None) -> list[str]:
    """Take these back (None: all), with what they have open; the ids of those that held until now."""
    told = _ask(at, desktop, "revoke", *(["--all"] if ids is None else ids))
    return [str(id) for id in told] if isinstance(told, list) else []


def _ask(at: Opened, desktop: Desktop, *words: str, stdin: bytes = b"") -> Any:  # JSON of the guest's
    command = doors.inside(at, desktop, ("vdictl-guest", "share", *words), to="share desktops")
    try:
        return json.loads(running.output(command, stdin=stdin, timeout=_SECONDS))
    except ValueError:
        raise Unavailable("The guest inside said something that is no JSON.", provider=at.name) from None


def _share(row: Any) -> Share:
    created, until = (datetime.fromtimestamp(int(row[name]), UTC) for name in ("created", "until"))
    return Share(id=_text(row["id"]), created=created, until=until, by=str(row.get("by", "")))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 500 or not value.isprintable():
        raise ValueError("no text")
    return value


def _address(url: str) -> str:
    """A page's address and nothing more: who passes a share on must not lead a browser elsewhere unseen."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or (parts.port or 1) < 1:
        raise ValueError("no address of a page")
    return f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
