"""Is this desktop well? One JSON object, in a fraction of a second, from programs that answer and nothing else."""

from __future__ import annotations

import socket
import time
from typing import Any

from . import expiry, inputs, places, x11
from .settings import Settings

_SECONDS = 0.2  #: for each question


def probe() -> dict[str, Any]:
    """All rungs that can be seen from inside; `ok` and a short `detail` each, null where a flavor has none."""
    settings = Settings.load()
    display, manager, idle = (None, None, _idle_by_page()) if settings.flavor == "code" else _display()
    return {
        "display": display,
        "window_manager": manager,
        "code": _code() if settings.flavor == "code" else None,
        "page": _page(),
        "inputs": inputs.report(inputs.progress(settings.inputs)),
        "idle_seconds": idle,
        "flavor": settings.flavor,
        "expires": expiry.read(),
    }


def _rung(ok: bool, detail: str) -> dict[str, Any]:
    return {"ok": ok, "detail": detail}


def _display() -> tuple[dict[str, Any], dict[str, Any], float | None]:
    try:
        with x11.XConnection(timeout=_SECONDS) as display:
            name = display.window_manager()
            idle = display.idle_seconds()
    except x11.XError as error:
        return _rung(False, str(error)), _rung(False, "no display"), None
    return _rung(True, f"display {places.DISPLAY}"), _rung(bool(name), name or "no window manager is alive"), idle


def _idle_by_page() -> float | None:
    try:
        return max(0.0, round(time.time() - places.ACTIVITY.stat().st_mtime, 3))
    except OSError:
        return None


def _page() -> dict[str, Any]:
    link = socket.socket(socket.AF_INET)
    return _healthz(link, ("127.0.0.1", places.PAGE_PORT), "the page")


def _code() -> dict[str, Any]:
    link = socket.socket(socket.AF_UNIX)
    return _healthz(link, str(places.CODE), "code-server")


def _healthz(link: socket.socket, address: Any, name: str) -> dict[str, Any]:
    with link:
        link.settimeout(_SECONDS)
        try:
            link.connect(address)
            link.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            status = link.recv(64).split(b"\r\n")[0].decode("latin-1")
        except OSError as error:
            return _rung(False, f"{name} does not answer: {error}")
    return _rung(" 200 " in f"{status} ", f"{name} answers" if " 200" in status else f"{name} says {status}")
