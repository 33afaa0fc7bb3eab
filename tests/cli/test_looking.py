"""`vdictl list`, `show`, `health`, `screenshot`."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from tests.cli.front import Vdictl, until

SECOND = """
from dataclasses import replace
from vdictl.testing.memory import MANIFEST as MEMORY
MANIFEST = replace(MEMORY, name="second", title="Second", entry="second.provider:Second")
"""
PROVIDER = """
from dataclasses import replace
from vdictl.contract.errors import Unavailable
from vdictl.testing.memory.provider import MemoryProvider
class Second(MemoryProvider):
    def desktops(self):
        if "silent" in self.api.cloud.store.root().parent.name:
            raise Unavailable("second does not answer")
        return [replace(each, provider="second") for each in super().desktops()]
"""


def add_second(vdictl: Vdictl, cloud: str) -> None:
    """Another provider, with a cloud of its own; `cloud` may say that it is silent."""
    package = vdictl.folder / "packages/second"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(SECOND)
    (package / "provider.py").write_text(PROVIDER)
    vdictl.env["PYTHONPATH"] += f":{package.parent}"
    (vdictl.folder / cloud).mkdir(exist_ok=True)
    table = f'[providers.second]\npackage = "second"\nboot = "0.02"\nstate = "{vdictl.folder / cloud}/state.json"\n'
    vdictl.config.write_text(vdictl.config.read_text() + table)


def test_an_empty_list_is_an_empty_array_and_says_how_to_begin(vdictl: Vdictl) -> None:
    assert vdictl.ok("list", "-o", "json").data == []
    table = vdictl.ok("list")
    assert table.out == ""
    assert "vdictl create" in table.err
    assert vdictl.ok("list", "-q").err == ""


def test_a_list_in_each_form(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q", "--label", "team=blue", "--ttl", "3h")
    vdictl.ok("create", "db", "-q")
    rows = vdictl.ok("list", "-o", "json").data
    assert [row["name"] for row in rows] == ["db", "web"]
    assert {"key", "name", "provider", "state", "owner", "plan", "created"} <= rows[0].keys()
    assert vdictl.ok("list", "-o", "name").out == "db\nweb\n"
    assert vdictl.ok("--json", "name,state", "list").data == [{"name": n, "state": "running"} for n in ("db", "web")]
    assert "name: db" in vdictl.ok("list", "-o", "yaml").out
    table = vdictl.ok("list").out.splitlines()
    assert table[0].split() == ["NAME", "PROVIDER", "STATE", "PLAN", "IMAGE", "PRICE", "AGE", "EXPIRES"]
    assert table[2].split()[-2:] == ["in", "2h"]
    assert vdictl.names("--selector", "team=blue") == ["web"]
    assert vdictl("list", "--json", "nme").code == 2
    assert vdictl("list", "-o", "xml").code == 2
    assert "web" in vdictl("list", tty=True).out


def test_streams_that_are_closed(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q")
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        line = f"{' '.join(vdictl.argv('list', '-o', 'name'))} {closed}"
        done = subprocess.run(["sh", "-c", line], env=vdictl.env, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b""), closed
        assert done.stdout == (b"" if ">&-" in closed.replace("2>&-", "") else b"web\n")
    line = f"{' '.join(vdictl.argv('exec', 'web', 'echo', 'hello'))} >&-"
    done = subprocess.run(["sh", "-c", line], env=vdictl.env, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not list(vdictl.state.glob("bug-*"))


def test_owners_and_fleets(vdictl: Vdictl) -> None:
    vdictl.ok("create", "mine", "-q")
    vdictl.ok("create", "theirs", "-q", env={"VDICTL_OWNER": "bob"})
    vdictl.ok("create", "far", "-q", env={"VDICTL_FLEET": "other"})
    assert vdictl.names() == ["mine"]
    assert vdictl.names("-A") == ["theirs", "mine"]
    assert vdictl.names("--owner", "bob") == ["theirs"]
    assert vdictl.names("--fleet", "other") == ["far"]
    assert vdictl("list", "--owner", "../x").code == 2
    assert vdictl.ok("create", "ci-made", "-o", "json", env={"CI": "true"}).data["owner"] == "ci"


def test_a_silent_provider_is_named_and_the_others_are_listed(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "-q")
    add_second(vdictl, "silent")
    partly = vdictl("list", "-o", "json")
    assert partly.code == 7
    assert [row["name"] for row in partly.data] == ["web"]
    assert "second" in partly.error["brief"]
    assert vdictl.ok("show", "web", "-q").out  # found is found
    assert vdictl("show", "nope").code == 7  # it may be at the silent one
    assert vdictl("create", "other").code == 7  # never elsewhere because one is down
    assert vdictl("destroy", "--all", "--yes").code == 7
    assert vdictl.names("-p", "memory") == []
    assert vdictl("list", "-p", "second").code == 1


def test_a_name_that_two_providers_have_is_2_naming_them(vdictl: Vdictl) -> None:
    add_second(vdictl, "cloud2")
    vdictl.ok("create", "web", "-q", "-p", "memory")
    vdictl.ok("create", "web", "-q", "-p", "second")
    both = vdictl("stop", "web")
    assert both.code == 2
    assert "web (memory), web (second)" in both.err
    assert vdictl("create", "web").code == 2
    vdictl.ok("stop", "web", "-p", "second")
    states = {row["provider"]: row["state"] for row in vdictl.ok("list", "-o", "json").data}
    assert states == {"memory": "running", "second": "stopped"}
    vdictl.ok("destroy", "--all", "--yes")
    assert vdictl.names() == []


def test_show_tells_everything_and_no_secret(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q", "--flavor", "minimal")
    seen = vdictl.ok("show", "-o", "json").data
    assert seen["endpoints"][0]["kind"] == "vnc"
    assert seen["spec"] == {"flavor": "minimal"}
    vdictl.ok("snapshot", "create", "desktop", "before")
    shown = vdictl.ok("show").out
    assert "snapshots" in shown
    assert "before" in shown
    vdictl.ok("stop")
    assert vdictl.ok("show", "-o", "json").data["endpoints"] == []


def test_health_climbs_and_says_where_it_ends(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    well = vdictl.ok("health", "-o", "json")
    assert well.data["usable"] is True
    names = [rung["name"] for rung in well.data["rungs"]]
    assert names == ["exists", "runs", "display", "handshake", "window manager", "frame"]
    assert all(rung["ok"] for rung in well.data["rungs"])
    vdictl.ok("exec", "desktop", "vdictl-guest", "break", "window_manager")
    ill = vdictl("health", "-o", "json")
    assert (ill.code, ill.data["usable"], ill.data["failing"], ill.data["fatal"]) == (1, False, "window manager", False)
    assert "vdictl restart desktop" in ill.error["advice"]
    assert "window manager  no" in vdictl("health").out
    vdictl.ok("stop")
    stopped = vdictl("health", "-o", "json")
    assert (stopped.code, stopped.data["failing"]) == (1, "runs")
    assert "vdictl start desktop" in stopped.error["advice"]


def read_png(data: bytes) -> tuple[int, int, set[bytes]]:
    """Width, height and the colours of a PNG, checked chunk by chunk; no code of ours."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, dict[bytes, bytes]()
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        parts[kind] = parts.get(kind, b"") + body
        at += 12 + length
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    rows, stride = zlib.decompress(parts[b"IDAT"]), 3 * width + 1
    assert len(rows) == stride * height
    pixels = b"".join(rows[y * stride + 1 : (y + 1) * stride] for y in range(height))
    return width, height, {pixels[i : i + 3] for i in range(0, len(pixels), 3)}


