"""The command line on the real local provider: the whole life of a desktop, and what its page asks of a visitor."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.front import Vdictl

pytestmark = pytest.mark.engine
ENGINE = os.environ.get("VDICTL_ENGINE") or shutil.which("podman") or shutil.which("docker") or ""


def engine(*words: str) -> str:
    """What the engine says, asked without us."""
    return subprocess.run([ENGINE, *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def vdictl(tmp_path: Path, desktop_engine: dict[str, str]) -> Iterator[Vdictl]:
    """The command on this machine's engine, in a fleet of its own that is emptied at the end."""
    fleet = f"t-{uuid.uuid4().hex[:8]}"
    here = Vdictl(tmp_path, env={**desktop_engine, "VDICTL_FLEET": fleet, "VDICTL_OWNER": "me"})
    here.seconds = 900.0  # the image may have to be built
    here.config.write_text("")
    yield here
    here("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")
    for home in engine("volume", "ls", "-q", "--filter", f"label=vdictl.fleet={fleet}").split():
        engine("volume", "rm", home)  # of a desktop that the test destroyed


def visit(url: str, token: str) -> tuple[int, str]:
    """What the page's login says to a token, and the cookie that it gives."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("POST", "/login", json.dumps({"token": token}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
    connection.close()
    return answer.status, cookie


def session(url: str, cookie: str) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request("GET", "/session", headers={"Cookie": cookie} if cookie else {})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_life_of_a_desktop(vdictl: Vdictl) -> None:
    made = vdictl.ok("create", "--flavor", "minimal", "-o", "json", "--ttl", "2h")
    url, token = made.data["url"], made.data["url"].partition("#token=")[2]
    assert "Its own timer stops it" in made.err
    assert len(token) >= 22  # 128 bits
    assert visit(url, "x" * len(token))[0] in (401, 403)
    status, cookie = visit(url, token)
    assert status in (200, 204)
    assert session(url, cookie) == 200
    assert session(url, "") in (401, 403)

    assert vdictl.ok("connect", "--print").out.strip() == url
    assert vdictl.ok("create", "--flavor", "minimal").out.splitlines()[-1] == url

    health = vdictl.ok("health", "-o", "json").data
    names = ["exists", "runs", "display", "handshake", "window manager", "frame", "page"]
    assert [rung["name"] for rung in health["rungs"]] == names
    taken = vdictl.ok("screenshot", "x.png", "-o", "json").data
    assert (taken["width"], taken["height"]) == (1280, 800)
    shown = vdictl.ok("show", "-o", "json")
    assert [e["token"] for e in shown.data["endpoints"] if e["kind"] == "http"] == ["***"]
    everything = shown.out + shown.err + "".join(f.read_text() for f in vdictl.state.rglob("*.jsonl"))
    assert token not in everything

    began = time.monotonic()
    assert vdictl.ok("stop", "-o", "json").data["state"] == "stopped"
    print(f"stop took {time.monotonic() - began:.2f} s")
    assert vdictl("connect").code == 9
    vdictl.ok("start")
    again = vdictl.ok("connect", "--print").out.strip()
    assert again.endswith(f"#token={token}")  # the link's port may be another, the token stays
    gone = vdictl.ok("destroy")
    assert "The home desktop stays at no cost" in gone.err
    assert vdictl("destroy").code == 4


def test_a_window_manager_that_is_killed_is_seen_and_a_restart_heals_it(vdictl: Vdictl) -> None:
    vdictl.ok("create", "--flavor", "minimal")
    vdictl.ok("exec", "desktop", "pkill", "openbox")
    end = time.monotonic() + 5
    while (seen := vdictl("health", "-o", "json")).code == 0 and time.monotonic() < end:
        pass
    assert (seen.code, seen.data["failing"]) == (1, "window manager")
    vdictl.ok("restart")
    vdictl.ok("health")


def test_a_ci_job_hides_the_link_from_its_log(vdictl: Vdictl) -> None:
    github = {"CI": "true", "GITHUB_ACTIONS": "true"}
    made = vdictl.ok("create", "--flavor", "minimal", "-q", env=github)
    url = made.out.splitlines()[-1]
    assert f"::add-mask::{url.partition('#token=')[2]}" in made.err.splitlines()
    assert "::add-mask::" not in made.out
    gitlab = vdictl.ok("connect", "--print", env={"CI": "true", "GITLAB_CI": "true"})
    assert "readable" in gitlab.err


BROWSER = """#!{python}
import pathlib, stat, sys
file = pathlib.Path(sys.argv[1])
mode, folder = stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)
pathlib.Path({log!r}).write_text(f"{{mode:o}} {{folder:o}}\\n{{' '.join(sys.argv)}}\\n{{file.read_text()}}")
"""


def test_a_browser_is_given_a_private_file_and_no_token(vdictl: Vdictl) -> None:
    url = vdictl.ok("create", "--flavor", "minimal", "-o", "json").data["url"]
    log, browser = vdictl.folder / "browser.log", vdictl.folder / "browser"
    browser.write_text(BROWSER.format(python=sys.executable, log=str(log)))
    browser.chmod(0o755)
    opened = vdictl.ok("connect", env={"BROWSER": str(browser), "DISPLAY": ":99"})
    assert opened.out == ""
    modes, argv, html = log.read_text().split("\n", 2)
    assert modes == "600 700"
    assert "token" not in argv
    assert re.search(r"url=([^\"]+)", html), html
    assert url in html
    failing = vdictl.ok("connect", env={"BROWSER": "false", "DISPLAY": ":99"})
    assert failing.out.strip() == url
    assert "ended with 1" in failing.err


def test_no_process_shows_the_token_while_it_is_made_and_used(vdictl: Vdictl) -> None:
    """argv of every process of this machine is looked at while verbs run that handle secrets."""
    token = vdictl.ok("create", "--flavor", "minimal", "-o", "json").data["url"].partition("#token=")[2]
    seen: set[str] = set()
    for words in (["health"], ["connect", "--print"], ["screenshot", "x.png"], ["restart", "--no-wait"]):
        process = vdictl.start(*words)
        while process.poll() is None:
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue
        out, err = process.communicate()
        assert process.returncode == 0, (words, out, err)
    assert any("vdictl-guest" in line for line in seen)  # the look itself can see
    assert not [line for line in seen if token in line]


def test_the_shell_is_the_users(vdictl: Vdictl) -> None:
    vdictl.ok("create", "--flavor", "minimal")
    assert vdictl("connect", "--shell", stdin="echo $USER:$PWD:$DISPLAY; exit 3\n").out == "user:/home/user::0\n"


def test_an_inspect_of_the_engine_shows_no_secret(vdictl: Vdictl) -> None:
    (vdictl.work / "env").write_text("SECRET=S3CRET-value\n")
    made = vdictl.ok("create", "--flavor", "minimal", "--env-file", "env", "-o", "json").data
    token = made["url"].partition("#token=")[2]
    assert vdictl.ok("exec", "desktop", "printenv", "SECRET").out == "S3CRET-value\n"
    inspected = engine("inspect", made["id"])
    assert made["key"] in inspected  # the look itself can see
    assert token not in inspected
    assert "S3CRET" not in inspected
