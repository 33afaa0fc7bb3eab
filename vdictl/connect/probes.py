"""The looks from outside that health's ladder takes: RFB handshake, a drawn frame, the page behind its login."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urljoin, urlsplit

from vdictl.connect import rfb
from vdictl.connect.frame import Frame, describe, drawn
from vdictl.connect.streams import Stream, open_stream
from vdictl.connect.web import Answer, Page
from vdictl.contract.errors import AuthFailed, NotConfigured, Unavailable, Unsupported, VdictlError
from vdictl.contract.model import Command, Endpoint, Rung

#: Waiting does not heal these.
_FATAL = (AuthFailed, NotConfigured, Unsupported)
_REFUSALS = (401, 403)


class OutsideProbes:
    """Looks at endpoints from this machine. Each look ends within its `timeout` (seconds) and raises nothing."""

    def rfb(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> tuple[Rung, Rung]:
        """The rungs "handshake" and "frame" of a vnc endpoint."""
        begun = time.monotonic()
        try:
            stream = open_stream(endpoint, tunnel, timeout)
        except VdictlError as error:
            return _failed("handshake", error, begun), Rung(name="frame", ok=None)
        try:
            return _look(stream, endpoint, begun)
        finally:
            stream.close()

    def page(self, endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> Rung:
        """The rung "page" of an http endpoint: it answers, lets the token in, and nobody else."""
        begun = time.monotonic()
        try:
            detail = _visit(endpoint, lambda: open_stream(endpoint, tunnel, timeout - (time.monotonic() - begun)))
        except VdictlError as error:
            return _failed("page", error, begun)
        return Rung(name="page", ok=True, detail=detail, seconds=time.monotonic() - begun)


def knock(endpoint: Endpoint, *, timeout: float) -> None:
    """See whether a page that can be reached straight takes the endpoint's token.

    Raises:
        AuthFailed: it does not. Unavailable, TimedOut: it does not answer.
    """
    assert endpoint.token is not None
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    with Page(f"{host}:{endpoint.port}", lambda: open_stream(endpoint, None, timeout)) as page:
        answer = _login(page, endpoint.token.reveal())
    if answer.status in _REFUSALS:
        raise AuthFailed("The page does not take this token.", details=f"HTTP {answer.status}.")
    _expect(answer, (204,), "What answers is not the desktop's page.")


def screenshot(endpoint: Endpoint, tunnel: Command | None, *, timeout: float) -> Frame:
    """The desktop's screen as it is now.

    Raises:
        As `open_stream`, `rfb.handshake` and `rfb.grab`.
    """
    stream = open_stream(endpoint, tunnel, timeout)
    try:
        return rfb.grab(stream, rfb.handshake(stream, endpoint.password))
    finally:
        stream.close()


def _failed(name: str, error: VdictlError, begun: float) -> Rung:
    detail = " ".join(part for part in (error.brief, error.details) if part)
    return Rung(name=name, ok=False, detail=detail, seconds=time.monotonic() - begun, fatal=isinstance(error, _FATAL))


def _look(stream: Stream, endpoint: Endpoint, begun: float) -> tuple[Rung, Rung]:
    try:
        screen = rfb.handshake(stream, endpoint.password)
        if endpoint.password is not None and screen.security == "None":
            raise AuthFailed("The VNC server lets everybody in without the password.")
    except VdictlError as error:
        return _failed("handshake", error, begun), Rung(name="frame", ok=None)
    shaken = time.monotonic()
    detail = f"RFB {screen.version}, {screen.security}"
    handshake = Rung(name="handshake", ok=True, detail=detail, seconds=shaken - begun)
    try:
        frame = rfb.grab(stream, screen)
    except VdictlError as error:
        return handshake, _failed("frame", error, shaken)
    ok, seen = drawn(frame), describe(frame)
    return handshake, Rung(name="frame", ok=ok, detail=seen, seconds=time.monotonic() - shaken)


def _visit(endpoint: Endpoint, connect: Callable[[], Stream]) -> str:
    """Knock as a stranger, as a forger and as the owner."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    with Page(f"{host}:{endpoint.port}" if endpoint.direct else "localhost", connect) as page:
        _expect(page.ask("GET", "/", headers={}), (200,), "The page does not open.")
        if endpoint.token is None:
            return "open, no login asked for"
        for path in ("/session", "/socket"):
            _expect(page.ask("GET", path, headers={}), _REFUSALS, f"{path} answers without a login.", AuthFailed)
        _expect(_login(page, "x" * 43), _REFUSALS, "The login takes a wrong token.", AuthFailed)
        cookie = _cookie(_login(page, endpoint.token.reveal()))
        session = page.ask("GET", "/session", headers={"Cookie": cookie})
        _expect(session, (200,), "The login's cookie does not open the session.")
        main = "/code/" if _kind(session) == "http" else "/desktop"
        _expect(_follow(page, main, cookie), (200,), f"{main} does not open behind the login.")
    return f"{main} behind its login"


def _login(page: Page, token: str) -> Answer:
    body = json.dumps({"token": token}).encode()
    return page.ask("POST", "/login", body=body, headers={"Content-Type": "application/json"})


def _cookie(answer: Answer) -> str:
    """The first cookie that the login gave, as it is sent back."""
    if answer.status in _REFUSALS:
        raise AuthFailed("The page refuses the desktop's own token.", details=f"HTTP {answer.status}.")
    try:
        jar = SimpleCookie("; ".join(line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie", [])))
        name, morsel = next(iter(jar.items()))
    except (CookieError, StopIteration) as error:
        raise Unavailable("The login gives no cookie.", details=f"HTTP {answer.status}.") from error
    return f"{name}={morsel.coded_value}"


def _kind(answer: Answer) -> object:
    try:
        data = json.loads(answer.body)
    except ValueError:
        data = None
    return data.get("kind") if isinstance(data, dict) else None


def _follow(page: Page, path: str, cookie: str) -> Answer:
    """Get a page; a redirect is followed within the same page only, and not for long (code-server adds its folder)."""
    answer = page.ask("GET", path, headers={"Cookie": cookie})
    for _ in range(3):
        target = urlsplit(urljoin(path, answer.headers.get("Location", "")))
        if answer.status not in (301, 302, 303, 307, 308) or target.netloc:
            break
        path = target._replace(fragment="").geturl()
        answer = page.ask("GET", path, headers={"Cookie": cookie})
    return answer


def _expect(answer: Answer, wanted: tuple[int, ...], brief: str, error: type[VdictlError] = Unavailable) -> None:
    if answer.status not in wanted:
        raise error(brief, details=f"HTTP {answer.status}.")
