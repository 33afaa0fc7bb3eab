"""The flavors for real: XFCE with a browser that keeps its own sandbox, and VS Code behind the gate."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.guest_support import Guest, built, engine_or_skip, image, started
from vdictl.engine.engine import Engine
from vdictl.guest import context

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_or_skip(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def xfce(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    with started(engine, image(engine, tmp_path_factory.mktemp("build"), "xfce")) as guest:
        guest.until_well()
        yield guest


def test_xfce_is_whole(xfce: Guest) -> None:
    assert xfce.probe()["window_manager"]["detail"] == "Xfwm4"
    for program in ("xfce4-panel", "xfdesktop", "xfsettingsd", "xfce4-session"):
        end = time.monotonic() + 15
        while xfce.code("pgrep", "-x", program) != 0:
            assert time.monotonic() < end, f"{program} does not run\n{xfce.logs()}"
            time.sleep(0.3)
    for program in ("xfce4-terminal", "mousepad", "thunar", "chromium", "git"):
        assert xfce.code("sh", "-c", f"command -v {program}") == 0, program


def test_cjk_and_emoji_have_a_font(xfce: Guest) -> None:
    for sign in ("日", "한", "あ", "🦀"):
        found = xfce.run("fc-match", f":charset={ord(sign):x}", "family")
        assert "DejaVu" not in found, f"{sign}: {found}"


def test_killed_window_manager_is_not_revived_unseen(xfce: Guest, engine: Engine) -> None:
    xfce.exec("pkill", "-9", "-x", "xfwm4")
    xfce.until(lambda now: not now["window_manager"]["ok"], seconds=5)
    time.sleep(5)  # a session manager that revived it would have done so by now
    assert not xfce.probe()["window_manager"]["ok"]
    engine.run("restart", xfce.name)
    xfce.until_well()


def test_chromium_keeps_its_own_sandbox(xfce: Guest, engine: Engine) -> None:
    if engine.kind != "podman":
        pytest.skip("Docker's seccomp profile forbids the user namespace that Chromium's sandbox needs")
    engine.run("exec", "-d", xfce.name, "vdictl-guest", "run", "--", "chromium", "about:blank")
    end = time.monotonic() + 40
    while xfce.code("pgrep", "-f", "type=renderer") != 0:
        assert time.monotonic() < end, f"no renderer\n{xfce.logs()}"
        time.sleep(0.5)
    time.sleep(1)
    assert "--no-sandbox" not in xfce.exec("ps", "axww", "-o", "args")
    script = (
        "p=$(pgrep -f type=renderer | head -1);"
        "readlink /proc/1/ns/user /proc/1/ns/pid /proc/$p/ns/user /proc/$p/ns/pid;"
        "grep -h Seccomp_filters /proc/1/status /proc/$p/status"
    )
    user, pid, its_user, its_pid, *filters = xfce.exec("sh", "-c", script).splitlines()
    assert user != its_user  # a user namespace of its own, and in it a pid namespace
    assert pid != its_pid
    outer, inner = (int(line.split()[1]) for line in filters)
    assert inner > outer  # and a seccomp filter of its own on top of the container's
    xfce.code("pkill", "-f", "chromium")


def test_more_packages_and_sudo(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    state = tmp_path_factory.mktemp("build")
    tag = built(engine, context("minimal", packages=["tree"], sudo=True), state)
    name = "vdictl-test-guest-sudo"
    engine.call("rm", "-f", name)
    engine.run("run", "-d", "--name", name, "--tmpfs", "/tmp:exec,mode=1777", "--tmpfs", "/run:exec,mode=1777", tag)
    try:
        guest = Guest(engine, name)
        guest.until_well()
        assert guest.run("sudo", "-n", "id", "-u").strip() == "0"
        assert guest.code("tree", "--version") == 0
    finally:
        engine.call("rm", "-f", "-v", name)


@pytest.mark.browser
def test_code_is_behind_the_gate(engine: Engine, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (uv pip install playwright)")
    with started(engine, image(engine, tmp_path_factory.mktemp("build"), "code")) as guest:
        now = guest.until_well(60)
        assert now["display"] is None
        assert now["window_manager"] is None
        with api.sync_playwright() as play, play.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as it:
            page = it.new_page()
            for path in ("/code/", "/code/healthz"):
                answer = page.goto(guest.url() + path)
                assert answer is not None
                assert answer.status == 401, path
            page.goto(f"{guest.url()}/#token={guest.access()['token']}")
            workbench = page.frame_locator("#screen iframe")
            workbench.locator(".monaco-workbench").wait_for(timeout=150000)
            workbench.locator(".explorer-folders-view").wait_for(timeout=150000)
            end = time.monotonic() + 150
            while not workbench.locator(".xterm-helper-textarea").count():  # its keys work some time after it is shown
                assert time.monotonic() < end, f"no terminal opens\n{guest.logs()[-2000:]}"
                workbench.locator(".explorer-folders-view").click()
                page.keyboard.press("Control+Shift+Backquote")
                page.wait_for_timeout(3000)
            while guest.code("test", "-e", "/home/user/written") != 0:
                assert time.monotonic() < end, f"the terminal does not answer\n{guest.logs()[-2000:]}"
                page.keyboard.type("touch ~/written\n")
                page.wait_for_timeout(1000)
            assert page.title() == "desk"
            idle = guest.probe()["idle_seconds"]
            assert idle is not None
            assert idle < 100
            a_share_ends(guest, it.new_context().new_page())


def a_share_ends(guest: Guest, page: Page) -> None:
    """What a share has open of the editor is cut when it is revoked, and its page says so."""
    wish = json.dumps({"seconds": 600, "by": "ann"}).encode()
    token = json.loads(guest.exec("vdictl-guest", "share", "add", input=wish))["token"]
    page.goto(f"{guest.url()}/#token={token}")
    page.wait_for_selector("#screen iframe", timeout=150000)
    guest.exec("vdictl-guest", "share", "revoke", "--all")
    page.locator("#overlay-title", has_text="share of this desktop is over").wait_for(timeout=60000)
    answer = page.goto(f"{guest.url()}/code/healthz")
    assert answer is not None and answer.status == 401
