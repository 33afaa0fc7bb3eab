"""Where an engine's address leads, and which engine a variable means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.engine.test_discovery import PODMAN_INFO, Machine, docker, podman
from vdictl.engine import remote
from vdictl.engine.discovery import discover, open_engine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("", ""),
        ("unix:///run/podman/podman.sock", ""),
        ("npipe:////./pipe/docker_engine", ""),
        ("/run/docker.sock", ""),
        ("ssh://me@far.example:2222/run/podman.sock", "me@far.example:2222"),
        ("ssh://far", "far"),
        ("ssh://me:secret@far", "me@far"),
        ("tcp://127.0.0.1:2375", "127.0.0.1:2375"),
        ("tcp://[::1]:2375", "[::1]:2375"),
    ],
)
def test_the_place_of_an_address(address: str, place: str) -> None:
    assert remote.far(address) == place


def test_an_address_that_is_none_shows_no_password() -> None:
    assert remote.far("ssh://me:secret@far:port") == "far:port"


def far_podman(machine: Machine, connections: str = "[]") -> None:
    info = json.loads(PODMAN_INFO)
    info["host"] |= {"serviceIsRemote": True, "cpus": 64, "memTotal": 256 << 30, "arch": "arm64"}
    words = f"cat <<'END'\n{json.dumps(info)}\nEND"
    machine.install("podman", f"case $1 in system) echo '{connections}';; *) {words}\n;; esac")


def test_a_podman_over_ssh_is_far_and_of_its_machines_size(machine: Machine) -> None:
    far_podman(machine)
    env = {**machine.env, "CONTAINER_HOST": "ssh://me@far/run/podman.sock"}
    engine = open_engine(env, state_dir=machine.state)
    traits = engine.traits
    assert (traits.remote, traits.cpus, traits.memory_mib, traits.arch) == ("me@far", 64, 256 * 1024, "arm64")
    assert open_engine(env, state_dir=machine.state).traits == traits  # also as remembered
    assert not (machine.state / "containers.conf").exists()  # what this host lacks is nothing to that one


@pytest.mark.parametrize("chosen", ["", "other"])
def test_a_connection_of_podmans_own_is_far_too(machine: Machine, chosen: str) -> None:
    rows = [
        {"Name": "usual", "URI": "ssh://me@usual/x", "Default": True},
        {"Name": "other", "URI": "ssh://me@other/x", "Default": False},
    ]
    far_podman(machine, json.dumps(rows))
    env = machine.env | ({"CONTAINER_CONNECTION": chosen} if chosen else {})
    assert open_engine(env, state_dir=machine.state).traits.remote == f"me@{chosen or 'usual'}"


def test_the_engine_that_a_variable_names_is_meant_and_no_other(machine: Machine) -> None:
    podman(machine)
    docker(machine)
    env = {**machine.env, "DOCKER_HOST": "ssh://me@far"}
    assert open_engine(env, state_dir=machine.state).kind == "docker"
    assert open_engine(env, state_dir=machine.state, prefer="podman").kind == "podman"
    assert open_engine({**env, "CONTAINER_HOST": "ssh://me@far/x"}, state_dir=machine.state).kind == "podman"
    here = {**machine.env, "DOCKER_HOST": "unix:///run/podman/podman.sock"}  # usual beside Podman
    assert open_engine(here, state_dir=machine.state).kind == "podman"
    (machine.bin / "docker").unlink()
    assert open_engine(env, state_dir=machine.state).kind == "podman"  # it has no use for Docker's variable


def test_what_is_far_is_told_as_something_that_vdictl_deals_with(machine: Machine) -> None:
    docker(machine)
    (found,) = discover({**machine.env, "DOCKER_HOST": "ssh://far"}, state_dir=machine.state)
    (told,) = found.obstacles
    assert told.applied and "vdictl connect" in told.cure and found.traits.remote == "far"
