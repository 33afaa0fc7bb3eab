"""The main job as a person does it: create, open the printed URL in a real browser, type, paste, destroy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = [pytest.mark.engine, pytest.mark.browser]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CANVAS = "#screen canvas"


@dataclass
class Shell:
    """Runs the real command as one user would, in one fleet."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, *words: str, code: int = 0, seconds: float = 1200) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "vdictl", *words],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(desktop_engine: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    fleet = f"job-{uuid.uuid4().hex[:6]}"
    run = Shell({**os.environ, **desktop_engine, "VDICTL_FLEET": fleet, "VDICTL_OWNER": "person"}, tmp_path)
    yield run
    run("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")


@pytest.fixture
def page(chromium: str, tmp_path: Path) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
        browser.close()


def until(what: str, holds: object, seconds: float = 120) -> None:
    """Look again and again until it holds; what it waits for is said if it never does."""
    end = time.monotonic() + seconds
    assert callable(holds)
    while not holds():
        assert time.monotonic() < end, f"never seen: {what}"
        time.sleep(0.2)


def drawn(page: Page) -> bool:
    """Whether the canvas shows more than a handful of colours."""
    count = page.evaluate(
        """() => {
            const canvas = document.querySelector('#screen canvas');
            if (!canvas || !canvas.width) return 0;
            const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Set();
            for (let i = 0; i < data.length && seen.size < 64; i += 4)
                seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
            return seen.size;
        }"""
    )
    return int(count) >= 16


def test_a_person_works_in_a_desktop(shell: Shell, page: Page) -> None:
    made = json.loads(shell("create", "web", "-o", "json"))
    url = made["url"]
    base, _, token = url.partition("#token=")
    assert made["state"] == "running" and len(token) >= 22  # 128 bits

    refused_without_the_token(page, base)
    page.goto(url)
    until("a drawn desktop in the browser", lambda: page.locator(CANVAS).count() and drawn(page))
    assert token not in page.url

    shell("exec", "web", "--", "sh", "-c", "xfce4-terminal --maximize >/dev/null 2>&1 &")
    until("a shell in the terminal", lambda: "bash" in shell("exec", "web", "--", "ps", "-e", "-o", "comm="))
    until("the terminal's window", lambda: "Terminal" in windows(shell))
    before = page.locator(CANVAS).screenshot()
    page.locator(CANVAS).click(position={"x": 600, "y": 400})
    page.keyboard.type("echo typed-by-hand > typed.txt\n", delay=20)
    until("the file that was typed", lambda: "typed.txt" in shell("exec", "web", "ls"))
    assert shell("exec", "web", "cat", "typed.txt") == "typed-by-hand\n"
    assert page.locator(CANVAS).screenshot() != before

    pasted(shell, page)
    health = json.loads(shell("health", "web", "-o", "json"))
    assert health["usable"] is True

    shell("destroy", "web", "--with-volumes")
    until("the overlay that says it stopped", lambda: page.locator("#overlay").is_visible())
    shell("show", "web", code=4)


def refused_without_the_token(page: Page, base: str) -> None:
    for path in ("desktop", "desktop.js", "session", "socket"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(base + path, timeout=60)
        assert refused.value.code in {401, 403}
        refused.value.close()
    page.goto(base + "#token=" + "A" * 43)
    page.wait_for_timeout(500)
    assert page.locator(CANVAS).count() == 0


def pasted(shell: Shell, page: Page) -> None:
    """Text from the person's side of the clipboard arrives in the desktop, beyond ASCII too."""
    page.locator("#handle").click()
    page.locator("#do-clipboard").click()
    page.locator("#clipboard-area").fill("echo 'pasted: grün 漢字' > pasted.txt")
    page.locator("#clipboard-send").click()
    page.locator(CANVAS).click(position={"x": 600, "y": 400})
    page.keyboard.press("Control+Shift+V")

    def entered() -> bool:
        """The text crosses when the terminal asks for it, Enter at once: on a busy machine one comes too early."""
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)
        return "pasted.txt" in shell("exec", "web", "ls")

    until("the file that was pasted", entered)
    assert shell("exec", "web", "cat", "pasted.txt") == "pasted: grün 漢字\n"


def windows(shell: Shell) -> str:
    ids = shell("exec", "web", "--", "sh", "-c", "xprop -root _NET_CLIENT_LIST | grep -o '0x[0-9a-f]*'").split()
    titles = [shell("exec", "web", "--", "xprop", "-id", one, "_NET_WM_NAME") for one in ids]
    return "\n".join(titles)
