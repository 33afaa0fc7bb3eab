"""The page server: a gate, the page behind it, and the way from the page's WebSocket to the desktop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from . import access, expiry, gate, inputs, places, proxy, shares
from .settings import Settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CHUNK = 64 * 1024
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: Close codes that the page turns into words.
STOPPED, EXPIRED, NO_DISPLAY, SHARE_OVER = 4001, 4002, 4003, 4004
_TICK = 0.5  #: seconds between two looks at whether shares still hold


@dataclass(eq=False)
class Visit:
    """One request that a share let in, as long as it is being answered."""

    share: shares.Share
    request: web.Request
    viewer: web.WebSocketResponse | None = None

    async def end(self) -> None:
        """Say why, where there is somebody to tell, and hang up."""
        if self.viewer is not None:
            with suppress(asyncio.TimeoutError, ConnectionError):
                await asyncio.wait_for(self.viewer.close(code=SHARE_OVER), 0.5)
        if self.request.transport is not None:
            self.request.transport.abort()


def main() -> int:
    """Serve until told to stop."""
    asyncio.run(_serve())
    return 0


async def _serve() -> None:
    page = Page(Settings.load(), access.ensure().token)
    runner = web.AppRunner(page.application(), access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", places.PAGE_PORT, shutdown_timeout=0.2).start()  # noqa: S104 - the container's
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    watching = asyncio.create_task(page.watch_shares())
    await over.wait()
    watching.cancel()
    await page.say_goodbye()
    os._exit(0)  # nothing is kept here, and the desktop has to go down in well under a second


class Page:
    """One desktop's page."""

    def __init__(self, settings: Settings, token: str) -> None:
        """`token` is what the link carries."""
        self._settings = settings
        self._token = token
        self._cookie = (gate.cookie_name(settings.key), gate.cookie_value(token))
        self._files = load(places.PAGE)
        self._viewers: set[web.WebSocketResponse] = set()
        self._shares = shares.Book(settings.key)
        self._visits: set[Visit] = set()  #: of shares
        self._hosts = settings.hosts.split()

    def application(self) -> web.Application:
        """The routes; what is not known is refused like what is not allowed."""

        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[web.middleware(guard)], client_max_size=4096)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_post("/login", self._login)
        app.router.add_get("/session", self._session)
        app.router.add_get("/status", self._status)
        app.router.add_post("/active", self._active)
        if self._settings.flavor == "code":
            proxy.CodeProxy(places.CODE).add_to(app)
        else:
            app.router.add_get("/socket", self._socket)
        app.router.add_get("/{path:.*}", self._file)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.host
        if not gate.host_allowed(host, self._hosts):
            return self._refuse(421, "This name is not one of this desktop's.", "localhost")
        open_to_all = request.path in gate.OPEN_PATHS
        share = None if open_to_all or self._is_owner(request) else self._shares.by_cookie(self._given(request))
        if not (open_to_all or share or self._is_owner(request)):
            return self._refuse(401, "Open this desktop by its link: vdictl connect", host)
        foreign = "Origin" in request.headers and not gate.origin_matches(request.headers["Origin"], host)
        if foreign and (request.method != "GET" or "Upgrade" in request.headers):
            return self._refuse(403, "Asked by another site.", host)
        try:
            answer = await (self._visit(request, share, handler) if share else handler(request))
        except web.HTTPException as error:
            return self._refuse(error.status, error.reason, host)
        if not answer.prepared and "Content-Security-Policy" not in answer.headers:
            answer.headers.update(gate.headers(host))
        return answer

    def _given(self, request: web.Request) -> str:
        return str(request.cookies.get(self._cookie[0], ""))

    def _is_owner(self, request: web.Request) -> bool:
        return gate.same(self._given(request), self._cookie[1])

    async def _visit(self, request: web.Request, share: shares.Share, handler: Handler) -> web.StreamResponse:
        """Answer, and be known while it lasts: a share that ends takes its connections along."""
        visit = request["visit"] = Visit(share, request)
        self._visits.add(visit)
        try:
            return await handler(request)
        finally:
            self._visits.discard(visit)

    async def watch_shares(self) -> None:
        """End what shares that do not hold any more still have open."""
        while True:
            await asyncio.sleep(_TICK)
            over = [visit for visit in self._visits if not self._shares.holds(visit.share.id)]
            await asyncio.gather(*(visit.end() for visit in over), return_exceptions=True)

    def _refuse(self, status: int, text: str, host: str) -> web.Response:
        return web.Response(status=status, text=text + "\n", headers=gate.headers(host))

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _login(self, request: web.Request) -> web.Response:
        """The link's token against a cookie: the owner's, or a share's, which lasts no longer than it does."""
        try:
            given = (await request.json()).get("token")
        except (ValueError, AttributeError):
            given = None
        token = given if isinstance(given, str) else ""
        name, value = self._cookie
        if not gate.same(token, self._token):
            share = self._shares.by_token(token)
            if share is None:
                return self._refuse(403, "This link does not open this desktop.", request.host)
            value = share.cookie
        answer = web.Response(status=204)
        secure = request.headers.get("X-Forwarded-Proto") == "https"
        answer.set_cookie(name, value, path="/", httponly=True, samesite="Strict", secure=secure)
        return answer

    async def _session(self, request: web.Request) -> web.Response:
        """What the page needs to connect; the only place that gives the VNC password."""
        kind = "http" if self._settings.flavor == "code" else "vnc"
        secret = {} if kind == "http" else {"password": access.ensure().password}
        return web.json_response({"kind": kind, **secret, **self._facts(request)})

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response(self._facts(request))

    def _facts(self, request: web.Request) -> dict[str, Any]:
        visit = request.get("visit")
        return {
            "shared_until": visit.share.until if visit else None,
            "name": self._settings.name,
            "flavor": self._settings.flavor,
            "inputs": inputs.report(inputs.progress(self._settings.inputs)),
            "expires": expiry.read(),
            "now": time.time(),
        }

    async def _active(self, _: web.Request) -> web.Response:
        """A sign of a person, for flavors that have no display server to ask."""
        places.ACTIVITY.touch()
        return web.Response(status=204)

    async def _file(self, request: web.Request) -> web.Response:
        path = {"/": "/gate.html", "/desktop": "/desktop.html", "/favicon.ico": "/icon.svg"}.get(
            request.path, request.path
        )
        found = self._files.get(path)
        if found is None:
            return self._refuse(404, "There is no such page.", request.host)
        body, kind = found
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        """The desktop itself: VNC over WebSocket, for a script of this page only."""
        if not gate.origin_matches(request.headers.get("Origin"), request.host):
            return self._refuse(403, "Asked by another site.", request.host)
        viewer = web.WebSocketResponse(protocols=("binary",), max_msg_size=0, heartbeat=20, compress=False)
        await viewer.prepare(request)
        if visit := request.get("visit"):
            visit.viewer = viewer
        self._viewers.add(viewer)
        try:
            await self._carry(viewer)
        finally:
            self._viewers.discard(viewer)
        return viewer

    async def _carry(self, viewer: web.WebSocketResponse) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(str(places.RFB), limit=_CHUNK)
        except OSError:
            await viewer.close(code=_ending() or NO_DISPLAY)
            return
        down = asyncio.create_task(_down(reader, viewer))
        try:
            async for message in viewer:
                if message.type is not WSMsgType.BINARY:
                    break
                writer.write(message.data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            down.cancel()
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await asyncio.gather(down, writer.wait_closed(), return_exceptions=True)

    async def say_goodbye(self) -> None:
        """Tell every viewer why it ends."""
        with suppress(asyncio.TimeoutError):
            closing = [viewer.close(code=_ending() or STOPPED) for viewer in set(self._viewers)]
            await asyncio.wait_for(asyncio.gather(*closing, return_exceptions=True), 0.2)


async def _down(reader: asyncio.StreamReader, viewer: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            await viewer.send_bytes(data)
    await viewer.close(code=_ending() or NO_DISPLAY)


def _ending() -> int:
    """The close code for a desktop that goes down; 0 where it does not. The display may die before we are told."""
    try:
        return EXPIRED if places.ENDING.read_text() == "expired" else STOPPED
    except OSError:
        return 0


def load(folder: Path) -> dict[str, tuple[bytes, str]]:
    """All files of the page, in memory: a request can name what is there and nothing else."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix in _TYPES and path.is_file():
            found[f"/{path.relative_to(folder).as_posix()}"] = (path.read_bytes(), _TYPES[path.suffix])
    return found
