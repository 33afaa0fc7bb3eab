"""One lock a desktop: it excludes, is let go when its holder is killed, and stops nobody who can't write."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vdictl.contract.errors import NotFound, VdictlError
from vdictl.engine.engine import Engine
from vdictl_local.ledger import Ledger
from vdictl_local.names import Who
from vdictl_local.plans import Machine
from vdictl_local.tools import Tools, require
from vdictl_local.world import World

ONE, TWO = Who("default", "alice", "one"), Who("default", "alice", "two")
ROOT = Path(__file__).parents[3]

_HOLD = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "providers")!r}]
from pathlib import Path
from tests.unit.local.test_local_tools import ONE, tools
with tools(Path(sys.argv[1])).alone(ONE) as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


def tools(state_dir: Path) -> Tools:
    engine = Engine("podman", "/nonexistent", {}, 1.0)
    return Tools(
        engine=engine,
        ledger=Ledger(engine, "default"),
        machine=Machine(2, 4096),
        state_dir=state_dir,
        since=datetime.now(UTC),
    )


def test_one_holds_it_and_others_are_told(tmp_path: Path) -> None:
    mine, yours = tools(tmp_path), tools(tmp_path)
    with mine.alone(ONE) as first, yours.alone(ONE) as second, yours.alone(TWO) as other:
        assert (first, second, other) == (True, False, True)
    with yours.alone(ONE) as again:
        assert again


def test_it_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), tools(tmp_path).alone(ONE):
        raise RuntimeError
    with tools(tmp_path).alone(ONE) as alone:
        assert alone


def test_a_killed_holder_lets_go_and_leaves_no_file_of_its_own(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _HOLD, tmp_path], stdin=-1, stdout=-1, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    with tools(tmp_path).alone(ONE) as alone:
        assert not alone
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    with tools(tmp_path).alone(ONE) as alone:
        assert alone
    assert [one.name for one in tmp_path.iterdir()] == ["local.lock"]


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with tools(tmp_path / "file" / "state").alone(ONE) as alone:
        assert alone


def test_what_the_lists_do_not_have_is_not_found() -> None:
    with pytest.raises(NotFound):
        require(World.of([], []), "k1")


@pytest.mark.parametrize(
    "said",
    [
        "Error: can only kill running containers. 0123 is in state stopped: container state improper",
        "Error: cleaning up storage: removing container 0123 root filesystem: unlinkat /x: device or resource busy",
    ],
)
def test_a_removal_that_met_a_container_on_its_way_out_is_made_once_more(tmp_path: Path, said: str) -> None:
    """What Podman 4.3 said on a loaded machine."""
    program = tmp_path / "podman"
    program.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/once ] && exit 0\ntouch {tmp_path}/once\necho '{said}' >&2; exit 2\n"
    )
    program.chmod(0o755)
    engine = Engine("podman", str(program), {"PATH": "/usr/bin:/bin"}, 60.0)
    replace(tools(tmp_path), engine=engine).remove_containers("0123")


def test_a_removal_that_fails_again_is_told(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\necho 'Error: unlinkat /x: device or resource busy' >&2; exit 2\n")
    program.chmod(0o755)
    engine = Engine("podman", str(program), {"PATH": "/usr/bin:/bin"}, 60.0)
    with pytest.raises(VdictlError):
        replace(tools(tmp_path), engine=engine).remove_containers("0123")
