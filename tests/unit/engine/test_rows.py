"""From the engines' JSON to nouns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from vdictl.engine import rows
from vdictl.engine.errors import EngineError
from vdictl.engine.objects import list_containers, list_images, snapshot_of_everything

from .conftest import FakeEngine

JSON_LABEL = '{"a":"x,y=z","b":[1,2]}'
# Shortened from `podman ps -a --format json` of Podman 4.3.1.
PODMAN_ROW: dict[str, Any] = {
    "CreatedAt": "3 minutes ago",
    "Exited": False,
    "ExitedAt": -62135596800,
    "ExitCode": 0,
    "Id": "444d92d5",
    "Image": "localhost/vdictl/xfce:1",
    "ImageID": "80d137ab",
    "Labels": {"vdictl.mark": JSON_LABEL},
    "Names": ["vdictl-a"],
    "Ports": [{"host_ip": "127.0.0.1", "container_port": 6080, "host_port": 41234, "range": 1, "protocol": "tcp"}],
    "StartedAt": 1795269956,
    "State": "running",
    "Created": 1795269956,
}
# Shortened from `docker container inspect` of Docker 20.10.
DOCKER_ROW: dict[str, Any] = {
    "Id": "e9aa",
    "Created": "2026-11-21T13:50:26.123456789Z",
    "State": {
        "Status": "exited",
        "ExitCode": 137,
        "StartedAt": "2026-11-21T13:50:27Z",
        "FinishedAt": "2026-11-21T14:00:00Z",
    },
    "Image": "sha256:80d1",
    "Name": "/vdictl-a",
    "Config": {"Image": "localhost/vdictl/xfce:1", "Labels": {"vdictl.mark": JSON_LABEL}},
    "NetworkSettings": {"Ports": {"6080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}], "53/udp": None}},
}


def test_podman_container() -> None:
    found = rows.container_from_podman(PODMAN_ROW)
    assert (found.id, found.name, found.state, found.exit_code) == ("444d92d5", "vdictl-a", "running", None)
    assert found.labels["vdictl.mark"] == JSON_LABEL
    assert found.ports == {6080: 41234}
    assert found.created == datetime.fromtimestamp(1795269956, UTC)
    assert found.image_id == "sha256:80d137ab"
    assert found.finished is None


def test_podman_container_that_ended() -> None:
    row = PODMAN_ROW | {"State": "stopped", "Exited": True, "ExitCode": 137, "ExitedAt": 1795270000, "Ports": None}
    found = rows.container_from_podman(row)
    assert (found.state, found.exit_code, found.ports) == ("exited", 137, {})
    assert found.finished == datetime.fromtimestamp(1795270000, UTC)


def test_docker_container() -> None:
    found = rows.container_from_inspect(DOCKER_ROW)
    assert (found.name, found.state, found.exit_code, found.ports) == ("vdictl-a", "exited", 137, {6080: 49153})
    assert found.labels["vdictl.mark"] == JSON_LABEL
    assert found.created == datetime(2026, 11, 21, 13, 50, 26, 123456, UTC)


def test_a_port_open_to_others_counts_and_a_foreign_address_does_not() -> None:
    port = PODMAN_ROW["Ports"][0]
    rows_of = [port | {"host_ip": "", "container_port": 1}, port | {"host_ip": "10.0.0.1", "container_port": 2}]
    assert rows.container_from_podman(PODMAN_ROW | {"Ports": rows_of}).ports == {1: 41234}


@pytest.mark.parametrize("word", ["created", "configured", "initialized"])
def test_podmans_own_words_for_created(word: str) -> None:
    assert rows.container_from_podman(PODMAN_ROW | {"State": word}).state == "created"


def test_a_word_nobody_knows_is_unknown() -> None:
    assert rows.container_from_podman(PODMAN_ROW | {"State": "dreaming"}).state == "unknown"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-11-21T13:50:26.123456789+01:00", datetime(2026, 11, 21, 12, 50, 26, 123456, UTC)),
        ("2026-11-21T13:50:26Z", datetime(2026, 11, 21, 13, 50, 26, tzinfo=UTC)),
        (1795269956, datetime.fromtimestamp(1795269956, UTC)),
        ("0001-01-01T00:00:00Z", datetime.fromtimestamp(0, UTC)),
        ("nonsense", datetime.fromtimestamp(0, UTC)),
        (None, datetime.fromtimestamp(0, UTC)),
        (-62135596800, datetime.fromtimestamp(0, UTC)),
    ],
)
def test_times_are_aware_and_utc(told: object, meant: datetime) -> None:
    got = rows.moment(told)
    assert got == meant
    assert got.utcoffset() == timedelta(0)


def test_docker_image_without_a_registry_digest_has_its_id() -> None:
    row = {"Id": "sha256:1", "RepoTags": ["a:1"], "RepoDigests": [], "Created": "2026-11-21T13:50:26Z", "Size": 5}
    assert rows.image_from_inspect(row).digest == "sha256:1"
    assert rows.image_from_inspect(row | {"RepoDigests": ["a@sha256:2"]}).digest == "sha256:2"


def test_the_filter_of_the_engine_is_checked(fake: FakeEngine) -> None:
    engine = fake("""echo '[{"Id":"1","Labels":{"k":"v"},"Created":1},{"Id":"2","Labels":{"k":"vv"},"Created":1}]'""")
    assert [one.id for one in list_images(engine, label="k=v")] == ["sha256:1"]
    assert len(list_images(engine, label="k")) == 2


def test_podman_is_asked_once_for_each_kind(fake: FakeEngine, tmp_path: Path) -> None:
    engine = fake(f'echo "$@" >> {tmp_path}/calls; echo "[]"')
    assert snapshot_of_everything(engine, "vdictl.fleet=x") == ([], [])
    calls = sorted((tmp_path / "calls").read_text().splitlines())
    assert calls == [
        "ps --all --no-trunc --format json --filter label=vdictl.fleet=x",
        "volume ls --format json --filter label=vdictl.fleet=x",
    ]


def test_docker_object_that_vanishes_between_two_calls_is_left_out(fake: FakeEngine) -> None:
    script = """case "$*" in
      *ps*) echo a; echo b;;
      *) echo '[{"Id":"a","Name":"/n","Created":"2026-11-21T13:50:26Z","State":{"Status":"running"}}]'
         echo "Error: No such container: b" >&2; exit 1;;
    esac"""
    assert [one.id for one in list_containers(fake(script, kind="docker"))] == ["a"]


def test_docker_without_anything_is_not_asked_twice(fake: FakeEngine, tmp_path: Path) -> None:
    engine = fake(f"echo x >> {tmp_path}/calls", kind="docker")
    assert list_containers(engine) == []
    assert (tmp_path / "calls").read_text() == "x\n"


def test_an_answer_that_is_not_json_is_an_error_with_its_text(fake: FakeEngine) -> None:
    with pytest.raises(EngineError) as caught:
        list_containers(fake("echo hello"))
    assert "hello" in caught.value.details
