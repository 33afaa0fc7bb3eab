"""The local provider on a real engine: create, power, destroy; homes; names that look alike; many at once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration import local_kit
from vdictl.contract.errors import Conflict, Invalid, NotFound, NotReady, QuotaExceeded, Unsupported, VdictlError
from vdictl.contract.model import Desktop, State
from vdictl.engine.base import BASE_TAG
from vdictl_local.provider import LocalProvider

pytestmark = pytest.mark.engine
ALL = frozenset({"homes", "snapshots"})


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


def test_one_call_makes_it_run(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = local.create(bench.spec(labels={"team": 'ü, "x"'}), token="t1")
    assert (desktop.state, desktop.operation, desktop.due) == (State.RUNNING, None, False)
    assert desktop.key == "t1"
    assert bench.open().desktop("t1").labels == {"team": 'ü, "x"'}
    assert desktop.address.startswith("127.0.0.1:")


def test_delete_keeps_the_home_and_nothing_else(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.sh(local, desktop, "echo kept > ~/file")
    assert local.delete(desktop) is None
    assert bench.objects() == [f"vdictl-{bench.fleet.replace('-', '_')}-alice-one.home.1"]
    again = bench.make(local)
    assert bench.sh(local, again, "cat ~/file") == "kept\n"
    assert local.delete(again, also=ALL) is None
    assert local.delete(again, also=ALL) is None
    assert bench.objects() == []


def test_an_ephemeral_home_goes_and_leaves_the_kept_one(bench: local_kit.Bench, local: LocalProvider) -> None:
    first = bench.make(local)
    bench.sh(local, first, "echo kept > ~/file")
    local.delete(first)
    second = bench.make(local, home="ephemeral")
    assert bench.sh(local, second, "ls ~") == ""
    local.delete(second, also=ALL)
    assert [one.name for one in local.volumes()] == ["one"]


def test_power(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    desktop = bench.settle(local, local.stop(desktop, token="s1", grace=5))
    assert desktop.state is State.STOPPED
    assert bench.settle(local, local.stop(desktop, token="s2", grace=5)).state is State.STOPPED
    with pytest.raises(NotReady):
        local.endpoints(desktop)
    desktop = bench.settle(local, local.start(desktop, token="s3"))
    assert desktop.state is State.RUNNING
    before = bench.sh(local, desktop, "cat /proc/1/stat").split()[21]
    desktop = bench.settle(local, local.restart(desktop, token="s4"))
    after = bench.sh(local, desktop, "cat /proc/1/stat").split()[21]
    assert before != after
    assert bench.settle(local, local.restart(desktop, token="s4")).state is State.RUNNING


def test_what_an_outsider_does_stays_so(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.engine.run("stop", "--time", "2", desktop.id)
    stopped = local.advance(local.desktop(desktop.key))
    assert (stopped.state, stopped.operation) == (State.STOPPED, None)
    bench.settle(local, local.start(stopped, token="s1"))
    bench.engine.run("pause", desktop.id)
    paused = local.advance(local.desktop(desktop.key))
    assert paused.state is State.UNKNOWN
    assert "paused" in paused.reason
    bench.engine.run("unpause", desktop.id)
    bench.engine.run("rm", "--force", desktop.id)
    lost = local.advance(local.desktop(desktop.key))
    assert (lost.state, lost.operation) == (State.FAILED, None)
    assert bench.settle(local, local.start(lost, token="s2")).state is State.RUNNING


def test_a_guest_that_ignores_term_is_ended_after_the_grace(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    bench.engine.run("kill", "--signal", "STOP", desktop.id)  # process 1 hears nothing any more
    desktop = bench.settle(local, local.stop(desktop, token="s1", grace=1))
    assert desktop.state is State.STOPPED


def test_pruned_markers_heal_from_the_container(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    for name in bench.objects():
        if ".mark" in name:
            bench.engine.run("volume", "rm", name)
    assert [one.key for one in local.desktops()] == [desktop.key]
    stopped = bench.settle(local, local.stop(local.desktop(desktop.key), token="s1", grace=5))
    assert stopped.state is State.STOPPED
    assert any(name.endswith(".mark") for name in bench.objects())
    assert local.delete(stopped, also=ALL) is None
    assert bench.objects() == []


def test_another_has_the_name_or_the_home(bench: local_kit.Bench, local: LocalProvider) -> None:
    desktop = bench.make(local)
    taken = local_kit.raises(lambda: local.create(bench.spec(), token="other"))
    assert isinstance(taken, Conflict)
    assert desktop.key in taken.details
    used = local_kit.raises(lambda: local.create(bench.spec("two", home="one"), token="t2"))
    assert isinstance(used, Conflict)
    assert "one" in used.brief
    volume = next(iter(local.volumes()))
    assert volume.attached_to == desktop.key
    with pytest.raises(Conflict):
        local.volume_delete(volume)
    local.delete(desktop)
    local.volume_delete(volume)
    local.volume_delete(volume)
    assert bench.objects() == []


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"name": "../x"}, Invalid),
        ({"name": "-x"}, Invalid),
        ({"name": "x" * 300}, Invalid),
        ({"name": "line\nbreak"}, Invalid),
        ({"name": "\N{GRINNING FACE}"}, Invalid),
        ({"owner": "a_b"}, Invalid),
        ({"home": "../../etc"}, Invalid),
        ({"home": "none"}, Invalid),
        ({"plan": "no-such"}, Invalid),
        ({"region": "ams"}, Invalid),
        ({"options": {"geometry": "big"}}, Invalid),
        ({"options": {"colour": "red"}}, Invalid),
        ({"image": None, "flavor": "no-such"}, Invalid),
        ({"image": None, "packages": ("-o=evil",)}, Invalid),
        ({"image": "docker.io/library/debian:no-such-tag"}, NotFound),
        ({"from_snapshot": "no-such"}, NotFound),
        ({"memory_mib": 10**9}, QuotaExceeded),
        ({"cpus": 4096.0}, QuotaExceeded),
        ({"disk_gib": 10}, Unsupported),
        ({"gpu": 64}, (Unsupported, QuotaExceeded)),
    ],
)
def test_what_is_wrong_changes_nothing(
    bench: local_kit.Bench,
    local: LocalProvider,
    wrong: dict[str, object],
    kind: type[VdictlError] | tuple[type[VdictlError], ...],
) -> None:
    spec = replace(bench.spec(), **wrong)  # type: ignore[arg-type]
    error = local_kit.raises(lambda: local.create(spec, token="t1"))
    assert isinstance(error, kind)
    assert error.brief.endswith(".")
    assert bench.objects() == []


def test_an_image_without_our_guest_is_refused(bench: local_kit.Bench, local: LocalProvider) -> None:
    error = local_kit.raises(lambda: local.create(bench.spec(image=BASE_TAG), token="t1"))
    assert isinstance(error, Invalid)
    assert bench.objects() == []


def test_look_alikes_are_never_touched(bench: local_kit.Bench, local: LocalProvider) -> None:
    mine = bench.make(local)
    prefix = f"vdictl-{bench.fleet.replace('-', '_')}-alice-"
    foreign = [f"{prefix}two", f"{prefix}one-x"]
    run = ("run", "--detach", "--network", "none")
    for name in foreign:
        bench.engine.run(*run, "--name", name, bench.image)
    # A container made by hand from a commit of ours bears every label of ours.
    bench.engine.run("commit", mine.id, "localhost/vdictl-test/copy:1")
    bench.engine.run(*run, "--name", f"{prefix}copy", "localhost/vdictl-test/copy:1")
    volumes = [f"{prefix}two.home.1", f"{prefix}two.mark", f"{prefix}one.home.2"]
    for name in volumes:
        bench.engine.run("volume", "create", name)
    try:
        assert [one.key for one in local.desktops()] == [mine.key]
        assert list(local.strays()) == []
        for name in ("two", "one-x"):
            error = local_kit.raises(lambda name=name: local.create(bench.spec(name), token=f"t-{name}"))  # type: ignore[misc]
            assert isinstance(error, Conflict)
            assert "did not make it" in error.brief
        bench.engine.run("rm", "--force", f"{prefix}two")
        error = local_kit.raises(lambda: local.create(bench.spec("two"), token="t2"))
        assert isinstance(error, Conflict)
        assert local.delete(mine, also=ALL) is None
        left = bench.engine.run("ps", "--all", "--format", "{{.Names}}").split()
        assert {f"{prefix}one-x", f"{prefix}copy"} <= set(left)
        assert set(volumes) <= set(bench.engine.run("volume", "ls", "--quiet").split())
    finally:
        for name in (*foreign, f"{prefix}copy"):
            bench.engine.call("rm", "--force", name)
        for name in volumes:
            bench.engine.call("volume", "rm", name)
        bench.engine.call("image", "rm", "localhost/vdictl-test/copy:1")


def test_twenty_creates_of_one_name_make_one(bench: local_kit.Bench) -> None:
    def create(number: int) -> Desktop | VdictlError:
        try:
            return bench.open().create(bench.spec(), token=f"t{number}")
        except VdictlError as error:
            return error

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(create, range(20)))
    made = [one for one in results if isinstance(one, Desktop)]
    assert len(made) == 1, [str(one) for one in results]
    assert all(isinstance(one, Conflict) for one in results if not isinstance(one, Desktop))
    local = bench.open()
    desktop = bench.settle(local, made[0])
    assert [one.key for one in local.desktops()] == [desktop.key]
    assert list(local.strays()) == []
    local.delete(desktop, also=ALL)
    assert bench.objects() == []


def test_twenty_creates_of_twenty_names(bench: local_kit.Bench) -> None:
    def create(number: int) -> Desktop:
        return bench.open().create(bench.spec(f"d{number}"), token=f"t{number}")

    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(create, range(20)))
    local = bench.open()
    for desktop in made:
        bench.settle(local, desktop)
    assert sorted(one.name for one in local.desktops()) == sorted(f"d{number}" for number in range(20))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda one: bench.open().delete(one, also=ALL), made)) == [None] * 20
    assert bench.objects() == []


def test_two_desktops_never_get_one_home(bench: local_kit.Bench) -> None:
    def create(number: int) -> Desktop | VdictlError:
        try:
            return bench.open().create(bench.spec(f"d{number}", home="shared"), token=f"t{number}")
        except VdictlError as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(create, range(6)))
    made = [one for one in results if isinstance(one, Desktop)]
    assert len(made) <= 1
    local = bench.open()
    assert [one.key for one in local.desktops()] == [one.key for one in made]


def test_two_advance_at_once(bench: local_kit.Bench) -> None:
    local = bench.open()
    desktop = bench.make(local)
    bench.settle(local, local.stop(desktop, token="s1", grace=5))
    bench.engine.run("rm", "--force", desktop.id)

    def start(number: int) -> object:
        provider = bench.open()
        try:
            return provider.start(provider.desktop(desktop.key), token=f"r{number}")
        except Conflict as error:
            return error

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    assert bench.settle(local, local.desktop(desktop.key)).state is State.RUNNING
    assert len([name for name in bench.objects() if name == desktop.id]) == 1


def test_fleets_do_not_see_each_other(bench: local_kit.Bench, local: LocalProvider) -> None:
    bench.make(local)
    assert list(bench.open(fleet="default-other").desktops()) == []
    everything = bench.open(fleet=None)
    assert isinstance(everything, LocalProvider)
    with pytest.raises(NotFound):
        bench.open(fleet="default-other").desktop("t1")


def test_no_engine_is_not_configured(tmp_path: Path) -> None:
    from vdictl.contract.errors import NotConfigured
    from vdictl.contract.provider import Settings

    provider = LocalProvider.open(Settings(state_dir=tmp_path, environment={"PATH": str(tmp_path)}), timeout=5.0)
    with pytest.raises(NotConfigured) as caught:
        provider.check()
    assert caught.value.advice
