"""Snapshots, restores and clones on a real engine: the data compared, and what a broken copy leaves."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration import local_kit
from vdictl.contract.errors import Conflict, NotFound, QuotaExceeded, Unsupported
from vdictl.contract.model import State
from vdictl.engine.objects import inspect_container
from vdictl_local import names
from vdictl_local.ledger import Ledger
from vdictl_local.provider import LocalProvider

pytestmark = pytest.mark.engine
ALL = frozenset({"homes", "snapshots"})
#: Content, modes, owners, links, times, a sparse file, names with spaces and newlines: all that a copy may lose.
FILL = (
    "mkdir -p ~/d/e && echo one > ~/d/e/f && chmod 600 ~/d/e/f && ln -s d/e/f ~/link && ln ~/d/e/f ~/hard"
    ' && touch -d 2001-02-03T04:05:06Z ~/old && truncate -s 50M ~/sparse && touch "$HOME/a b\nc" && mkdir -m 700 ~/.p'
)
#: A copy of this takes some seconds on any disk.
MANY = "mkdir ~/many && cd ~/many && seq 15000 | xargs touch"
LOOK = "cd ~ && find . -printf '%p %m %U %G %n %T@ %s %l\\n' | sort && cat d/e/f && du -s sparse | cut -f1"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> local_kit.Bench:
    return local_kit.bench(tmp_path_factory.mktemp("state"))


@pytest.fixture
def bench(shared: local_kit.Bench) -> Iterator[local_kit.Bench]:
    mine = replace(shared, fleet=f"t-{secrets.token_hex(4)}")
    yield mine
    mine.sweep()


@pytest.fixture
def local(bench: local_kit.Bench) -> LocalProvider:
    return bench.open()


def test_restore_brings_everything_back(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, FILL)
    before = bench.sh(local, desktop, LOOK)
    snapshot = bench.snapshot(local, desktop, "good")
    assert snapshot.complete
    assert snapshot.spec == local.desktop(desktop.key).spec
    bench.sh(local, desktop, "rm -rf ~/d ~/link && echo new > ~/new")
    desktop = bench.settle(local, local.snapshot_restore(desktop, snapshot, token="r1"))
    assert desktop.state is State.RUNNING
    assert bench.sh(local, desktop, LOOK) == before
    bench.sh(local, desktop, "echo after > ~/after")
    again = bench.settle(local, local.snapshot_restore(desktop, snapshot, token="r1"))
    assert bench.sh(local, again, "cat ~/after") == "after\n", "a restore was done twice for one token"
    assert [name for name in bench.objects() if ".home." in name] == [
        f"vdictl-{bench.fleet.replace('-', '_')}-alice-one.home.2"
    ]
    assert list(local.strays()) == []


def test_a_clone_has_the_same_home_and_a_life_of_its_own(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, FILL)
    snapshot = bench.snapshot(local, desktop, "good")
    clone = bench.make(local, "two", from_snapshot=snapshot.id)
    assert bench.sh(local, clone, LOOK) == bench.sh(local, desktop, LOOK)
    bench.sh(local, clone, "echo clone > ~/d/e/f")
    assert bench.sh(local, desktop, "cat ~/d/e/f") == "one\n"
    over = local_kit.raises(
        lambda: local.create(bench.spec("three", from_snapshot=snapshot.id, home="one"), token="t3")
    )
    assert isinstance(over, Conflict)
    local.delete(desktop)
    third = bench.make(local, "three", from_snapshot=snapshot.id)
    assert bench.sh(local, third, "cat ~/d/e/f") == "one\n"
    late = local_kit.raises(lambda: local.create(bench.spec("four", from_snapshot=snapshot.id, home="one"), token="t4"))
    assert isinstance(late, Conflict)
    assert "overwrite" in late.brief
    for one in (clone, third):
        assert local.delete(one, also=ALL) is None
    local.snapshot_delete(snapshot)
    local.snapshot_delete(snapshot)
    assert [one.name for one in local.volumes()] == ["one"]
    local.volume_delete(next(iter(local.volumes())))
    assert bench.objects() == []


def test_a_stopped_desktop_stays_stopped(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, "echo one > ~/f")
    desktop = bench.settle(local, local.stop(desktop, token="s1", grace=5))
    snapshot = bench.snapshot(local, desktop, "off")
    desktop = bench.settle(local, local.snapshot_restore(desktop, snapshot, token="r1"))
    assert desktop.state is State.STOPPED
    desktop = bench.settle(local, local.start(desktop, token="s2"))
    assert bench.sh(local, desktop, "cat ~/f") == "one\n"


def test_it_is_paused_while_it_is_copied_and_goes_on(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, MANY)
    begun = local.snapshot_create(desktop, "big", token="s1")
    assert inspect_container(bench.engine, desktop.id).state == "paused"
    assert begun.state is State.RUNNING
    assert "paused" in begun.doing
    done = bench.settle(local, begun)
    assert inspect_container(bench.engine, desktop.id).state == "running"
    assert done.state is State.RUNNING


def test_names_of_snapshots(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.snapshot(local, desktop, "good")
    with pytest.raises(Conflict):
        local.snapshot_create(desktop, "good", token="other")
    bench.settle(local, local.snapshot_create(desktop, "once", token="same"))
    bench.settle(local, local.snapshot_create(desktop, "once", token="same"))
    assert sorted(one.name for one in local.snapshots()) == ["good", "once"]


def test_destroy_while_a_restore_copies_keeps_the_old_home(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, f"{MANY} && echo old > ~/f")
    snapshot = bench.snapshot(local, desktop, "big")
    bench.sh(local, desktop, "echo newer > ~/f")
    local.snapshot_restore(desktop, snapshot, token="r1")
    assert local.delete(desktop) is None
    prefix = f"vdictl-{bench.fleet.replace('-', '_')}-alice-one"
    token = next(name for name in bench.objects() if ".done." in name)
    assert bench.objects() == sorted([token, f"{prefix}.home.1", f"{prefix}.snap.big"])
    again = bench.make(local)
    assert bench.sh(local, again, "cat ~/f") == "newer\n"


def test_destroy_while_a_snapshot_copies_removes_the_half(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, MANY)
    local.snapshot_create(desktop, "big", token="s1")
    assert local.delete(desktop) is None
    assert [name for name in bench.objects() if ".home." not in name] == []


def test_a_helper_that_was_killed_begins_anew(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, MANY)
    local.snapshot_create(desktop, "big", token="s1")
    bench.engine.run("kill", f"{desktop.id}.copy.s1")
    bench.settle(local, local.desktop(desktop.key))
    snapshot = next(iter(local.snapshots()))
    assert snapshot.complete
    clone = bench.make(local, "two", from_snapshot=snapshot.id)
    assert bench.sh(local, clone, "ls ~/many | wc -l") == "15000\n"


def test_a_full_disk_is_told_and_leaves_nothing_half(
    bench: local_kit.Bench, local: LocalProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here (needs root)")
    try:
        desktop = bench.make(local)
        bench.sh(local, desktop, "head -c 5M /dev/urandom > ~/big")
        real = Ledger.make_volumes

        def small(ledger: Ledger, wanted: Mapping[str, Mapping[str, str]]) -> None:
            """The snapshot's volume lies on the small disk: its `cp` really runs full."""
            for name, labels in wanted.items():
                if ".snap." not in name:
                    real(ledger, {name: labels})
                    continue
                where = ("--opt", "type=none", "--opt", "o=bind", "--opt", f"device={tmp_path}")
                ledger.engine.run("volume", "create", *where, *names.label_flags(labels), name)

        monkeypatch.setattr(Ledger, "make_volumes", small)
        error = local_kit.raises(lambda: bench.settle(local, local.snapshot_create(desktop, "big", token="s1")))
        assert isinstance(error, QuotaExceeded)
        assert "full" in error.brief
        after = local.desktop(desktop.key)
        assert (after.state, after.operation) == (State.RUNNING, None)
        assert inspect_container(bench.engine, desktop.id).state == "running"
        assert list(local.snapshots()) == []
        assert not [name for name in bench.objects() if ".copy." in name or ".snap." in name]
    finally:
        bench.sweep()
        subprocess.run(["umount", tmp_path], check=True)


