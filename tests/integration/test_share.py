"""A CI job makes a desktop for a person: the file of a share, in a real browser; revoked, and never cloned."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.integration.test_main_job import FLAGS, Shell, drawn, until

pytestmark = [pytest.mark.engine, pytest.mark.browser]


@pytest.fixture
def job(desktop_engine: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    fleet = f"share-{uuid.uuid4().hex[:6]}"
    run = Shell({**os.environ, **desktop_engine, "VDICTL_FLEET": fleet, "CI": "true"}, tmp_path)
    yield run
    run("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")


@pytest.fixture
def person(tmp_path: Path) -> Shell:
    """Somebody with a file and nothing else: no engine, no settings, another owner."""
    home = tmp_path / "person"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "VDICTL_ENGINE": "/nonexistent"}
    return Shell({**environment, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}, tmp_path)


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1000, "height": 700}).new_page()
    page.goto(url)
    until("a drawn desktop in the browser", lambda: page.locator("#screen canvas").count() and drawn(page))
    return page


def overlay(page: Page) -> str:
    return page.inner_text("#overlay") if page.locator("#overlay").is_visible() else ""


def test_a_person_opens_what_a_job_made_until_it_is_taken_back(job: Shell, person: Shell, browser: Browser) -> None:
    url = json.loads(job("create", "web", "--flavor", "minimal", "-o", "json"))["url"]
    job("share", "web", "--for", "1h", "--output-file", "web.vdictl-share")
    job("share", "web", "--for", "1h", "--output-file", "other.vdictl-share")
    link = person("connect", "web.vdictl-share", "--print").strip()
    assert link != url and link.partition("#")[0] == url.partition("#")[0]
    shared, owned = opened(browser, link), opened(browser, url)
    assert link.partition("token=")[2] not in shared.url

    ids = {
        path: json.loads((job.folder / path).read_text())["id"] for path in ("web.vdictl-share", "other.vdictl-share")
    }
    job("share", "revoke", "web", ids["other.vdictl-share"])
    person("connect", "other.vdictl-share", code=5)
    assert overlay(shared) == ""
    job("share", "revoke", "web", json.loads((job.folder / "web.vdictl-share").read_text())["id"])
    until("the overlay that says that the share is over", lambda: "share of this desktop is over" in overlay(shared))
    shared.goto(link)
    until("the gate that refuses", lambda: "does not open this desktop" in shared.inner_text("main"))
    assert overlay(owned) == "" and drawn(owned)

    job("share", "web", "--for", "6s", "--output-file", "short.vdictl-share")
    short = opened(browser, person("connect", "short.vdictl-share", "--print").strip())
    until("the overlay once its time is over", lambda: "share of this desktop is over" in overlay(short))
    person("connect", "short.vdictl-share", code=5)


def test_a_clone_and_a_restart_and_a_restore(job: Shell, person: Shell) -> None:
    job("create", "web", "--flavor", "minimal")
    job("share", "web", "--output-file", "web.vdictl-share")
    ticket = json.loads((job.folder / "web.vdictl-share").read_text())
    job("snapshot", "create", "web", "one")
    made = job("snapshot", "clone", "web", "one", "copy", "-o", "json")
    assert json.loads(job("share", "list", "copy", "-o", "json")) == []
    refused = urllib.request.Request(
        json.loads(made)["url"].partition("#")[0] + "login",
        data=json.dumps({"token": ticket["token"]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(refused, timeout=60)
    error.value.close()
    assert error.value.code == 403
    job("restart", "web")
    job("snapshot", "restore", "web", "one", "--yes")
    job("wait", "web", "--for", "usable")
    assert [share["id"] for share in json.loads(job("share", "list", "web", "-o", "json"))] == [ticket["id"]]
