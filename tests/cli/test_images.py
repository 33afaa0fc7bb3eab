"""`vdictl images prune`, `save`, `load`, `push`."""

from __future__ import annotations

import io
import subprocess
import tarfile

import pytest

from tests.cli.front import Vdictl


def ready(vdictl: Vdictl) -> set[str]:
    return {image["name"] for image in vdictl.ok("images", "list", "-o", "json").data if image["ready"]}


@pytest.fixture
def stocked(vdictl: Vdictl) -> Vdictl:
    """With two images that have packages, of which a desktop needs one."""
    vdictl.ok("images", "build", "xfce", "--packages", "gimp", "-q")
    vdictl.ok("create", "desktop", "--packages", "htop", "--no-wait", "-q")
    return vdictl


def test_what_nothing_needs_goes_after_it_was_shown(stocked: Vdictl) -> None:
    images = {image["name"]: image for image in stocked.ok("images", "list", "-o", "json").data}
    unused = [name for name, image in images.items() if image["kind"] == "custom" and not image["used"]]
    used = [name for name, image in images.items() if image["used"]]
    assert len(unused) == len(used) == 1
    assert [one["name"] for one in stocked.ok("images", "prune", "--dry-run", "-o", "json").data] == unused
    asked = stocked("images", "prune")
    assert asked.code == 2 and f"  {unused[0]}  memory  5.0 MiB" in asked.err and "--yes" in asked.err
    assert stocked("images", "prune", tty=True, stdin="n\n").code == 2
    assert set(unused) <= ready(stocked)
    done = stocked.ok("images", "prune", "--yes", "-o", "json").data
    assert [(row["name"], row["result"]) for row in done] == [(unused[0], "deleted")]
    assert ready(stocked) == {"xfce", "minimal", *used}
    assert "no image to remove" in stocked.ok("images", "prune", "--yes").err


def test_all_takes_the_flavors_too_and_a_create_builds_them_again(stocked: Vdictl) -> None:
    stocked.ok("images", "prune", "--all", "--yes", "-q")
    (left,) = ready(stocked)
    assert left.startswith("xfce-")
    stocked.ok("create", "second", "--no-wait", "-q")
    assert "xfce" in ready(stocked)


def test_what_a_snapshot_was_taken_of_stays(stocked: Vdictl) -> None:
    stocked.ok("snapshot", "create", "desktop", "kept")
    stocked.ok("destroy", "desktop")
    assert len(stocked.ok("images", "prune", "--dry-run", "-o", "json").data) == 1
    stocked.ok("snapshot", "delete", "desktop", "kept")
    assert len(stocked.ok("images", "prune", "--dry-run", "-o", "json").data) == 2


def test_one_that_cannot_be_removed_does_not_stop_the_others(stocked: Vdictl) -> None:
    stocked.configure(memory='faults = "auth-failed:delete_image:1"')
    done = stocked("images", "prune", "--all", "--yes", "-o", "json")
    assert done.code == 7 and sorted(row["result"] for row in done.data) == ["deleted", "deleted", "failed"]


def test_to_a_machine_without_a_network(vdictl: Vdictl) -> None:
    saved = vdictl.ok("images", "save", "xfce", "xfce.tar", "-o", "json").data
    assert saved["size_bytes"] == (vdictl.work / "xfce.tar").stat().st_size
    vdictl.ok("images", "prune", "--all", "--yes", "-q")
    assert ready(vdictl) == set()
    assert vdictl("images", "save", "xfce", "again.tar").code == 9  # it is not there
    assert vdictl.ok("images", "load", "xfce.tar").out == "xfce\n"
    assert ready(vdictl) == {"xfce"}
    out, into = vdictl.argv("images", "save", "xfce", "-"), vdictl.argv("images", "load", "-")
    whole = subprocess.run(out, cwd=vdictl.work, env=vdictl.env, timeout=60, check=True, capture_output=True)
    assert len(whole.stdout) == (vdictl.work / "xfce.tar").stat().st_size
    subprocess.run(into, cwd=vdictl.work, env=vdictl.env, timeout=60, check=True, input=whole.stdout)


def test_what_is_no_archive_of_images(vdictl: Vdictl) -> None:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("something"))
    (vdictl.work / "other.tar").write_bytes(into.getvalue())
    foreign = vdictl("images", "load", "other.tar", "-o", "json")
    assert foreign.code == 2 and "something" in foreign.error["details"]
    (vdictl.work / "text").write_text("hello")
    assert vdictl("images", "load", "text").code != 0
    assert vdictl("images", "load", "nothing.tar").code == 4
    assert vdictl("images", "load", ".").code == 2
    assert vdictl("images", "save", "nothing", "x.tar").code == 4
    assert vdictl("images", "save", "xfce", ".").code == 2
    assert "Traceback" not in vdictl("images", "load", "text").err


def test_a_push_names_a_registry_and_no_password(vdictl: Vdictl) -> None:
    pushed = vdictl.ok("images", "push", "xfce", "registry.example/team/xfce:1", "-o", "json").data
    assert (pushed["name"], pushed["reference"]) == ("xfce", "registry.example/team/xfce:1")
    for bad in ("user:secret@registry.example/x", "registry.example/a b", ""):
        assert vdictl("images", "push", "xfce", bad).code == 2
    assert vdictl("images", "push", "code", "registry.example/x").code == 9
    assert vdictl("images", "push", "nothing", "registry.example/x").code == 4
