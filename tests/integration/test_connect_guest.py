"""A real desktop in a container: probes, tunnels and copies, by port and without any network."""

from __future__ import annotations

import http.client
import io
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.guest_support import Guest, engine_or_skip, image, started
from tests.unit.connect.copyworld import NASTY, plant, tree
from vdictl.connect import copying
from vdictl.connect.probes import OutsideProbes, screenshot
from vdictl.connect.tunnel import Tunnel
from vdictl.contract.errors import Conflict, NotFound, QuotaExceeded, Unavailable, VdictlError
from vdictl.contract.model import Command, Endpoint, Rung, Secret
from vdictl.engine.engine import Engine

pytestmark = pytest.mark.engine
PROBES = OutsideProbes()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engine_or_skip(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="module")
def tag(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    return image(engine, tmp_path_factory.mktemp("build"), "minimal")


@pytest.fixture(scope="module")
def desk(engine: Engine, tag: str) -> Iterator[Guest]:
    """With a port, and a small disk at /small."""
    with started(engine, tag, "--tmpfs", "/small:rw,size=2m,mode=1777") as guest:
        guest.until_well()
        yield guest


@pytest.fixture(scope="module")
def lone(engine: Engine, tag: str) -> Iterator[Guest]:
    """Without any network."""
    with started(engine, tag, network=("--network", "none")) as guest:
        guest.until_well()
        yield guest


def inside(guest: Guest, *argv: str) -> Command:
    environment = {**os.environ, **guest.engine.env}
    return Command(argv=(guest.engine.binary, "exec", "-i", guest.name, *argv), environment=environment)


@pytest.fixture
def run(desk: Guest) -> Iterator[copying.Exec]:
    """The provider's exec: in the session, as the user, beginning at the home. The home is empty again afterwards."""
    yield lambda argv: inside(desk, "vdictl-guest", "run", "--", *argv)
    desk.run("sh", "-c", "chmod -R u+rwX ./*; rm -rf ./* .vdictl-cp.*; rm -rf /small/*")


def page(guest: Guest, *, direct: bool) -> Endpoint:
    token = Secret(guest.access()["token"])
    port = int(guest.url().rpartition(":")[2]) if direct else 0
    return Endpoint(kind="http", host="127.0.0.1" if direct else "", port=port, direct=direct, token=token)


def vnc(guest: Guest) -> Endpoint:
    return Endpoint(kind="vnc", direct=False, password=Secret(guest.access()["password"]))


def until_drawn(guest: Guest) -> tuple[Rung, Rung]:
    """The rungs of VNC as soon as something has been drawn: the guest's own probe is content a little earlier."""
    end = time.monotonic() + 15
    while True:
        rungs = PROBES.rfb(vnc(guest), inside(guest, "vdictl-guest", "rfb"), timeout=60)
        if rungs[1].ok or time.monotonic() > end:
            return rungs
        time.sleep(0.2)


def test_the_rungs_of_a_whole_desktop(desk: Guest) -> None:
    for rung in (*until_drawn(desk), PROBES.page(page(desk, direct=True), None, timeout=60)):
        assert rung.ok is True, rung
        assert rung.seconds is not None and rung.seconds < 5


def test_a_desktop_without_any_network(lone: Guest) -> None:
    way = inside(lone, "vdictl-guest", "page")
    rung = PROBES.page(page(lone, direct=False), way, timeout=60)
    assert rung.ok is True, rung
    handshake, frame = until_drawn(lone)
    assert (handshake.ok, frame.ok) == (True, True), (handshake, frame)
    with Tunnel(way) as tunnel:
        near = Endpoint(kind="http", host="127.0.0.1", port=tunnel.port, token=page(lone, direct=False).token)
        assert PROBES.page(near, None, timeout=60).ok is True
        connection = http.client.HTTPConnection("127.0.0.1", tunnel.port, timeout=60)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok"
        connection.close()


def test_the_wrong_secrets_are_refused(desk: Guest) -> None:
    wrong = Endpoint(kind="vnc", direct=False, password=Secret("wrong"))
    handshake, _ = PROBES.rfb(wrong, inside(desk, "vdictl-guest", "rfb"), timeout=60)
    assert (handshake.ok, handshake.fatal) == (False, True)
    right = page(desk, direct=True)
    rung = PROBES.page(Endpoint(kind="http", host=right.host, port=right.port, token=Secret("no")), None, timeout=60)
    assert (rung.ok, rung.fatal) == (False, True)


def test_a_screenshot(desk: Guest) -> None:
    frame = screenshot(vnc(desk), inside(desk, "vdictl-guest", "rfb"), timeout=60)
    assert frame.width >= 640 and frame.height >= 480


def test_a_desktop_that_is_not_there(desk: Guest) -> None:
    gone = Command(
        argv=(desk.engine.binary, "exec", "-i", "vdictl-no-such-desktop", "vdictl-guest", "rfb"),
        environment={**os.environ, **desk.engine.env},
    )
    handshake, _ = PROBES.rfb(vnc(desk), gone, timeout=60)
    assert handshake.ok is False
    assert "vdictl-no-such-desktop" in handshake.detail or "no such container" in handshake.detail.lower()
    with pytest.raises(VdictlError):
        copying.put_stream(lambda argv: gone, io.BytesIO(b"x" * 1000), "x")


def test_a_hard_folder_there_and_back(run: copying.Exec, desk: Guest, tmp_path: Path) -> None:
    top = plant(tmp_path)
    copying.put(run, str(top), "there")
    copying.get(run, "there", str(tmp_path / "back"))
    assert tree(tmp_path / "back") == tree(top)
    assert desk.run("stat", "-c", "%U %a", "there/sub/locked").split() == ["user", "555"]
    for name in NASTY:
        text = os.fsdecode(name)
        copying.get(run, f"there/{text}", f"{tmp_path}/one")
        assert (tmp_path / "one").read_bytes() == (top / text).read_bytes()


def test_targets_and_errors(run: copying.Exec, desk: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    copying.put(run, str(tmp_path / "file"), "~/named")
    assert desk.run("cat", "named") == "x"
    desk.run("mkdir", "-p", "dir/file")
    with pytest.raises(Conflict):
        copying.put(run, str(tmp_path / "file"), "dir")
    with pytest.raises(NotFound):
        copying.put(run, str(tmp_path / "file"), "no/such/folder/file")
    with pytest.raises(NotFound):
        copying.get(run, "no-such-file", str(tmp_path / "x"))
    with pytest.raises(VdictlError) as caught:
        copying.put(run, str(tmp_path / "file"), "/etc/file")
    assert caught.value.exit_code == 5


def test_no_space_left(run: copying.Exec, desk: Guest, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 5_000_000)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "big").write_bytes(b"x" * 5_000_000)
    for source in ("big", "dir"):
        with pytest.raises(QuotaExceeded, match="no space left in the desktop"):
            copying.put(run, str(tmp_path / source), "/small/target")
    with pytest.raises(QuotaExceeded):
        copying.put_stream(run, io.BytesIO(b"x" * 5_000_000), "/small/target")
    assert desk.run("ls", "-A", "/small") == ""


def test_a_hundred_megabytes_both_ways(run: copying.Exec, tmp_path: Path) -> None:
    block = random.Random(3).randbytes(1 << 20)
    with (tmp_path / "big").open("wb") as file:
        for _ in range(100):
            file.write(block)
    begun = time.monotonic()
    copying.put(run, str(tmp_path / "big"), "big")
    there = time.monotonic() - begun
    copying.get(run, "big", str(tmp_path / "back"))
    print(f"100 MiB: in {there:.1f} s, out {time.monotonic() - begun - there:.1f} s")
    assert subprocess.run(["cmp", tmp_path / "big", tmp_path / "back"], check=False).returncode == 0


def test_killed_in_the_middle(desk: Guest, run: copying.Exec, tmp_path: Path) -> None:
    """SIGKILL to the copying process: the desktop throws away what came, and the old file stays."""
    desk.run("sh", "-c", "echo old > target")
    command = inside(desk, "vdictl-guest", "run", "--")
    code = textwrap.dedent(f"""
        import os, sys
        from vdictl.connect import copying
        from vdictl.contract.model import Command
        class Slow:
            def read(self, size):
                sys.stdout.write("sent"); sys.stdout.flush()
                return b"x" * size
        run = lambda argv: Command(argv=({command.argv!r} + tuple(argv)), environment=dict(os.environ))
        copying.put_stream(run, Slow(), "target")
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        env={**command.environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    child.stdout.read(40)
    child.send_signal(signal.SIGKILL)
    child.wait(60)
    child.stdout.close()
    end = time.monotonic() + 10
    while desk.run("sh", "-c", "ls -A | grep vdictl-cp || true") and time.monotonic() < end:
        time.sleep(0.1)
    assert desk.run("sh", "-c", "ls -A | grep vdictl-cp || true") == ""
    assert desk.run("cat", "target") == "old\n"


def test_the_desktop_goes_away_meanwhile(engine: Engine, tag: str, tmp_path: Path) -> None:
    with started(engine, tag) as guest:
        guest.until_well()
        run = lambda argv: inside(guest, "vdictl-guest", "run", "--", *argv)  # noqa: E731

        class Killing(io.RawIOBase):
            """Kills the desktop after the first megabytes."""

            count = 0

            def read(self, size: int = -1) -> bytes:
                self.count += 1
                if self.count == 10:
                    guest.engine.run("kill", guest.name)
                return b"x" * size

        with pytest.raises((Unavailable, VdictlError)):
            copying.put_stream(run, Killing(), "target")  # type: ignore[arg-type]
        with pytest.raises(VdictlError):
            copying.get(run, "target", str(tmp_path / "got"))
    assert list(tmp_path.iterdir()) == []
