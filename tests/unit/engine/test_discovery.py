"""Which engine is taken, what is remembered, and when it is forgotten."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from vdictl.engine.discovery import discover, open_engine
from vdictl.engine.errors import EngineHung, EngineMissing, EngineUnreachable

PODMAN_INFO = json.dumps(
    {
        "host": {
            "cgroupVersion": "v2",
            "cgroupControllers": ["cpu", "memory", "pids"],
            "security": {"rootless": False},
        },
        "store": {"graphDriverName": "overlay"},
        "version": {"Version": "5.4.0"},
    }
)
DOCKER_INFO = json.dumps(
    {
        "ServerVersion": "28.2.2",
        "CgroupVersion": "2",
        "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"],
        "MemoryLimit": True,
        "CpuCfsQuota": True,
        "PidsLimit": True,
    }
)


class Machine:
    """A PATH with pretended engines, each of which counts its calls."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.state = folder / "state"
        self.bin.mkdir()
        self.env = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(folder)}
        # The real engines of the machine that runs the test are out of sight.
        self.env["PATH"] = str(self.bin)
        for tool in ("cat", "echo", "sh", "sleep"):
            (self.bin / tool).symlink_to(f"/bin/{tool}")

    def install(self, name: str, script: str) -> None:
        program = self.bin / name
        program.write_text(f"#!/bin/sh\necho x >> {self.bin}/{name}.calls\n{script}\n")
        program.chmod(0o755)

    def calls(self, name: str) -> int:
        file = self.bin / f"{name}.calls"
        return len(file.read_text().split()) if file.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def podman(machine: Machine, info: str = PODMAN_INFO) -> None:
    machine.install("podman", f"cat <<'END'\n{info}\nEND")


def docker(machine: Machine, info: str = DOCKER_INFO, address: str = "tcp://far:1") -> None:
    script = f"case $1 in context) echo '{address}';; *) cat <<'END'\n{info}\nEND\n;; esac"
    machine.install("docker", script)


def test_podman_goes_before_docker(machine: Machine) -> None:
    podman(machine)
    docker(machine)
    engine = open_engine(machine.env, state_dir=machine.state)
    assert (engine.kind, engine.traits.version, engine.traits.cgroup_version) == ("podman", "5.4.0", "2")
    assert [one.kind for one in discover(machine.env, state_dir=machine.state)] == ["podman", "docker"]


def test_docker_is_taken_where_podman_does_not_answer(machine: Machine) -> None:
    machine.install("podman", "echo 'Error: broken' >&2; exit 125")
    docker(machine)
    engine = open_engine(machine.env, state_dir=machine.state)
    assert (engine.kind, engine.traits.rootless) == ("docker", True)


def test_prefer_binds(machine: Machine) -> None:
    podman(machine)
    docker(machine)
    assert open_engine(machine.env, state_dir=machine.state, prefer="docker").kind == "docker"
    machine.install("podman", "exit 1")
    with pytest.raises(EngineUnreachable):
        open_engine(machine.env, state_dir=machine.state, prefer="podman")


def test_prefer_may_be_a_path(machine: Machine, tmp_path: Path) -> None:
    podman(machine)
    elsewhere = tmp_path / "my-podman"
    (machine.bin / "podman").rename(elsewhere)
    assert open_engine(machine.env, state_dir=machine.state, prefer=str(elsewhere)).binary == str(elsewhere)


def test_none_installed(machine: Machine) -> None:
    with pytest.raises(EngineMissing) as caught:
        open_engine(machine.env, state_dir=machine.state)
    assert "apt-get install podman" in caught.value.advice
    assert discover(machine.env, state_dir=machine.state) == []


def test_none_answers_names_each_and_its_reason(machine: Machine) -> None:
    machine.install("podman", "echo 'Error: the moon is full' >&2; exit 125")
    machine.install("docker", "echo 'Cannot connect to the Docker daemon at unix:///x. Is it running?' >&2; exit 1")
    with pytest.raises(EngineUnreachable) as caught:
        open_engine(machine.env, state_dir=machine.state)
    assert "the moon is full" in caught.value.details
    assert "Cannot connect" in caught.value.details
    assert "systemctl start docker" in caught.value.advice


