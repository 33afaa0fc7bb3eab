"""Each flag of the hardening, as the engine reports it and as a program inside meets it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration import local_kit
from tests.integration.engine_rooms import docker_room, give_base
from vdictl.contract.mark import inputs_digest
from vdictl.contract.model import Desktop
from vdictl_local.provider import LocalProvider

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=["here", "docker"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_kit.Bench]:
    """On this machine's engine, and on a Docker of our own."""
    if request.param == "docker":
        with docker_room() as room:
            give_base(room)
            yield local_kit.bench(room.state, room.env)
        return
    bench = replace(local_kit.bench(tmp_path_factory.mktemp("state")), fleet=f"t-{secrets.token_hex(4)}")
    yield bench
    bench.sweep()


@pytest.fixture(scope="module")
def local(bench: local_kit.Bench) -> LocalProvider:
    return bench.open()


@pytest.fixture(scope="module")
def hard(bench: local_kit.Bench, local: LocalProvider) -> Desktop:
    return bench.make(local, "hard")


@pytest.fixture(scope="module")
def soft(bench: local_kit.Bench, local: LocalProvider) -> Desktop:
    return bench.make(local, "soft", sudo=True)


def inspect(bench: local_kit.Bench, desktop: Desktop) -> Any:
    return json.loads(bench.engine.run("container", "inspect", desktop.id))[0]