def test_a_screenshot_is_a_picture(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    taken = vdictl.ok("screenshot", "picture.png", "-o", "json").data
    file = Path(taken["file"])
    width, height, colours = read_png(file.read_bytes())
    assert (width, height) == (taken["width"], taken["height"]) == (64, 48)
    assert len(colours) > 100
    vdictl.ok("screenshot", "desktop", "picture.png")  # writes over a file
    assert sorted(f.name for f in vdictl.work.iterdir()) == ["picture.png"]


def test_a_picture_on_standard_output_and_never_on_a_terminal(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q")
    with vdictl.start("screenshot", "-") as piped:
        picture, _ = piped.communicate(timeout=60)
    assert read_png(picture)[:2] == (64, 48)
    shown = vdictl("screenshot", "-", tty=True)
    assert shown.code == 2
    assert "PNG" not in shown.out.replace("FILE.png", "").upper().replace("PICTURE", "")


@pytest.mark.parametrize("file", [".", "", "no/such/folder/x.png", "x" * 300, "/dev/null/x.png"])
def test_where_no_picture_can_be_written(vdictl: Vdictl, file: str) -> None:
    vdictl.ok("create", "-q", "--no-wait")
    refused = vdictl("screenshot", "desktop", file)
    assert refused.code in (1, 2)
    assert "Traceback" not in refused.err
    assert list(vdictl.work.iterdir()) == []


def test_no_picture_of_one_that_does_not_run(vdictl: Vdictl) -> None:
    vdictl.ok("create", "-q", "--no-wait")
    vdictl.ok("stop")
    refused = vdictl("screenshot", "x.png", "-o", "json")
    assert (refused.code, refused.error["error"]) == (9, "not-ready")
    assert "vdictl start desktop" in refused.error["advice"]
    assert json.loads(refused.err.splitlines()[-1])["code"] == 9
    assert vdictl("screenshot", "a", "b", "c").code == 2


def test_ctrl_c_in_any_verb_ends_at_once_with_a_word(vdictl: Vdictl) -> None:
    vdictl.configure(memory='latency = "20"')
    process = vdictl.start("list")
    until(lambda: (vdictl.folder / "cloud/state.json").exists() or _asks(process.pid))
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=10)
    assert (process.returncode, out) == (130, b"")
    assert said.startswith(b"vdictl: Interrupted.")


def _asks(pid: int) -> bool:
    """Whether the process has begun to ask providers: each is asked by a thread."""
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


@pytest.mark.parametrize("fields", ["", ",", " , "])
def test_fields_that_name_none_are_refused(vdictl: Vdictl, fields: str) -> None:
    refused = vdictl("list", "--json", fields)
    assert refused.code == 2 and "names no field" in refused.err
