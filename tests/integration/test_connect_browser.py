"""The redirect file in a real Chromium, started as `connect` starts a person's browser."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vdictl.connect import redirect, viewers
from vdictl.connect.viewers import Viewer
from vdictl.contract.model import Endpoint, Secret

pytestmark = pytest.mark.browser
TOKEN = "only-in-the-fragment"
GATE = b"<script>fetch('/login', {method: 'POST', body: location.hash})</script>"


class Gate(BaseHTTPRequestHandler):
    """Like the guest's gate: its script sends the fragment back."""

    heard: list[tuple[str, str, str]] = []  # noqa: RUF012 - one server, one test

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        """The gate."""
        self._hear("")
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(GATE)

    def do_POST(self) -> None:
        """The login."""
        self._hear(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def _hear(self, body: str) -> None:
        self.heard.append((self.path, body, self.headers.get("Referer", "")))


def command_lines() -> bytes:
    lines = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            lines += path.read_bytes()
    return lines


def test_chromium_is_led_to_the_page_and_nobody_sees_the_token(chromium: str, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    script, pid, profile = tmp_path / "person's browser", tmp_path / "pid", tmp_path / "profile"
    script.write_text(
        f'#!/bin/sh\necho $$ > "{pid}"\nexec "{chromium}" --headless --no-sandbox --disable-gpu --no-first-run '
        f'--disable-background-networking --user-data-dir="{profile}" --remote-debugging-port=0 "$@"\n'
    )
    script.chmod(0o755)
    environment = {**os.environ, "BROWSER": f'"{script}" %s'}
    url = redirect.page_url(Endpoint(kind="http", host="127.0.0.1", port=server.server_port, token=Secret(TOKEN)))
    file = redirect.write(url, redirect.private_folder({}, tmp_path))
    try:
        viewer = viewers.find_browser(file, environment)
        assert isinstance(viewer, Viewer)
        assert viewers.launch(viewer) == ""
        end = time.monotonic() + 60
        while not any(path == "/login" for path, _, _ in Gate.heard):
            assert time.monotonic() < end, Gate.heard
            assert TOKEN.encode() not in command_lines()
            time.sleep(0.1)
        assert ("/login", f"#token={TOKEN}", "") in [(path, body, "") for path, body, _ in Gate.heard]
        assert all(TOKEN not in path + referer for path, _, referer in Gate.heard)
        while file.exists():
            assert time.monotonic() < end, "the file with the token is still there"
            time.sleep(0.1)
    finally:
        _end(pid)
        server.shutdown()
        server.server_close()


def _end(pid: Path) -> None:
    """End the browser that this test started, and wait for it."""
    with suppress(OSError, ValueError):
        number = int(pid.read_text())
        os.kill(number, signal.SIGTERM)
        with suppress(ChildProcessError):
            os.waitpid(number, 0)