def status(bench: local_kit.Bench, local: LocalProvider, desktop: Desktop) -> dict[str, str]:
    text = bench.sh(local, desktop, "cat /proc/self/status")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def test_the_system_is_read_only(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    assert inspect(bench, hard)["HostConfig"]["ReadonlyRootfs"] is True
    for place in ("/x", "/etc/x", "/usr/x", "/var/x", "/home/x", "/dev/x"):
        assert bench.sh(local, hard, f"touch {place} 2>/dev/null && echo written || echo refused") == "refused\n", place
    assert bench.sh(local, hard, "for p in /tmp /dev/shm ~; do touch $p/x && echo ok; done") == "ok\nok\nok\n"
    options = {line.split()[1]: line.split()[3] for line in bench.sh(local, hard, "cat /proc/mounts").splitlines()}
    for place in ("/tmp", "/run"):
        assert {"nosuid", "nodev"} <= set(options[place].split(",")), options[place]


def test_no_rights(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    seen = status(bench, local, hard)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(seen[name], 16) == 0, name
    assert seen["NoNewPrivs"] == "1"
    assert seen["Uid"].split() == ["1000"] * 4
    assert seen["Seccomp"] == "2"


def test_limits(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    if not bench.engine.traits.limits:
        pytest.skip("this host enforces no limits")
    told = inspect(bench, hard)["HostConfig"]
    assert told["Memory"] == 256 * 1024 * 1024
    assert told["PidsLimit"] == 4096
    assert told["NanoCpus"] > 0 or told["CpuQuota"] > 0
    assert told["ShmSize"] == 256 * 1024 * 1024
    assert "shm" in bench.sh(local, hard, "df -m /dev/shm | tail -1")


def test_loopback_only(bench: local_kit.Bench, hard: Desktop) -> None:
    if not bench.engine.traits.ports:
        assert inspect(bench, hard)["HostConfig"]["NetworkMode"] == "none"
        return
    bindings = inspect(bench, hard)["NetworkSettings"]["Ports"]["6080/tcp"]
    assert [one["HostIp"] for one in bindings] == ["127.0.0.1"]
    assert list(inspect(bench, hard)["NetworkSettings"]["Ports"]) == ["6080/tcp"]


def test_nothing_of_the_host_is_inside(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    told = inspect(bench, hard)
    assert {one["Destination"] for one in told["Mounts"]} == {"/home/user", "/var/lib/vdictl"}
    assert {one["Type"] for one in told["Mounts"]} == {"volume"}
    assert told["HostConfig"]["Privileged"] is False
    assert told["HostConfig"]["PidMode"] in {"", "private"}
    assert told["HostConfig"]["IpcMode"] in {"", "private", "shareable"}
    assert bench.sh(local, hard, "hostname") == "hard\n"
    assert bench.sh(local, hard, "ls /run/secrets 2>/dev/null | wc -l") == "0\n"


def test_no_secret_can_be_inspected(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    endpoints = local.endpoints(hard)
    secrets_inside = [one.reveal() for e in endpoints for one in (e.token, e.password) if one is not None]
    assert secrets_inside
    text = bench.engine.run("container", "inspect", hard.id) + bench.engine.run("ps", "--all", "--format", "json")
    text += "".join(bench.engine.run("volume", "inspect", name) for name in bench.objects() if ".state." in name)
    assert not [one for one in secrets_inside if one in text]
    assert not re.search(r"(?i)password=|token=a-token", text)
    assert not [one for one in secrets_inside if one in repr(endpoints)]


def test_sudo_says_what_it_gives_up(bench: local_kit.Bench, local: LocalProvider, soft: Desktop) -> None:
    told = inspect(bench, soft)["HostConfig"]
    assert told["ReadonlyRootfs"] is False
    assert told["Privileged"] is False
    assert status(bench, local, soft)["NoNewPrivs"] == "0"
    assert status(bench, local, soft)["Uid"].split() == ["1000"] * 4
    assert "--sudo" in soft.facts["system"]
    assert "read-only" in local.desktop(soft.key).facts["system"] or "writable" in soft.facts["system"]


def test_the_helper_of_a_copy_is_hard_too(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    bench.sh(local, hard, "head -c 200M /dev/urandom > ~/big")
    local.snapshot_create(hard, "s", token="s1")
    told = json.loads(bench.engine.run("container", "inspect", f"{hard.id}.copy.s1"))[0]
    assert told["HostConfig"]["ReadonlyRootfs"] is True
    assert told["HostConfig"]["NetworkMode"] == "none"
    sources = {one["Destination"]: one["RW"] for one in told["Mounts"]}
    assert sources == {"/from": False, "/to": True}
    rights = {name.removeprefix("CAP_") for name in told.get("EffectiveCaps") or told["HostConfig"]["CapAdd"]}
    assert rights == {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETFCAP"}
    bench.settle(local, local.desktop(hard.key))


def test_options_reach_the_guest(bench: local_kit.Bench, local: LocalProvider) -> None:
    expires = datetime(2040, 1, 2, 3, 4, 5, tzinfo=UTC)
    more: dict[str, Any] = {"options": {"geometry": "1024x768"}, "expires": expires, "inputs": {"env:FOO": "12345678"}}
    desktop = bench.make(local, "told", **more)
    given = set(inspect(bench, desktop)["Config"]["Env"])
    assert {
        "VDICTL_GEOMETRY=1024x768",
        f"VDICTL_EXPIRES={int(expires.timestamp())}",
        f"VDICTL_KEY={desktop.key}",
    } <= given
    digest = inputs_digest(desktop.spec or bench.spec())
    assert f"VDICTL_INPUTS={digest}" in given
    assert local.desktop(desktop.key).expires == expires


def test_doors(bench: local_kit.Bench, local: LocalProvider, hard: Desktop) -> None:
    vnc, http = local.endpoints(hard)
    assert (vnc.kind, vnc.primary, vnc.direct) == ("vnc", True, False)
    assert (http.kind, http.host, http.direct) == ("http", "127.0.0.1", bench.engine.traits.ports)
    assert local.tunnel(hard, vnc).argv[-2:] == ("vdictl-guest", "rfb")
    assert local.exec(hard, ["vdictl-guest", "probe"]).argv[-3:] == (hard.id, "vdictl-guest", "probe")
    assert local.exec(hard, ["id"], tty=True).argv[-4:] == ("vdictl-guest", "run", "--", "id")
    assert local.idle_seconds(hard) == 1.5
    assert local.logs(hard, tail=5).argv[-3:] == ("--tail", "5", hard.id)
