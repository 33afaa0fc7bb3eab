"""What runs "inside" a desktop in memory answers as a guest does, and its screen can be seen by our own client."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from vdictl.connect import rfb
from vdictl.connect.frame import drawn
from vdictl.connect.streams import open_stream
from vdictl.contract.mark import inputs_digest
from vdictl.contract.model import Desktop
from vdictl.testing.memory.provider import MemoryProvider
from vdictl.testing.memory.world import MemoryWorld


@pytest.fixture
def world() -> Iterator[MemoryWorld]:
    world = MemoryWorld()
    yield world
    world.close()


@pytest.fixture
def provider(world: MemoryWorld) -> MemoryProvider:
    return world.open()


@pytest.fixture
def desktop(world: MemoryWorld, provider: MemoryProvider) -> Desktop:
    return world.made(provider)


def guest(provider: MemoryProvider, desktop: Desktop, *argv: str, stdin: str = "") -> str:
    command = provider.exec(provider.desktop(desktop.key), ["vdictl-guest", *argv])
    done = subprocess.run(command.argv, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def probe(provider: MemoryProvider, desktop: Desktop) -> dict[str, Any]:
    return dict(json.loads(guest(provider, desktop, "probe", "--json")))


def test_the_probe_is_a_healthy_guests(provider: MemoryProvider, desktop: Desktop) -> None:
    seen = probe(provider, desktop)
    assert [seen[part]["ok"] for part in ("display", "window_manager", "page", "inputs")] == [True] * 4
    assert (seen["inputs"]["state"], seen["idle_seconds"], seen["flavor"]) == ("none", None, "xfce")
    assert seen["expires"] is None
    assert probe(provider, desktop) | {"idle_seconds": None} == seen


def test_what_is_broken_heals_with_a_restart(world: MemoryWorld, provider: MemoryProvider, desktop: Desktop) -> None:
    guest(provider, desktop, "break", "window_manager")
    assert not probe(provider, desktop)["window_manager"]["ok"]
    world.settle(provider, provider.restart(desktop, token="t"))
    assert probe(provider, desktop)["window_manager"]["ok"]


def test_access_is_the_same_every_time(provider: MemoryProvider, desktop: Desktop) -> None:
    first = json.loads(guest(provider, desktop, "access"))
    assert json.loads(guest(provider, desktop, "access")) == first
    assert len(first["token"]) > 40 and len(first["password"]) == 8


def test_inputs_are_taken_once(world: MemoryWorld, provider: MemoryProvider) -> None:
    spec = world.spec(inputs={"env:GREETING": "0123abcd", "setup": "89efcdab"})
    desktop = provider.create(spec, token="k")
    settled = world.settle(provider, desktop)
    assert settled is not None and settled.missing == ("env:GREETING", "setup")
    assert probe(provider, desktop)["inputs"]["state"] == "waiting"
    message = {"env": {"GREETING": "hello"}, "setup": 'echo "$GREETING" >> said', "git": None, "dotfiles": None}
    for _ in range(2):
        guest(provider, desktop, "receive", stdin=json.dumps(message | {"hash": inputs_digest(spec)}))
    assert provider.desktop("k").missing == ()
    assert probe(provider, desktop)["inputs"] == {
        "ok": True,
        "detail": "setup ended with 0",
        "state": "done",
        "exit_code": 0,
    }
    command = provider.exec(desktop, ["sh", "-c", 'cat said; echo "$GREETING"'])
    assert subprocess.check_output(command.argv) == b"hello\nhello\n"


def test_a_setup_that_fails_is_told(world: MemoryWorld, provider: MemoryProvider) -> None:
    desktop = world.made(provider, inputs={"setup": "89efcdab"})
    guest(provider, desktop, "receive", stdin=json.dumps({"setup": "exit 3", "hash": "x"}))
    seen = probe(provider, desktop)["inputs"]
    assert (seen["ok"], seen["state"], seen["exit_code"]) == (False, "failed", 3)


def test_a_program_that_is_not_there_is_127(provider: MemoryProvider, desktop: Desktop) -> None:
    missing = provider.exec(desktop, ["no-such-program"])
    assert subprocess.run(missing.argv, capture_output=True, check=False).returncode == 127
    run = provider.exec(desktop, ["vdictl-guest", "run", "--", "printf", "%s", "a b"])
    assert subprocess.check_output(run.argv) == b"a b"


def test_our_own_client_sees_a_drawn_frame_that_keys_change(provider: MemoryProvider, desktop: Desktop) -> None:
    [endpoint] = provider.endpoints(desktop)
    stream = open_stream(endpoint, provider.tunnel(desktop, endpoint), 10.0)
    screen = rfb.handshake(stream, endpoint.password)
    before = rfb.grab(stream, screen)
    rfb.type_text(stream, "hello")
    after = rfb.grab(stream, screen)
    stream.close()
    assert (before.width, before.height) == (64, 48)
    assert drawn(before)
    assert before.pixels != after.pixels
    idle = provider.idle_seconds(desktop)
    assert idle is not None and idle < 60


def test_a_display_that_never_answers_is_no_tunnel(world: MemoryWorld, provider: MemoryProvider) -> None:
    world.cloud.arm("never-ready")
    desktop = world.made(provider)
    command = provider.tunnel(desktop, provider.endpoints(desktop)[0])
    done = subprocess.run(command.argv, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert (done.returncode, done.stderr) == (1, b"the display does not answer\n")