def test_a_snapshot_that_goes_while_it_is_needed(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    snapshot = bench.snapshot(local, desktop, "gone")
    local.snapshot_delete(snapshot)
    with pytest.raises(NotFound):
        local.snapshot_restore(desktop, snapshot, token="r1")
    assert local.desktop(desktop.key).operation is None


def test_sudo_keeps_the_system_too(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local, sudo=True, home="none")
    bench.engine.run("exec", "--user", "0", desktop.id, "sh", "-c", "echo system > /usr/local/marker")
    snapshot = bench.snapshot(local, desktop, "whole")
    assert snapshot.image.startswith("localhost/vdictl/snapshot:")
    bench.engine.run("exec", "--user", "0", desktop.id, "rm", "/usr/local/marker")
    desktop = bench.settle(local, local.snapshot_restore(desktop, snapshot, token="r1"))
    assert bench.sh(local, desktop, "cat /usr/local/marker") == "system\n"
    clone = bench.make(local, "two", image=None, sudo=True, from_snapshot=snapshot.id)
    assert bench.sh(local, clone, "cat /usr/local/marker") == "system\n"
    # The clone still runs from the image of a snapshot that goes with its desktop.
    assert local.delete(desktop, also=ALL) is None
    assert local.delete(clone, also=ALL) is None
    assert bench.objects() == []


def test_a_snapshot_without_a_home_does_not_replace_one(bench: local_kit.Bench, local: LocalProvider) -> None:
    bare = bench.make(local, sudo=True, home="none")
    snapshot = bench.snapshot(local, bare, "bare")
    homely = bench.make(local, "two")
    with pytest.raises(Unsupported):
        local.snapshot_restore(homely, snapshot, token="r1")
