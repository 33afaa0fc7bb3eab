"""Desktops on another machine's engine, over SSH: made, worked in, opened through a tunnel, and said to be there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.integration.far_machine import far_machine, without_engine_settings
from tests.integration.guest_support import built, engine_or_skip
from tests.integration.local_kit import TinyImage
from tests.integration.test_main_job import Shell, drawn, page, until
from vdictl.engine.discovery import discover, open_engine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import EngineUnreachable
from vdictl.engine.objects import image_id, list_containers

pytestmark = [pytest.mark.engine, pytest.mark.browser]
__all__ = ["page"]


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """This machine's own engine."""
    return engine_or_skip(tmp_path_factory.mktemp("near"))


@pytest.fixture(scope="module")
def far(near: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody who uses the far machine's engine."""
    with far_machine(near, tmp_path_factory.mktemp("far")) as variables:
        yield {**without_engine_settings(os.environ), **variables}


@pytest.fixture
def shell(far: dict[str, str], tmp_path: Path) -> Iterator[Shell]:
    fleet = f"far-{uuid.uuid4().hex[:6]}"
    run = Shell({**far, "VDICTL_FLEET": fleet, "VDICTL_OWNER": "person"}, tmp_path)
    yield run
    run("destroy", "--all", "--yes", "--with-volumes", "--with-snapshots", "--ignore-not-found")


def test_a_person_works_on_another_machine(shell: Shell, near: Engine, page: Page) -> None:
    made = json.loads(shell("create", "web", "--flavor", "minimal", "-o", "json"))
    assert (made["state"], made["usable"], made["url"], made["address"]) == ("running", True, None, "")
    assert made["facts"]["machine"].startswith("root@127.0.0.1:")
    assert "through the engine" in made["facts"]["network"]
    fleet = shell.environment["VDICTL_FLEET"]
    assert [one.state for one in list_containers(near, label=f"vdictl.fleet={fleet}")] == ["running"]

    opened = subprocess.Popen(
        [sys.executable, "-m", "vdictl", "connect", "web", "--print"],
        env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert opened.stdout is not None
    page.goto(opened.stdout.readline().strip())
    until("a drawn desktop in the browser", lambda: page.locator("#screen canvas").count() and drawn(page))
    page.locator("#screen canvas").click(position={"x": 300, "y": 200})
    page.keyboard.type("echo typed-by-hand > typed.txt\n", delay=20)
    until("the file that was typed", lambda: "typed.txt" in shell("exec", "web", "ls"))
    opened.send_signal(signal.SIGINT)
    _, said = opened.communicate(timeout=60)
    assert opened.returncode == 0 and "through a tunnel" in said

    assert shell("exec", "web", "--", "sh", "-c", "echo out; exit 7", code=7) == "out\n"
    (shell.folder / "file").write_bytes(os.urandom(2_000_000))
    shell("cp", "file", "web:")
    shell("cp", "web:file", "back")
    assert (shell.folder / "file").read_bytes() == (shell.folder / "back").read_bytes()
    shell("share", "web", code=6)
    shell("stop", "web")
    shell("start", "web")
    shell("snapshot", "create", "web", "one")
    shell("destroy", "web", "--with-volumes", "--with-snapshots")
    shell("show", "web", code=4)


def test_a_port_inside_is_reached_from_here(shell: Shell) -> None:
    shell("create", "web", "--flavor", "minimal", "-q")
    with subprocess.Popen(
        [sys.executable, "-m", "vdictl", "port-forward", "web", "0:6080"],
        env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as forward:  # fmt: skip
        assert forward.stdout is not None
        where = forward.stdout.readline().partition(" -> ")[0]
        with urllib.request.urlopen(f"http://{where}/healthz", timeout=60) as answer:
            assert answer.read() == b"ok"
        forward.send_signal(signal.SIGINT)


def test_an_image_is_built_there(far: dict[str, str], near: Engine, tmp_path: Path) -> None:
    engine = open_engine(far, state_dir=tmp_path / "state")
    assert (engine.kind, engine.traits.remote[:14]) == ("podman", "root@127.0.0.1")
    assert engine.traits.cpus and engine.traits.memory_mib
    wanted = replace(TinyImage(), tag=f"localhost/vdictl-test/far:{uuid.uuid4().hex[:6]}")
    try:
        built(engine, wanted, tmp_path / "state")
        assert image_id(near, wanted.tag) == image_id(engine, wanted.tag) is not None
    finally:
        near.call("image", "rm", wanted.tag)


def test_doctor_says_where_it_is(shell: Shell) -> None:
    lines = {row["name"]: row for row in json.loads(shell("doctor", "-p", "local", "-o", "json"))}
    assert "on root@127.0.0.1" in lines["podman"]["detail"]
    assert lines["disk"]["ok"] is None and "cannot be looked at" in lines["disk"]["detail"]


def test_a_machine_that_does_not_answer_is_told(far: dict[str, str], tmp_path: Path) -> None:
    nowhere = {**far, "CONTAINER_HOST": "ssh://root@127.0.0.1:1/run/podman.sock"}
    (found,) = discover(nowhere, state_dir=tmp_path / "state")
    assert not found.answers and isinstance(found.error, EngineUnreachable)
    assert "address" in found.error.advice
    stranger = {**far, "CONTAINER_SSHKEY": far["CONTAINER_SSHKEY"].replace("/id", "/host")}
    (found,) = discover(stranger, state_dir=tmp_path / "state")
    assert isinstance(found.error, EngineUnreachable)
