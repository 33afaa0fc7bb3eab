"""The guest in a real hardened container: supervision, probes, inputs, expiry, the ways in."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.integration.guest_support import Guest, engine_or_skip, image, started, well
from vdictl.engine.engine import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_or_skip(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def tag(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    return image(engine, tmp_path_factory.mktemp("build"), "minimal")


@pytest.fixture(scope="module")
def desk(engine: Engine, tag: str) -> Iterator[Guest]:
    """One desktop for the tests that leave it as they found it."""
    with started(engine, tag) as guest:
        guest.until_well()
        yield guest


def ask(
    desk: Guest, path: str, *, method: str = "GET", body: str | None = None, **headers: str
) -> tuple[int, str, str]:
    """Status, body and Set-Cookie of a request with exactly these headers."""
    address = urlsplit(desk.url())
    link = http.client.HTTPConnection(str(address.hostname), address.port or 0, timeout=60)
    try:
        link.request(
            method, path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = link.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace"), answer.getheader("Set-Cookie") or ""
    finally:
        link.close()


def login(desk: Guest) -> str:
    """A cookie, as a browser would send it."""
    status, _, cookie = ask(desk, "/login", method="POST", body=json.dumps({"token": desk.access()["token"]}))
    assert status == 204
    return cookie.partition(";")[0]


def test_probe_tells_all_rungs(desk: Guest) -> None:
    now = desk.probe()
    assert well(now)
    assert now["window_manager"]["detail"] == "Openbox"
    assert now["flavor"] == "minimal"
    assert now["code"] is None
    assert now["expires"] is None
    assert now["inputs"]["state"] == "none"
    assert isinstance(now["idle_seconds"], float)


def test_walls_are_up(desk: Guest) -> None:
    status = desk.exec("cat", "/proc/self/status")
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapBnd"], 16) == 1 << 18  # CAP_SYS_CHROOT
    assert int(fields["CapEff"], 16) in (0, 1 << 18)  # Podman gives an added capability to a user who is not root too
    assert fields["NoNewPrivs"] == "1"
    assert desk.exec("id", "-u").strip() == "1000"
    assert desk.code("touch", "/usr/x") != 0
    assert desk.exec("stat", "-c", "%a", "/run").strip() == "1777"  # Docker gives the user no other way in
    assert desk.code("touch", "/tmp/x", "/home/user/x") == 0


def test_no_zombie_stays(desk: Guest) -> None:
    desk.exec("sh", "-c", "(sleep 0.2 &) ; (sleep 0.2 &) ; true")  # orphans, which process 1 inherits
    time.sleep(0.6)
    states = desk.exec("ps", "-eo", "stat=,comm=")
    assert "sleep" not in states
    assert not [line for line in states.splitlines() if line.startswith("Z")]


def test_secrets_do_not_show(desk: Guest, engine: Engine) -> None:
    access = desk.access()
    assert len(access["token"]) >= 43  # 256 bits
    assert len(access["password"]) == 8
    seen = desk.logs() + engine.run("inspect", desk.name) + desk.exec("ps", "axww", "-o", "args")
    for secret in access.values():
        assert secret not in seen
    files = ("/var/lib/vdictl/access.json", "/run/vdictl", "/run/vdictl/rfb.sock")
    assert desk.exec("stat", "-c", "%a", *files).split() == ["600", "700", "600"]


def test_rfb_bridge_is_binary_safe(desk: Guest) -> None:
    link = desk.popen("vdictl-guest", "rfb")
    assert link.stdin and link.stdout
    assert link.stdout.read(12) == b"RFB 003.008\n"
    link.stdin.write(b"RFB 003.008\n")
    link.stdin.flush()
    count = link.stdout.read(1)[0]
    assert 2 in link.stdout.read(count)  # VNC authentication
    link.stdin.write(b"\x02")
    link.stdin.flush()
    assert len(link.stdout.read(16)) == 16  # the challenge
    link.stdin.write(bytes(range(240, 256)))  # a wrong answer, with bytes that are no text
    link.stdin.flush()
    assert link.stdout.read(4) == b"\0\0\0\1"
    link.communicate(timeout=60)


def test_the_end_of_input_ends_the_bridge(desk: Guest) -> None:
    link = desk.popen("vdictl-guest", "rfb")
    output, _ = link.communicate(b"", timeout=60)
    assert output == b"RFB 003.008\n"


def test_page_bridge_without_any_network(engine: Engine, tag: str) -> None:
    with started(engine, tag, network=("--network", "none")) as guest:
        guest.until_well()
        link = guest.popen("vdictl-guest", "page")
        output, _ = link.communicate(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", timeout=60)
        assert output.startswith(b"HTTP/1.0 200")
        assert output.endswith(b"\r\n\r\nok")


def test_gate_lets_nobody_in_without_the_token(desk: Guest) -> None:
    for path in ("/desktop", "/session", "/status", "/socket", "/vendor/novnc/core/rfb.js", "/desktop.js", "/nothing"):
        assert ask(desk, path)[0] == 401, path
    assert ask(desk, "/healthz")[:2] == (200, "ok")
    status, page, _ = ask(desk, "/")
    assert status == 200
    assert "desk" not in page.replace("desktop", "")  # not even its name
    for wrong in ('{"token": "wrong"}', '{"token": ""}', '{"token": null}', "[]", "not json", '{"token": "\\ud800"}'):
        status, _, cookie = ask(desk, "/login", method="POST", body=wrong)
        assert (status, cookie) == (403, ""), wrong
    the_token_is_no_cookie = f"vdictl_{desk.name}={desk.access()['token']}"
    assert ask(desk, "/status", Cookie=the_token_is_no_cookie)[0] == 401


def test_gate_lets_in_with_it(desk: Guest) -> None:
    status, _, cookie = ask(desk, "/login", method="POST", body=json.dumps({"token": desk.access()["token"]}))
    assert status == 204
    assert cookie.startswith(f"vdictl_{desk.name}=")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert desk.access()["token"] not in cookie
    status, body, _ = ask(desk, "/session", Cookie=login(desk))
    session = json.loads(body)
    assert status == 200
    assert session["name"] == "desk"
    assert session["password"] == desk.access()["password"]
    assert "password" not in json.loads(ask(desk, "/status", Cookie=login(desk))[1])


def test_foreign_names_and_sites_are_refused(desk: Guest) -> None:
    cookie = login(desk)
    assert ask(desk, "/status", Cookie=cookie, Host="evil.example:6080")[0] == 421
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    upgrade |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 24}
    assert ask(desk, "/socket", Cookie=cookie, Origin="http://evil.example", **upgrade)[0] == 403
    assert ask(desk, "/socket", Cookie=cookie, **upgrade)[0] == 403
    assert ask(desk, "/login", method="POST", body="{}", Origin="http://evil.example")[0] == 403


def test_answers_carry_their_walls(desk: Guest) -> None:
    address = urlsplit(desk.url())
    link = http.client.HTTPConnection(str(address.hostname), address.port or 0, timeout=60)
    for path in ("/", "/desktop", "/healthz"):
        link.request("GET", path)
        answer = link.getresponse()
        answer.read()
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Referrer-Policy") == "no-referrer"
    link.close()


def test_killed_window_manager_shows_until_restart(engine: Engine, tag: str) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        guest.exec("pkill", "-9", "openbox")
        guest.until(lambda now: not now["window_manager"]["ok"], seconds=5)
        time.sleep(3)
        now = guest.probe()
        assert not now["window_manager"]["ok"]
        assert now["display"]["ok"]
        before = guest.access()
        engine.run("restart", guest.name)
        guest.until_well()
        assert guest.access() == before  # they live as long as the state volume


def test_dead_display_comes_back_with_its_session(engine: Engine, tag: str) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        first = guest.exec("pgrep", "-x", "openbox")
        guest.exec("pkill", "-9", "Xtigervnc")
        guest.until(lambda now: well(now) and guest.exec("pgrep", "-x", "openbox") != first, seconds=60)
        guest.exec("pkill", "-9", "-f", "vdictl-guest serve")
        guest.until_well(60)


def test_stop_is_quick_and_clean(engine: Engine, tag: str) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        began = time.monotonic()
        engine.run("stop", "-t", "30", guest.name)
        assert time.monotonic() - began < 10  # a process 1 that ignores TERM takes the whole 30
        assert guest.exit_code() == 0
        engine.run("start", guest.name)
        guest.until_well()


def test_killed_without_a_word_starts_again(engine: Engine, tag: str) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        engine.run("kill", guest.name)
        engine.run("start", guest.name)
        guest.until_well()


def test_it_halts_when_its_time_is_over(engine: Engine, tag: str) -> None:
    with started(engine, tag, "-e", f"VDICTL_EXPIRES={int(time.time()) + 6}") as guest:
        guest.until(lambda now: now["expires"] is not None)
        end = time.monotonic() + 20
        while guest.exit_code() is None and time.monotonic() < end:
            time.sleep(0.3)
        assert guest.exit_code() == 0
        assert "its time is over" in guest.logs()


def test_its_time_can_be_moved(engine: Engine, tag: str) -> None:
    with started(engine, tag, "-e", f"VDICTL_EXPIRES={int(time.time()) + 5}") as guest:
        guest.exec("vdictl-guest", "expire", "never")
        time.sleep(6)
        assert guest.exit_code() is None
        engine.run("restart", guest.name)  # the environment's old time must not come back
        assert guest.until_well()["expires"] is None
        assert guest.code("vdictl-guest", "expire", "tomorrow") == 2


SETUP = '#!/bin/bash\necho once >> ~/runs\necho "$FRUIT in $PWD"\nexit $CODE\n'


def test_inputs_are_awaited_and_run_once(engine: Engine, tag: str) -> None:
    parcel = {"hash": "f" * 64, "env": {"FRUIT": "pear & plum", "CODE": "0"}, "setup": SETUP}
    with started(engine, tag, "-e", f"VDICTL_INPUTS={parcel['hash']}") as guest:
        now = guest.until(lambda now: now["display"]["ok"] and now["page"]["ok"])
        assert now["inputs"]["state"] == "waiting"
        time.sleep(1)
        assert not guest.probe()["window_manager"]["ok"]  # the session waits for its environment
        assert guest.code("vdictl-guest", "receive", input=json.dumps({**parcel, "hash": "0"}).encode()) == 9
        assert guest.code("vdictl-guest", "receive", input=b"{") == 2
        guest.receive(parcel)
        now = guest.until_well()
        assert (now["inputs"]["state"], now["inputs"]["exit_code"]) == ("done", 0)
        guest.receive(parcel)
        engine.run("restart", guest.name)
        guest.until_well()
        guest.receive(parcel)
        time.sleep(1)
        assert guest.exec("cat", "/home/user/runs") == "once\n"
        assert "pear & plum in /home/user" in guest.exec("cat", "/var/lib/vdictl/first-boot.log")
        assert guest.run("printenv", "FRUIT") == "pear & plum\n"
        session = guest.exec("sh", "-c", "tr '\\0' '\\n' < /proc/$(pgrep -x openbox)/environ")
        assert "FRUIT=pear & plum" in session.splitlines()
        assert "pear" not in guest.logs() + engine.run("inspect", guest.name)


def test_failed_setup_says_so(engine: Engine, tag: str) -> None:
    with started(engine, tag, "-e", "VDICTL_INPUTS=a") as guest:
        guest.receive({"hash": "a", "env": {"FRUIT": "fig", "CODE": "7"}, "setup": SETUP})
        now = guest.until(lambda now: now["inputs"]["state"] == "failed")
        assert now["inputs"]["exit_code"] == 7
        guest.until(lambda now: now["window_manager"]["ok"])  # the desktop itself is there


def test_interrupted_setup_is_not_run_twice(engine: Engine, tag: str) -> None:
    with started(engine, tag, "-e", "VDICTL_INPUTS=a") as guest:
        guest.receive({"hash": "a", "setup": "echo once >> ~/runs; sleep 60"})
        guest.until(lambda now: guest.code("test", "-e", "/home/user/runs") == 0)
        engine.run("kill", guest.name)
        engine.run("start", guest.name)
        now = guest.until(lambda now: now["inputs"]["state"] == "failed")
        assert "interrupted" in now["inputs"]["detail"]
        assert guest.exec("cat", "/home/user/runs") == "once\n"


def test_repository_and_dotfiles(engine: Engine, tag: str) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        guest.run(
            "bash", "-ec",
            "git config --global user.email a@example.org; git config --global user.name a;"
            "for name in tool dots; do git init -q ~/src/$name; cd ~/src/$name; echo $name > .marker;"
            "git add .; git commit -qm one; done",
        )  # fmt: skip
        guest.receive({"hash": "b", "git": "/home/user/src/tool", "dotfiles": "/home/user/src/dots"})
        guest.until(lambda now: now["inputs"]["state"] == "done")
        assert guest.exec("cat", "/home/user/tool/.marker", "/home/user/.marker").split() == ["tool", "dots"]
        guest.receive({"hash": "c", "git": "https://localhost:1/none.git"})
        now = guest.until(lambda now: now["inputs"]["state"] == "failed")
        assert "git clone" in now["inputs"]["detail"]


def test_run_takes_exit_code_input_and_folder(desk: Guest) -> None:
    assert desk.run("pwd").strip() == "/home/user"
    assert desk.run("printenv", "DISPLAY").strip() == ":0"
    assert desk.code("vdictl-guest", "run", "--", "sh", "-c", "exit 41") == 41
    assert desk.code("vdictl-guest", "run", "--", "no-such-command") == 127
    assert desk.code("vdictl-guest", "nonsense") == 2
    data = bytes(range(256)) * 64
    done = subprocess.run(
        [desk.engine.binary, "exec", "-i", desk.name, "vdictl-guest", "run", "--", "cat"],
        input=data, capture_output=True, env=desk.engine._environment(), check=True,
    )  # fmt: skip
    assert done.stdout == data
