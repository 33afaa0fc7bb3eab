"""Who may see the page: pure decisions, no server."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import urlsplit

#: What is served to anybody: a page without content, whose script brings the token, and "is it there at all".
OPEN_PATHS = frozenset({"/", "/gate.js", "/gate.css", "/icon.svg", "/favicon.ico", "/login", "/healthz"})
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_COOKIE_TEXT = b"vdictl page, version 1"


def cookie_name(key: str) -> str:
    """One a desktop: a browser sends a host's cookies to all its ports."""
    return f"vdictl_{key}"


def cookie_value(token: str) -> str:
    """Not the token itself: what leaks from a cookie jar must not open a link."""
    return hmac.new(token.encode(), _COOKIE_TEXT, sha256).hexdigest()


def same(given: str, right: str) -> bool:
    """Compare in a time that says nothing about where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "backslashreplace"), right.encode())


def host_name(host: str) -> str:
    """`Host` without its port, in lower case."""
    if host.startswith("["):
        return host[: host.find("]") + 1].lower()
    return host.partition(":")[0].lower()


def host_allowed(host: str, more: Iterable[str]) -> bool:
    """Loopback, or a name that was configured. Anything else may be a foreign site's name pointed at this address."""
    if not _HOST.fullmatch(host):
        return False
    name = host_name(host)
    if name == "localhost" or name in {entry.lower() for entry in more}:
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def origin_matches(origin: str | None, host: str) -> bool:
    """Whether a script of this very page asks. Without an origin: no."""
    if not origin:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def headers(host: str) -> dict[str, str]:
    """For every answer of ours. `ws:` is named for browsers that do not count it to 'self'."""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self' ws://{host} wss://{host}; frame-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return {**common_headers(), "Content-Security-Policy": policy, "X-Frame-Options": "DENY"}


def common_headers() -> dict[str, str]:
    """Those that hold for what is proxied too."""
    return {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "vdictl",
    }
