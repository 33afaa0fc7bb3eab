"""What is told from a host's files, and the private containers.conf made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vdictl.engine import conf, hosts
from vdictl.engine.hosts import Host, look_around

MakeHost = Callable[..., Host]


@pytest.fixture
def host(tmp_path: Path) -> MakeHost:
    """A host made of files: `files` (path -> text), programs, and what else differs from an ordinary machine's root."""

    def make(
        files: dict[str, str] | None = None,
        programs: tuple[str, ...] = ("runc", "newuidmap", "slirp4netns", "netavark"),
        *,
        uid: int = 0,
        nofile: int = 2**20,
        env: dict[str, str] | None = None,
    ) -> Host:
        for name, text in (files or {}).items():
            target = tmp_path / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return Host(
            env=env if env is not None else {},
            uid=uid,
            user="ann",
            nofile=nofile,
            nproc=96365,
            root=tmp_path,
            which=lambda name: f"/usr/bin/{name}" if name in programs else None,
        )

    return make


def test_hybrid_cgroups(host: MakeHost) -> None:
    assert hosts.hybrid_cgroups(host()) is None
    assert hosts.hybrid_cgroups(host({"/sys/fs/cgroup/unified/cgroup.controllers": "\n"})) is None
    finding = hosts.hybrid_cgroups(host({"/sys/fs/cgroup/unified/cgroup.controllers": "hugetlb\n"}))
    assert finding
    assert finding.settings == {"engine": {"runtime": "runc"}}
    assert finding.obstacle.applied
    assert "hugetlb" in finding.obstacle.evidence
    without = hosts.hybrid_cgroups(host(programs=()))
    assert without
    assert (without.obstacle.applied, without.settings) == (False, {})
    assert "apt-get install runc" in without.obstacle.cure


def test_low_ulimits(host: MakeHost) -> None:
    weak = {"/proc/self/status": "Name:\tx\nCapEff:\t000001fffeffffff\n"}
    finding = hosts.low_ulimits(host(weak, nofile=20000))
    assert finding
    assert finding.settings == {"containers": {"default_ulimits": ["nofile=20000:20000", "nproc=32768:32768"]}}
    assert hosts.low_ulimits(host(nofile=2**20)) is None
    assert hosts.low_ulimits(host(nofile=20000, uid=1000)) is None, "rootless, Podman lowers its wishes by itself"
    assert hosts.low_ulimits(host({"/proc/self/status": "CapEff:\t000001ffffffffff\n"}, nofile=20000)) is None


def test_networks(host: MakeHost) -> None:
    found = hosts.no_cni(host())
    assert found
    assert found.settings == {"network": {"network_backend": "netavark"}}
    nothing = hosts.no_cni(host(programs=()))
    assert nothing
    assert nothing.no_ports
    assert not nothing.obstacle.applied
    assert hosts.no_cni(host({"/opt/cni/bin/bridge": ""})) is None


def test_systemd(host: MakeHost, tmp_path: Path) -> None:
    finding = hosts.no_systemd(host())
    assert finding
    assert finding.settings["engine"]["cgroup_manager"] == "cgroupfs"
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert hosts.no_systemd(host()) is None
    assert hosts.no_systemd(host(uid=1000)) is not None, "rootless needs a session of its own"
    (tmp_path / "run/user/1000/systemd").mkdir(parents=True)
    assert hosts.no_systemd(host(uid=1000)) is None


def test_subordinate_ids(host: MakeHost) -> None:
    assert hosts.no_id_ranges(host()) is None
    lacking = hosts.no_id_ranges(host({"/etc/subuid": "annabel:1:2\n", "/etc/subgid": "ann:1:2\n"}, uid=1000))
    assert lacking
    assert "/etc/subuid" in lacking.obstacle.evidence
    assert "/etc/subgid" not in lacking.obstacle.evidence
    assert "usermod" in lacking.obstacle.cure
    assert lacking.blocks
    assert hosts.no_id_ranges(host({"/etc/subuid": "1000:1:2\n"}, uid=1000)) is None
    tool = hosts.no_id_ranges(host(programs=(), uid=1000))
    assert tool
    assert "uidmap" in tool.obstacle.cure


