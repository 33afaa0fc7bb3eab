"""One cloud in a file, shared by several processes: what tests of whole commands stand on."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vdictl.contract.errors import AuthFailed, NotConfigured, QuotaExceeded, RateLimited, ReplyLost, Unavailable
from vdictl.contract.model import Desktop, DesktopSpec, Secret, State
from vdictl.contract.provider import Settings
from vdictl.testing.memory import MANIFEST
from vdictl.testing.memory.faults import FAULTS, Fault, parse
from vdictl.testing.memory.provider import MemoryProvider

ROOT = Path(__file__).parents[3]
QUICK = {"boot": "0", "task": "0", "build": "0"}
SPEC = DesktopSpec(name="one", owner="me")
CREATE = """
import sys
sys.path.insert(0, sys.argv[2])
from vdictl.contract.model import DesktopSpec
from vdictl.contract.provider import Settings
from vdictl.testing.memory.provider import MemoryProvider
provider = MemoryProvider.open(Settings(values={"state": sys.argv[1]}), timeout=5)
provider.create(DesktopSpec(name=sys.argv[3], owner="me"), token=sys.argv[4])
"""


def opened(path: Path, **values: str) -> MemoryProvider:
    return MemoryProvider.open(Settings(values={"state": str(path), **QUICK, **values}), timeout=5.0)


def settled(provider: MemoryProvider, desktop: Desktop) -> Desktop:
    for _ in range(50):
        desktop = provider.advance(desktop)
        if desktop.operation is None:
            return desktop
    raise AssertionError(desktop)


def test_nothing_is_opened_before_the_first_call(tmp_path: Path) -> None:
    opened(tmp_path / "cloud.json").close()
    assert list(tmp_path.iterdir()) == []


def test_what_one_process_makes_another_sees(tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    children = [
        subprocess.Popen([sys.executable, "-c", CREATE, str(path), str(ROOT), f"d{n}", f"key{n}"]) for n in range(4)
    ]
    assert [child.wait(timeout=60) for child in children] == [0, 0, 0, 0]
    assert sorted(each.key for each in opened(path).desktops()) == ["key0", "key1", "key2", "key3"]


def test_threads_of_one_process_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    threads = [
        threading.Thread(
            target=opened(path).create, args=(DesktopSpec(name=f"d{n}", owner="me"),), kwargs={"token": f"k{n}"}
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(opened(path).desktops())) == 8


def test_a_home_keeps_its_files_over_desktops(tmp_path: Path) -> None:
    path = tmp_path / "cloud.json"
    provider = opened(path)
    first = settled(provider, provider.create(SPEC, token="k1"))
    subprocess.run(provider.exec(first, ["sh", "-c", "echo kept > note"]).argv, check=True)
    while (left := provider.delete(first)) is not None:
        first = left
    other = opened(path)
    second = settled(other, other.create(SPEC, token="k2"))
    assert subprocess.check_output(other.exec(second, ["cat", "note"]).argv) == b"kept\n"


def test_an_expiry_stops_it(tmp_path: Path) -> None:
    provider = opened(tmp_path / "cloud.json")
    desktop = settled(provider, provider.create(SPEC, token="k1"))
    subprocess.run(provider.exec(desktop, ["vdictl-guest", "expire", "1000"]).argv, check=True)
    assert provider.desktop("k1").state is State.STOPPED


def test_faults_of_the_setting_happen_as_often_as_it_says(tmp_path: Path) -> None:
    path, faults = tmp_path / "cloud.json", "reply-lost:create:1,unavailable:list:2,rate-limited:whoami:1:7"
    with pytest.raises(Unavailable):
        list(opened(path, faults=faults).desktops())
    with pytest.raises(Unavailable):
        list(opened(path, faults=faults).desktops())
    with pytest.raises(ReplyLost):
        opened(path, faults=faults).create(SPEC, token="k1")
    assert [each.key for each in opened(path, faults=faults).desktops()] == ["k1"]
    with pytest.raises(RateLimited) as caught:
        opened(path, faults=faults).check()
    assert caught.value.retry_after == 7.0
    opened(path, faults=faults).check()


def test_a_refused_change_is_used_up_too(tmp_path: Path) -> None:
    provider = opened(tmp_path / "cloud.json", faults="two-at-once::2")
    assert settled(provider, provider.create(SPEC, token="k1")).state is State.RUNNING


def test_every_fault_does_what_it_says(tmp_path: Path) -> None:
    expected = {"auth-failed": AuthFailed, "quota": QuotaExceeded, "unavailable": Unavailable, "slow": ReplyLost}
    for name, error in expected.items():
        value = ":create:1:9" if name == "slow" else ""
        values = {"state": str(tmp_path / f"{name}.json"), "faults": name + value}
        with pytest.raises(error):
            MemoryProvider.open(Settings(values=values), timeout=0.05).create(SPEC, token="k1")
    assert {fault.name for fault in parse(",".join(FAULTS))} == set(FAULTS)


def test_a_fault_that_does_not_exist_is_told() -> None:
    with pytest.raises(ValueError, match="no fault is called 'typo'"):
        Fault.make("typo")


def test_lists_stay_stale_and_lag(tmp_path: Path) -> None:
    lagging = opened(tmp_path / "a.json", lag="60")
    lagging.create(SPEC, token="k1")
    assert list(lagging.desktops()) == []
    stale = opened(tmp_path / "b.json", faults="stale-list:list:1:60")
    stale.check()
    desktop = stale.create(SPEC, token="k1")
    assert list(stale.desktops()) == []
    assert stale.advance(desktop).key == "k1"


def test_a_late_delete_and_a_desktop_that_is_never_ready(tmp_path: Path) -> None:
    provider = opened(tmp_path / "cloud.json", faults="never-ready,delete-late:delete:1:60")
    desktop = settled(provider, provider.create(SPEC, token="k1"))
    probe = subprocess.check_output(provider.exec(desktop, ["vdictl-guest", "probe", "--json"]).argv)
    assert b'"display": {"ok": false' in probe
    for _ in range(5):
        left = provider.delete(desktop)
    assert left is not None and left.state is State.DELETING and not left.due


def test_a_build_that_fails_is_told_and_can_be_tried_again(tmp_path: Path) -> None:
    provider = opened(tmp_path / "cloud.json", faults="build-fails")
    work = provider.image_build("code")
    assert not work.done
    assert provider.image_build("code").failed
    provider.image_build("code", retry=True)
    assert provider.image_build("code").done


def test_settings_that_are_no_numbers_are_told() -> None:
    with pytest.raises(NotConfigured):
        MemoryProvider.open(Settings(values={"boot": "soon"}), timeout=5.0)


def test_the_rate_limit_is_kept(tmp_path: Path) -> None:
    provider = opened(tmp_path / "cloud.json", rate="3")
    with pytest.raises(RateLimited) as caught:
        for _ in range(4):
            provider.check()
    assert caught.value.retry_after is not None and 0 < caught.value.retry_after <= 1


def test_the_cores_throttle_is_called_before_each_request(tmp_path: Path) -> None:
    calls: list[int] = []
    settings = Settings(values={"state": str(tmp_path / "c.json")}, throttle=lambda: calls.append(1))
    provider = MemoryProvider.open(settings, timeout=5.0)
    assert not calls
    provider.check()
    list(provider.desktops())
    assert len(calls) == 2


def test_a_wrong_token_is_refused(tmp_path: Path) -> None:
    provider = opened(tmp_path / "c.json")
    with provider.api.cloud.store.change() as state:
        state["token"] = "right"
    settings = Settings(values={"state": str(tmp_path / "c.json")}, secrets={"token": Secret("wrong")})
    with pytest.raises(AuthFailed):
        MemoryProvider.open(settings, timeout=5.0).check()


def test_the_readme_names_every_fault_and_setting() -> None:
    text = (ROOT / "vdictl" / "testing" / "README.md").read_text(encoding="utf-8")
    assert {name for name in FAULTS if f"| `{name}` |" in text} == set(FAULTS)
    assert [each.name for each in MANIFEST.settings if each.name not in text] == []
