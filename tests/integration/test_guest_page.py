"""The page in a real browser: let in by the link, work, paste, stop, come back; and refused without it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.guest_support import Guest, engine_or_skip, image, started
from vdictl.engine.engine import Engine

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.engine, pytest.mark.browser]
api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (uv pip install playwright)")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_or_skip(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with api.sync_playwright() as play:
        # The tests run as root in many places, where Chromium's sandbox can't be had; the one inside is another matter.
        yield play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def tag(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    return image(engine, tmp_path_factory.mktemp("build"), "minimal")


@pytest.fixture(scope="module")
def desk(engine: Engine, tag: str) -> Iterator[Guest]:
    with started(engine, tag) as guest:
        guest.until_well()
        yield guest


@pytest.fixture
def visit(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that knows nothing yet, and lets pages use the clipboard."""
    fresh = browser.new_context(viewport={"width": 1100, "height": 700})
    fresh.grant_permissions(["clipboard-read", "clipboard-write"])
    yield fresh
    fresh.close()


def opened(visit: BrowserContext, guest: Guest) -> Page:
    """The desktop's page, connected and drawn."""
    page = visit.new_page()
    page.goto(f"{guest.url()}/#token={guest.access()['token']}")
    connected(page)
    return page


def connected(page: Page) -> None:
    """Wait until the desktop is drawn: more than three colours, and no overlay."""
    page.wait_for_selector("#screen canvas", timeout=20000)
    page.wait_for_selector("#overlay[hidden]", state="attached", timeout=20000)
    page.wait_for_function(COLOURS, timeout=20000)


COLOURS = """() => {
  const canvas = document.querySelector('#screen canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4 * 97) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
  return seen.size > 3;
}"""

PIXELS = """() => {
  const canvas = document.querySelector('#screen canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    sum = (sum * 31 + (data[i] << 16) + (data[i + 1] << 8) + data[i + 2]) % 4294967291;
  }
  return sum;
}"""


def written(guest: Guest, path: str, text: str, seconds: float = 60) -> None:
    """Wait until a file inside holds `text`."""
    end = time.monotonic() + seconds
    while guest.code("grep", "-qxF", "--", text, path) != 0:
        assert time.monotonic() < end, f"{path} does not hold {text!r}"
        time.sleep(0.2)


def entered(page: Page, guest: Guest, path: str, text: str, seconds: float = 60) -> None:
    """Enter, until the file holds the line: pasted text crosses when the terminal asks for it, and Enter is quicker."""
    end = time.monotonic() + seconds
    while guest.code("grep", "-qxF", "--", text, path) != 0:
        assert time.monotonic() < end, f"{path} does not hold {text!r}"
        page.keyboard.press("Enter")
        page.wait_for_timeout(500)


def test_bare_address_is_refused(visit: BrowserContext, desk: Guest) -> None:
    page = visit.new_page()
    for address in (desk.url(), f"{desk.url()}/#token=wrong", f"{desk.url()}/?token={desk.access()['token']}"):
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector("#text code")
        assert "vdictl connect" in page.inner_text("main")
        assert page.query_selector("canvas") is None
    answer = page.goto(f"{desk.url()}/desktop")
    assert answer is not None
    assert answer.status == 401


def test_link_lets_in_and_leaves_no_token(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    assert page.title() == "desk"
    assert page.url == f"{desk.url()}/desktop"
    entries = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name).join(' ')")
    token = desk.access()["token"]
    assert token not in entries + page.content() + json.dumps(page.evaluate("({...localStorage, ...sessionStorage})"))
    page.go_back()
    assert token not in page.url
    again = visit.new_page()  # the cookie is enough for a second tab of the same browser
    again.goto(desk.url())
    connected(again)


