"""The local provider on a real engine: names, labels, ends and sizes are changed while it runs, and hold."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration import local_kit
from vdictl.contract.errors import Conflict, VdictlError
from vdictl.contract.model import Desktop, State
from vdictl.engine.objects import inspect_container
from vdictl_local.provider import LocalProvider

pytestmark = pytest.mark.engine
ALL = frozenset({"homes", "snapshots"})
END = datetime(2099, 1, 31, 18, tzinfo=UTC)
LIMIT = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || true"
#: `tail` keeps what it has read until its pipe ends.
HOLD_400_MB = """
(head -c 400000000 /dev/zero; exec sleep 300) 2>/dev/null | tail -c 400000000 >/dev/null 2>&1 </dev/stdin &
for second in $(seq 60); do
  [ "$(cat /sys/fs/cgroup/memory/memory.usage_in_bytes)" -gt 390000000 ] && exit 0
  sleep 1
done
exit 1
"""


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


def rename(bench: local_kit.Bench, local: LocalProvider, desktop: Desktop, name: str) -> Desktop:
    return bench.settle(local, local.remark(desktop, token=secrets.token_hex(8), name=name))


def limit(bench: local_kit.Bench, local: LocalProvider, desktop: Desktop) -> int:
    """MiB of memory that the kernel lets it have."""
    return int(bench.sh(local, desktop, LIMIT).split()[0]) >> 20


def test_what_runs_goes_on_under_another_name(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local, expires=END)
    bench.snapshot(local, desktop, "s")
    bench.sh(local, desktop, "echo kept > ~/file")
    before = inspect_container(bench.engine, desktop.id)
    renamed = rename(bench, local, desktop, "new")
    after = inspect_container(bench.engine, renamed.id)
    assert (after.id, after.started, after.name) == (before.id, before.started, renamed.id)
    assert renamed.id.endswith("-new") and bench.sh(local, renamed, "cat ~/file") == "kept\n"
    assert not [name for name in bench.objects() if name.endswith("alice-one.mark")], "the old name is still claimed"
    assert [(one.name, one.desktop_name) for one in local.snapshots()] == [("s", "new")]
    with pytest.raises(Conflict):
        local.snapshot_create(renamed, "s", token="t")
    assert list(local.strays()) == []
    assert local.delete(renamed, also=ALL) is None
    assert bench.objects() == []


@pytest.mark.parametrize("home", [None, "ephemeral"])
def test_a_renamed_desktop_finds_its_volumes_when_its_container_is_made_anew(
    bench: local_kit.Bench, local: LocalProvider, home: str | None
) -> None:
    desktop = rename(bench, local, bench.make(local, home=home), "new")
    bench.sh(local, desktop, "echo kept > ~/file; echo old > /var/lib/vdictl/note")
    second = bench.make(local, "one", home=home or "second")
    bench.engine.run("rm", "--force", desktop.id)
    started = bench.settle(local, local.start(desktop, token="again"))
    assert bench.sh(local, started, "cat ~/file /var/lib/vdictl/note; hostname") == "kept\nold\nnew\n"
    bench.engine.run("volume", "rm", f"{desktop.id}.mark")  # somebody prunes what no container uses
    assert {one.name for one in local.desktops()} == {"new", "one"}
    for one in (second, started):
        local.delete(one, also=ALL)
    assert bench.objects() == []


def test_two_desktops_renamed_to_one_name_at_once(bench: local_kit.Bench) -> None:
    names = ("a", "b")
    desktops = [bench.make(bench.open(), name) for name in names]
    ended: dict[str, str] = {}

    def change(desktop: Desktop) -> None:
        local = bench.open()
        try:
            ended[desktop.name] = rename(bench, local, desktop, "new").name
        except Conflict:
            ended[desktop.name] = "conflict"

    threads = [threading.Thread(target=change, args=(desktop,)) for desktop in desktops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended.values()) == ["conflict", "new"], ended
    there = {one.key: (one.name, one.operation) for one in bench.open().desktops()}
    loser = next(desktop for desktop in desktops if ended[desktop.name] == "conflict")
    assert there[loser.key] == (loser.name, None)
    assert len(bench.objects()) == len(set(bench.objects())) and list(bench.open().strays()) == []


def test_a_container_of_somebody_else_keeps_its_name(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    taken = desktop.id.removesuffix("one") + "new"
    bench.engine.run("create", "--name", taken, bench.image)
    try:
        with pytest.raises(Conflict, match="did not make it"):
            local.remark(desktop, token="t", name="new", labels={"x": "y"})
        assert (local.desktop(desktop.key).name, local.desktop(desktop.key).labels) == ("one", {})
    finally:
        bench.engine.run("rm", taken)


def test_another_end_is_told_inside_and_kept_for_a_stopped_and_for_a_lost_one(
    bench: local_kit.Bench, local: LocalProvider
) -> None:
    desktop = bench.make(local)
    told = "cat /var/lib/vdictl/expires"
    bench.settle(local, local.remark(desktop, token="t1", expires=END))
    assert bench.sh(local, desktop, told) == f"{int(END.timestamp())}\n"
    bench.settle(local, local.stop(desktop, token="t2", grace=5))
    later = END.replace(year=2098)
    bench.settle(local, local.remark(desktop, token="t3", expires=later))
    bench.settle(local, local.start(desktop, token="t4"))
    assert bench.sh(local, desktop, f"{told}; ls -n {told[4:]} | cut -d' ' -f3") == f"{int(later.timestamp())}\n1000\n"
    bench.engine.run("rm", "--force", desktop.id)
    bench.settle(local, local.remark(local.desktop(desktop.key), token="t5", expires=END))
    bench.settle(local, local.start(desktop, token="t6"))
    assert bench.sh(local, desktop, told) == f"{int(END.timestamp())}\n"


@pytest.mark.parametrize("sudo", [False, True])
def test_another_size_at_once_and_after_every_start(bench: local_kit.Bench, local: LocalProvider, sudo: bool) -> None:
    desktop = bench.make(local, sudo=sudo)
    if not bench.engine.traits.limits:
        pytest.skip("this host enforces no limits")
    before = inspect_container(bench.engine, desktop.id)
    resized = bench.settle(local, local.resize(desktop, bench.spec(memory_mib=512), token="t1"))
    assert limit(bench, local, resized) == 512 and resized.facts["size"].endswith("512 MiB")
    after = inspect_container(bench.engine, desktop.id)
    assert (after.id, after.started) == (before.id, before.started), "what ran was restarted"
    for number, again in enumerate((local.stop, local.restart)):
        more = {"grace": 5.0} if again == local.stop else {}
        bench.settle(local, again(resized, token=f"a{number}", **more))  # type: ignore[operator]
        bench.settle(local, local.start(resized, token=f"s{number}"))
        assert limit(bench, local, resized) == 512, "an engine that forgets limits at a stop"
    bench.settle(local, local.stop(resized, token="t3", grace=5))
    stopped = bench.settle(local, local.resize(resized, bench.spec(memory_mib=300), token="t4"))
    assert (stopped.state, stopped.facts["size"][-7:]) == (State.STOPPED, "300 MiB")
    bench.engine.run("rm", "--force", desktop.id)
    bench.settle(local, local.start(stopped, token="t5"))
    assert limit(bench, local, stopped) == 300
    assert inspect_container(bench.engine, desktop.id).id != before.id


def test_less_memory_than_is_in_use_is_refused_and_nothing_is_changed(
    bench: local_kit.Bench, local: LocalProvider
) -> None:
    desktop = bench.make(local, memory_mib=600)
    if not bench.engine.traits.limits or bench.engine.traits.cgroup_version != "1":
        pytest.skip("only control groups v1 refuse it; v2 takes memory from what runs")
    bench.sh(local, desktop, HOLD_400_MB)
    with pytest.raises(Conflict, match="cannot have"):
        bench.settle(local, local.resize(desktop, bench.spec(memory_mib=260), token="t"))
    there = local.desktop(desktop.key)
    assert there.operation is None and there.spec is not None
    assert (there.spec.memory_mib, limit(bench, local, there)) == (600, 600)


def test_a_size_that_this_machine_has_not_is_refused(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    wrongs: tuple[dict[str, Any], ...] = (
        {"memory_mib": 1 << 30},
        {"memory_mib": 1},
        {"disk_gib": 5},
        {"plan": "none"},
        {"gpu": 1},
    )
    for wrong in wrongs:
        with pytest.raises(VdictlError) as caught:
            local.resize(desktop, bench.spec(**{"memory_mib": None, **wrong}), token="t")
        assert caught.value.exit_code in {2, 6, 10}
    assert local.desktop(desktop.key) == desktop