def test_tun(host: MakeHost) -> None:
    assert hosts.no_tun(host()) is None
    gone = hosts.no_tun(host(uid=1000))
    assert gone
    assert gone.no_ports
    assert "not there" in gone.obstacle.evidence
    assert hosts.no_tun(host({"/dev/net/tun": ""}, uid=1000)) is None
    tool = hosts.no_tun(host(programs=(), uid=1000))
    assert tool
    assert "slirp4netns" in tool.obstacle.cure


def test_runtime_folder(host: MakeHost) -> None:
    assert hosts.no_runtime_folder(host()) is None
    assert hosts.no_runtime_folder(host(uid=1000, env={"XDG_RUNTIME_DIR": "/x"})) is None
    finding = hosts.no_runtime_folder(host(uid=1000))
    assert finding
    assert finding.env == {}


def test_limits_on_cgroup_v1(host: MakeHost) -> None:
    assert hosts.limits_ignored(host()) is None
    finding = hosts.limits_ignored(host(uid=1000))
    assert finding
    assert finding.no_limits
    assert not finding.obstacle.applied
    assert hosts.limits_ignored(host({"/sys/fs/cgroup/cgroup.controllers": "cpu"}, uid=1000)) is None


def test_a_users_own_conf_is_left_alone_and_said(host: MakeHost) -> None:
    here = host({"/sys/fs/cgroup/unified/cgroup.controllers": "hugetlb"}, env={"CONTAINERS_CONF": "/mine.conf"})
    findings = look_around(here)
    told = next(finding for finding in findings if "hybrid" in finding.obstacle.what)
    assert not told.obstacle.applied
    assert "/mine.conf" in told.obstacle.cure
    assert conf.compose(here, findings) == ""


def test_an_ordinary_host_has_no_private_conf(host: MakeHost, tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    here = host({"/opt/cni/bin/bridge": ""})
    assert look_around(here) == []
    assert conf.compose(here, []) == ""


def test_the_users_settings_stay_and_win(host: MakeHost, tmp_path: Path) -> None:
    home = tmp_path / "home"
    here = host(
        {
            "/sys/fs/cgroup/unified/cgroup.controllers": "hugetlb",
            "/usr/share/containers/containers.conf": '[containers]\ndefault_sysctls = ["a=1"]\n[engine]\nruntime = "y"',
            "/etc/containers/containers.conf": "[engine]\nnum_locks = 7\n",
            "/etc/containers/containers.conf.d/9.conf": '[engine.runtimes]\nodd = ["/usr/bin/odd"]\n',
            "/home/.config/containers/containers.conf": '[engine]\nruntime = "odd"\n',
        },
        uid=1000,
        env={"HOME": str(home)},
    )
    made = tomllib.loads(conf.compose(here, look_around(here)))
    assert made["engine"]["runtime"] == "odd"
    assert made["engine"]["num_locks"] == 7
    assert made["engine"]["runtimes"] == {"odd": ["/usr/bin/odd"]}
    assert made["containers"]["default_sysctls"] == ["a=1"]
    assert made["network"]["network_backend"] == "netavark"


_LEAVES = some.one_of(
    some.booleans(), some.integers(-(2**63), 2**63 - 1), some.text(), some.lists(some.text(), max_size=3)
)
_TREES = some.dictionaries(
    some.text(max_size=9),
    some.one_of(_LEAVES, some.dictionaries(some.text(max_size=9), _LEAVES, min_size=1)),
    max_size=6,
)


@given(_TREES)
def test_what_is_written_reads_back_the_same(tree: dict[str, object]) -> None:
    assert tomllib.loads("\n".join(conf._tables("", tree))) == tree


def test_write_leaves_the_same_alone_and_no_half_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "containers.conf"
    conf.write(file, "a")
    stamp = file.stat().st_mtime_ns
    conf.write(file, "a")
    assert file.stat().st_mtime_ns == stamp
    conf.write(file, "b")
    assert file.read_text() == "b"
    assert [one.name for one in file.parent.iterdir()] == ["containers.conf"]