def test_keys_change_pixels_and_arrive(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    page.wait_for_timeout(500)
    before = page.evaluate(PIXELS)
    page.keyboard.type("echo Keys: ~'#{}|@ > /tmp/keys")
    page.wait_for_timeout(500)
    assert page.evaluate(PIXELS) != before
    page.keyboard.type("'\n")
    page.keyboard.press("Control+C")
    page.keyboard.type("echo 'a~{}|@#' > /tmp/keys\n")
    written(desk, "/tmp/keys", "a~{}|@#")


def test_clipboard_goes_both_ways(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    text = "Grüße, 日本 — {1} 'x'"
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.type("cat > /tmp/pasted\n")
    page.keyboard.press("Shift+Insert")
    entered(page, desk, "/tmp/pasted", text)
    page.keyboard.press("Control+D")

    copied = "from inside: ünïcödé 漢字"
    script = "xclip -i -selection clipboard >/dev/null 2>&1"
    desk.exec("vdictl-guest", "run", "--", "sh", "-c", script, input=copied.encode())
    page.wait_for_function(
        "text => navigator.clipboard.readText().then((now) => now === text)", arg=copied, timeout=60000
    )


def test_keys_that_are_let_go_while_the_text_is_fetched_paste_all_the_same(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    slow = """() => {
        const fetched = navigator.clipboard.readText.bind(navigator.clipboard);
        navigator.clipboard.readText = async () => {
            await new Promise((done) => setTimeout(done, 700));
            return fetched();
        };
    }"""
    page.evaluate("text => navigator.clipboard.writeText(text)", "fetched late")
    page.evaluate(slow)
    page.keyboard.type("cat > /tmp/late\n")
    page.keyboard.press("Shift+Insert")
    entered(page, desk, "/tmp/late", "fetched late")
    page.keyboard.press("Control+D")


def test_what_the_panel_sent_is_what_the_next_paste_means(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    page.evaluate("text => navigator.clipboard.writeText(text)", "copied in the browser long ago")
    page.keyboard.press("Control+Alt+Shift+M")
    page.keyboard.press("Enter")
    page.fill("#clipboard-area", "sent by the panel")
    page.click("#clipboard-send")
    page.keyboard.type("cat > /tmp/by-hand\n")
    page.keyboard.press("Shift+Insert")
    entered(page, desk, "/tmp/by-hand", "sent by the panel")
    page.keyboard.press("Control+D")


def test_panel_works_without_permission(browser: Browser, desk: Guest) -> None:
    fresh = browser.new_context(viewport={"width": 1100, "height": 700})
    page = opened(fresh, desk)
    page.keyboard.press("Control+Alt+Shift+M")
    page.keyboard.press("Enter")
    page.fill("#clipboard-area", "echo 'typed: é' > /tmp/typed\n")
    page.click("#clipboard-type")
    written(desk, "/tmp/typed", "typed: é")
    fresh.close()


def test_desktop_takes_the_size_of_the_window(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    for size in ({"width": 1000, "height": 640}, {"width": 900, "height": 700}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_function(
            "([w, h]) => [...document.querySelectorAll('#screen canvas')].some((c) => c.width === w && c.height === h)",
            arg=list(size.values()),
            timeout=10000,
        )
    page.set_viewport_size({"width": 380, "height": 700})  # a phone: scaled, not shrunk
    page.wait_for_function("() => document.querySelector('#screen canvas').getBoundingClientRect().width <= 380")
    assert page.evaluate("document.querySelector('#screen canvas').width") == 900


def test_overlay_when_it_stops_and_back_by_itself(engine: Engine, tag: str, visit: BrowserContext) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        page = opened(visit, guest)
        where = guest.url()
        engine.run("stop", guest.name)
        page.locator("#overlay-title", has_text="has stopped").wait_for(timeout=60000)
        assert "vdictl start desk" in page.inner_text("#overlay-text")
        engine.run("start", guest.name)
        if guest.url() != where:
            pytest.skip("this engine gives another port after a start: the page can't find it by itself")
        connected(page)


def test_display_that_dies_is_found_again(visit: BrowserContext, desk: Guest) -> None:
    page = opened(visit, desk)
    desk.exec("pkill", "-9", "Xtigervnc")
    page.wait_for_timeout(300)
    desk.until_well()
    page.wait_for_function("() => document.querySelectorAll('#screen canvas').length === 1", timeout=15000)
    connected(page)


def test_notes_of_first_boot_and_of_the_end(engine: Engine, tag: str, visit: BrowserContext) -> None:
    with started(engine, tag, "-e", "VDICTL_INPUTS=a") as guest:
        guest.until(lambda now: now["display"]["ok"] and now["page"]["ok"])
        page = visit.new_page()
        page.goto(f"{guest.url()}/#token={guest.access()['token']}")
        page.wait_for_selector("#notice:not([hidden])", timeout=15000)
        assert "inputs" in page.inner_text("#notice")
        guest.receive({"hash": "a", "setup": "sleep 3; exit 5"})
        page.wait_for_selector("#notice.bad", timeout=15000)
        assert "First boot failed (5)" in page.inner_text("#notice")
        guest.exec("vdictl-guest", "expire", str(int(time.time()) + 200))
        page.wait_for_selector("#notice.warn", timeout=20000)
        assert "stops in 3 minutes" in page.inner_text("#notice")
