"""`vdictl gc` on the real engine: a create killed in its middle, and what an outsider's hand has left."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.front import Vdictl, until
from tests.integration.test_cli_local import engine
from tests.integration.test_cli_local import vdictl as _vdictl

pytestmark = pytest.mark.engine
AGE = ("--older-than", "0.01s")


@pytest.fixture
def vdictl(tmp_path: Path, desktop_engine: dict[str, str]) -> Iterator[Vdictl]:
    """As there: the command in a fleet of its own."""
    yield from _vdictl.__wrapped__(tmp_path, desktop_engine)  # type: ignore[attr-defined]


def volumes(vdictl: Vdictl, kind: str = "") -> list[str]:
    """Of the fleet; the engine's own filters do not narrow each other down."""
    mine = ("--filter", f"label=vdictl.fleet={vdictl.env['VDICTL_FLEET']}")
    named = engine("volume", "ls", "--quiet", *mine).split()
    there = json.loads(engine("volume", "inspect", *named)) if named else []
    return [each["Name"] for each in there if kind in ("", each["Labels"].get("vdictl.kind"))]


def containers(vdictl: Vdictl) -> list[str]:
    return engine("ps", "-aq", "--filter", f"label=vdictl.fleet={vdictl.env['VDICTL_FLEET']}").split()


def test_a_create_that_was_killed_in_its_middle_is_taken(vdictl: Vdictl) -> None:
    vdictl.ok("images", "build", "minimal")
    process = vdictl.start("create", "half", "--flavor", "minimal")
    until(lambda: bool(volumes(vdictl, "mark")), seconds=120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (row,) = vdictl.ok("gc", *AGE, "--dry-run", "-o", "json").data
    assert (row["kind"], row["name"], row["owner"], row["provider"]) == ("desktop", "half", "me", "local")
    done = vdictl.ok("gc", *AGE, "--yes", "-o", "json").data
    assert [(one["name"], one["result"]) for one in done] == [("half", "removed")]
    assert vdictl.names() == [] and containers(vdictl) == []
    assert set(volumes(vdictl)) == set(volumes(vdictl, "home"))  # at most its home stays
    assert vdictl.ok("gc", *AGE, "-o", "json").data == []


def test_what_an_outsider_left_is_taken(vdictl: Vdictl) -> None:
    vdictl.ok("create", "torn", "--flavor", "minimal", "--home", "ephemeral", "--no-wait")
    engine("rm", "--force", *containers(vdictl))
    engine("volume", "rm", "--force", *volumes(vdictl, "mark"))
    left = volumes(vdictl)
    assert left
    rows = vdictl.ok("gc", *AGE, "--dry-run", "-o", "json").data
    assert len(rows) == len(left) and all(row["why"] and row["kind"] == "volume" for row in rows)
    vdictl.ok("gc", *AGE, "--yes")
    assert volumes(vdictl) == [] and vdictl.ok("gc", *AGE, "-o", "json").data == []
