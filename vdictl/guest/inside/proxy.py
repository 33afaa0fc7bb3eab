"""code-server behind the gate: its HTTP and WebSocket, under /code/, over a socket that only this user can open."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web

from . import gate

PREFIX = "/code"
#: Belong to one connection, not to what is carried over it (RFC 9110, 7.6.1); and what we say ourselves.
_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "content-length", "host",
}  # fmt: skip
_WEBSOCKET = {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}


class CodeProxy:
    """Carries requests on; the gate has looked at them before."""

    def __init__(self, path: Path) -> None:
        """`path` is code-server's socket."""
        self._path = path
        self._session: aiohttp.ClientSession | None = None

    def add_to(self, app: web.Application) -> None:
        """Take everything under PREFIX."""
        app.router.add_route("*", PREFIX, self._to_folder)
        app.router.add_route("*", PREFIX + "/{path:.*}", self._handle)
        # An upload through VS Code may be large; the limit of the rest is for the login.
        app._client_max_size = 0

    async def _to_folder(self, request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": PREFIX + "/", **gate.headers(request.host)})

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(self._path)),
                timeout=aiohttp.ClientTimeout(total=None, connect=5),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        target = "http://localhost" + request.raw_path[len(PREFIX) :]
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request, target)
            return await self._http(request, target)
        except (aiohttp.ClientConnectorError, aiohttp.ServerDisconnectedError):
            text = "The editor is starting. Try again in a moment.\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "1", **gate.headers(request.host)})

    def _headers(self, request: web.Request) -> dict[str, str]:
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _HOP | _WEBSOCKET}
        # code-server compares Host and Origin itself; our cookie is none of its business.
        kept.pop("Cookie", None)
        return {**kept, "Host": request.host}

    async def _http(self, request: web.Request, target: str) -> web.StreamResponse:
        body = request.content if request.body_exists else None
        async with self._client().request(
            request.method,
            aiohttp.client.URL(target, encoded=True),
            headers=self._headers(request),
            data=body,
            allow_redirects=False,
        ) as inner:
            answer = web.StreamResponse(status=inner.status, reason=inner.reason)
            for name, value in inner.headers.items():
                if name.lower() not in _HOP | {"server", "set-cookie"}:
                    answer.headers.add(name, value)
            if "Content-Length" in inner.headers:
                answer.content_length = int(inner.headers["Content-Length"])
            answer.headers.add("Content-Security-Policy", "frame-ancestors 'self'")
            for name, value in gate.common_headers().items():
                if name != "Cache-Control":  # its scripts are many and named by version
                    answer.headers[name] = value
            await answer.prepare(request)
            async for chunk in inner.content.iter_chunked(64 * 1024):
                await answer.write(chunk)
            await answer.write_eof()
            return answer

    async def _websocket(self, request: web.Request, target: str) -> web.StreamResponse:
        if not gate.origin_matches(request.headers.get("Origin"), request.host):
            return web.Response(status=403, text="Asked by another site.\n", headers=gate.headers(request.host))
        wanted = tuple(name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name)
        async with self._client().ws_connect(
            aiohttp.client.URL(target, encoded=True),
            headers=self._headers(request),
            protocols=wanted,
            max_msg_size=0,
            autoping=True,
        ) as inner:
            outer = web.WebSocketResponse(protocols=wanted, max_msg_size=0, heartbeat=30)
            await outer.prepare(request)
            tasks = {asyncio.create_task(_pump(outer, inner)), asyncio.create_task(_pump(inner, outer))}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            with suppress(ConnectionError):
                await outer.close()
            return outer


async def _pump(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    with suppress(ConnectionError):
        async for message in source:
            if message.type is WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)
            else:
                return
