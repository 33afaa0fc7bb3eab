"""`vdictl share` and `vdictl connect FILE` on the reference provider, with a page of the test's own."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.front import Vdictl

FILE = "desktop.vdictl-share"


class Door(http.server.BaseHTTPRequestHandler):
    """A page that asks the desktops inside whether a share holds, as the guest's own does."""

    cloud: Path

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["token"]
        digest = hashlib.sha256(given.encode()).hexdigest()
        kept = [each for file in self.cloud.glob("**/shares.json") for each in json.loads(file.read_text())["shares"]]
        self.send_response(204 if digest in {each["hash"] for each in kept} else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def page(vdictl: Vdictl) -> Iterator[int]:
    """A desktop with a page; the page's port."""
    vdictl.ok("create", "-q")
    door = type("TheDoor", (Door,), {"cloud": vdictl.folder / "cloud"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        vdictl.configure(memory=f'page_port = "{server.server_port}"')
        yield server.server_port
        server.shutdown()


@pytest.fixture
def stranger(tmp_path: Path) -> Vdictl:
    """Somebody else, who has no provider and no settings."""
    folder = tmp_path / "stranger"
    folder.mkdir()
    other = Vdictl(folder)
    other.config.unlink()
    return other


def given_to(stranger: Vdictl, file: Path) -> Path:
    """The file in the stranger's hands."""
    copy = stranger.work / file.name
    copy.touch(mode=0o600)
    copy.write_bytes(file.read_bytes())
    return copy


def written(vdictl: Vdictl, **changed: Any) -> Path:
    """A share's file, changed."""
    file = vdictl.work / FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    return file


def test_a_file_opens_one_desktop_for_who_has_no_keys(vdictl: Vdictl, stranger: Vdictl, page: int) -> None:
    made = vdictl.ok("share", "desktop", "--for", "2h")
    assert made.out == f"{FILE}\n" and "loopback" in made.err
    file = vdictl.work / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    ticket = json.loads(file.read_text())
    assert (ticket["kind"], ticket["version"], ticket["name"]) == ("vdictl-share", 1, "desktop")
    assert ticket["url"] == f"http://127.0.0.1:{page}/"
    left = datetime.fromisoformat(ticket["until"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=58) < left <= timedelta(hours=2)

    copy = given_to(stranger, file)
    opened = stranger.ok("connect", copy.name)
    assert opened.out == f"{ticket['url']}#token={ticket['token']}\n" and "no screen" in opened.err
    assert stranger.ok("connect", f"./{copy.name}", "--print", "-o", "json").data["url"] == opened.out.strip()

    [there] = vdictl.ok("share", "list", "-o", "json").data
    assert (there["id"], there["name"], there["by"]) == (ticket["id"], "desktop", "tester")
    vdictl.ok("share", "revoke", "desktop", ticket["id"])
    refused = stranger("connect", copy.name)
    assert refused.code == 5 and "revoked" in refused.err
    assert vdictl("share", "revoke", "desktop", ticket["id"]).code == 4


def test_the_token_stands_in_the_file_and_nowhere_else(vdictl: Vdictl, page: int) -> None:
    said = vdictl.ok("-o", "json", "share", "create")
    assert set(said.data) == {"id", "created", "until", "by", "name", "file", "url"}
    token = json.loads((vdictl.work / FILE).read_text())["token"]
    files = [path for path in vdictl.folder.rglob("*") if path.is_file() and path.name != FILE]
    holding = [path for path in files if token.encode() in path.read_bytes()]
    assert holding == [] and token not in said.out + said.err
    assert said.data["id"] in (vdictl.state / "journal.jsonl").read_text()


def test_to_standard_output_for_a_job_that_hands_it_on(vdictl: Vdictl, page: int) -> None:
    made = vdictl.ok("share", "--output-file", "-", env={"GITHUB_ACTIONS": "true", "VDICTL_OWNER": "tester"})
    assert f"::add-mask::{made.data['token']}" in made.err
    assert list(vdictl.work.iterdir()) == []


def test_a_file_that_is_there_is_not_written_over(vdictl: Vdictl, page: int) -> None:
    (vdictl.work / FILE).write_text("precious")
    assert vdictl("share", "desktop").code == 9
    assert (vdictl.work / FILE).read_text() == "precious"
    assert vdictl.ok("share", "list", "-o", "json").data == []
    vdictl.ok("share", "--force")
    assert json.loads((vdictl.work / FILE).read_text())["version"] == 1
    assert (vdictl.work / FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_makes_no_share(vdictl: Vdictl, page: int) -> None:
    assert vdictl("share", "--output-file", "nowhere/x.vdictl-share").code == 1
    assert vdictl.ok("share", "list", "-o", "json").data == []


def test_all_shares_go_at_once(vdictl: Vdictl, page: int) -> None:
    for name in ("a.s", "b.s", "c.s"):
        vdictl.ok("share", "--output-file", name)
    assert len(vdictl.ok("share", "list", "desktop", "-o", "json").data) == 3
    assert len(vdictl.ok("share", "revoke", "desktop", "--all", "-o", "json").data) == 3
    assert "not shared" in vdictl.ok("share", "list").err
    vdictl.ok("share", "revoke", "desktop", "--all")  # twice is fine


def test_a_desktop_without_a_page_cannot_be_shared_and_says_why(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    refused = vdictl("share", "create", "-o", "json")
    assert (refused.code, refused.error["error"]) == (6, "unsupported")
    assert "no page" in refused.error["details"]
    vdictl.ok("stop")
    assert vdictl("share", "desktop").code == 9


@pytest.mark.parametrize(
    "words",
    [
        ["share", "desktop", "--for", "soon"],
        ["share", "desktop", "--for", "-1h"],
        ["share", "revoke", "desktop"],
        ["share", "revoke", "desktop", "abc", "--all"],
        ["share", "revoke", "desktop", "--", "--all"],
        ["share", "Not A Name"],
    ],
)
def test_bad_wishes_are_refused(vdictl: Vdictl, words: list[str]) -> None:
    assert vdictl(*words).code == 2


def test_a_desktop_may_be_called_as_a_command_is(vdictl: Vdictl, page: int) -> None:
    vdictl.ok("create", "list", "-q", "--no-wait")
    vdictl.ok("wait", "list", "--for", "running", "-q")
    assert vdictl.ok("share", "create", "list").out == "list.vdictl-share\n"


def test_a_file_that_others_can_read_is_not_used(vdictl: Vdictl, page: int) -> None:
    vdictl.ok("share", "desktop")
    (vdictl.work / FILE).chmod(0o644)
    refused = vdictl("connect", FILE)
    assert refused.code == 5 and "chmod 600" in refused.err


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_else_is_not_used(vdictl: Vdictl, page: int) -> None:
    vdictl.ok("share", "desktop")
    os.chown(vdictl.work / FILE, 12345, 12345)
    refused = vdictl("connect", FILE)
    assert refused.code == 5 and "somebody else" in refused.err


def test_one_that_is_over_says_so(vdictl: Vdictl, page: int) -> None:
    vdictl.ok("share", "desktop")
    written(vdictl, until="2020-01-31T18:00:00Z")
    refused = vdictl("connect", FILE, "--print", "-o", "json")
    assert (refused.code, refused.error["error"], refused.out) == (5, "auth-failed", "")
    assert "2020-01-31 18:00" in refused.error["brief"]


def test_one_of_a_newer_version_says_what_to_do(vdictl: Vdictl, page: int) -> None:
    vdictl.ok("share", "desktop")
    written(vdictl, version=2)
    refused = vdictl("connect", FILE, "--print")
    assert (refused.code, refused.out) == (2, "") and "Update vdictl" in refused.err


def test_what_is_no_share_at_all_is_refused(vdictl: Vdictl) -> None:
    for content in (b"", b"{", b"[]", b"\xff\xfe", b"x" * 2_000_000):
        file = vdictl.work / "odd.file"
        file.write_bytes(content)
        file.chmod(0o600)
        assert vdictl("connect", "odd.file").code == 2
    assert vdictl("connect", "not.there").code == 2
    assert vdictl("connect", "odd.file", "--shell").code == 2


def test_a_page_that_cannot_be_reached_is_told(vdictl: Vdictl, page: int) -> None:
    vdictl.ok("share", "desktop")
    written(vdictl, url="http://127.0.0.1:1/")
    refused = vdictl("connect", FILE)
    assert refused.code == 1 and "127.0.0.1:1" in refused.err and "Traceback" not in refused.err