@pytest.mark.parametrize("answer", ["hello", "[]", "null", "", "{", '{"host": 3}'])
def test_garbage_is_no_engine(machine: Machine, answer: str) -> None:
    machine.install("podman", f"echo '{answer}'")
    (found,) = discover(machine.env, state_dir=machine.state)
    assert not found.answers
    assert found.error


def test_a_hung_engine_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdictl.engine.discovery._LOOK_SECONDS", 0.3)
    machine.install("podman", "sleep 60")
    (found,) = discover(machine.env, state_dir=machine.state)
    assert isinstance(found.error, EngineHung)


def test_podmans_stand_in_for_docker_is_not_docker(machine: Machine) -> None:
    docker(machine, info='{"host": {}, "version": {"Version": "4.3.1"}}')
    (found,) = discover(machine.env, state_dir=machine.state)
    assert not found.answers


def test_what_was_found_costs_no_call_later(machine: Machine) -> None:
    podman(machine)
    first = open_engine(machine.env, state_dir=machine.state)
    before = machine.calls("podman")
    again = open_engine(machine.env, state_dir=machine.state)
    assert machine.calls("podman") == before
    assert (again.traits, again.env, again.binary) == (first.traits, first.env, first.binary)


@pytest.mark.parametrize("change", ["binary", "variable", "memory gone", "memory damaged", "conf gone", "new engine"])
def test_a_change_makes_it_look_again(machine: Machine, change: str) -> None:
    if change == "new engine":
        docker(machine)
    else:
        podman(machine)
    open_engine(machine.env, state_dir=machine.state)
    name = "docker" if change == "new engine" else "podman"
    before = machine.calls(name)
    if change == "binary":
        podman(machine, PODMAN_INFO.replace("5.4.0", "5.4.1"))
        os.utime(machine.bin / "podman", ns=(1, 1))
    elif change == "variable":
        machine.env["XDG_RUNTIME_DIR"] = "/run/x"
    elif change == "memory gone":
        (machine.state / "engine.json").unlink()
    elif change == "memory damaged":
        (machine.state / "engine.json").write_text('{"signature": ')
    elif change == "conf gone":
        conf = machine.state / "containers.conf"
        if not conf.exists():
            pytest.skip("this host needs no cure, so there is no private containers.conf to lose")
        conf.unlink()
    else:
        podman(machine)
    engine = open_engine(machine.env, state_dir=machine.state)
    if change == "new engine":
        assert engine.kind == "podman"
    else:
        assert machine.calls(name) > before


def test_a_state_folder_that_cannot_be_written_is_no_obstacle(machine: Machine) -> None:
    docker(machine)
    machine.state.write_text("a file where a folder should be")
    assert open_engine(machine.env, state_dir=machine.state).kind == "docker"


def test_a_docker_that_stopped_listening_is_not_believed(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    docker(machine, address=f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        open_engine(machine.env, state_dir=machine.state)
        before = machine.calls("docker")
        open_engine(machine.env, state_dir=machine.state)
        assert machine.calls("docker") == before
    machine.install("docker", "echo 'Cannot connect to the Docker daemon at unix:///x.' >&2; exit 1")
    with pytest.raises(EngineUnreachable):
        open_engine(machine.env, state_dir=machine.state)


def test_docker_on_another_machine_is_told(machine: Machine) -> None:
    docker(machine)
    (found,) = discover({**machine.env, "DOCKER_HOST": "ssh://far"}, state_dir=machine.state)
    assert any("another machine" in one.what for one in found.obstacles)


def test_limits_that_are_not_delegated_are_told(machine: Machine) -> None:
    info = json.loads(PODMAN_INFO)
    info["host"]["cgroupControllers"] = ["memory", "pids"]
    podman(machine, json.dumps(info))
    engine = open_engine(machine.env, state_dir=machine.state)
    assert not engine.traits.limits
