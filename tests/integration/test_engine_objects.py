"""The engine room against the real Podman and the real Docker: objects, errors, a build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.engine_rooms import Room, docker_room, finish, give_base, podman_room, recipe
from vdictl.engine import errors
from vdictl.engine.base import BASE_TAG
from vdictl.engine.build import ensure_started
from vdictl.engine.objects import (
    image_id,
    inspect_container,
    inspect_image,
    inspect_volume,
    list_containers,
    list_images,
    list_volumes,
    snapshot_of_everything,
)

pytestmark = pytest.mark.engine

MARK = json.dumps({"labels": {"a": "x,y=z"}, "text": 'quote " and \\ and ü'})


@pytest.fixture(scope="module", params=["podman", "docker"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    with podman_room() if request.param == "podman" else docker_room() as made:
        give_base(made)
        yield made


def test_containers_and_volumes_with_their_labels_whole(room: Room) -> None:
    run = ["run", "--detach", "--label", f"vdictl.mark={MARK}", "--label", "vdictl.t=1"]
    room.engine.run(*run, "--name", "one", "--publish", "127.0.0.1::6080", BASE_TAG, "sleep", "60")
    room.engine.run(*run, "--name", "two", BASE_TAG, "sh", "-c", "exit 3")
    room.engine.run("create", "--name", "foreign", "--label", "vdictl.t=11", BASE_TAG, "true")
    room.engine.run("volume", "create", "--label", "vdictl.t=1", "home")
    room.engine.run("wait", "two")
    containers, volumes = snapshot_of_everything(room.engine, "vdictl.t=1")
    by_name = {one.name: one for one in containers}
    assert set(by_name) == {"one", "two"}
    assert by_name["one"].state == "running"
    assert by_name["one"].exit_code is None
    assert (by_name["two"].state, by_name["two"].exit_code) == ("exited", 3)
    (port,) = by_name["one"].ports.items()
    assert port[0] == 6080
    assert room.engine.run("port", "one", "6080/tcp").strip() == f"127.0.0.1:{port[1]}"
    for one in containers:
        assert one.labels["vdictl.mark"] == MARK
    for created in (*(one.created for one in containers), *(one.created for one in volumes)):
        assert abs(created - datetime.now(UTC)) < timedelta(minutes=5)
    assert {one.name for one in list_containers(room.engine, label=f"vdictl.mark={MARK}")} == {"one", "two"}
    assert list_containers(room.engine, label="vdictl.mark=x,y") == []
    assert [one.name for one in volumes] == [one.name for one in list_volumes(room.engine)] == ["home"]
    assert {one.name for one in list_containers(room.engine)} == {"one", "two", "foreign"}
    # The same things by inspect, which is another form of the same facts.
    for name, listed in by_name.items():
        seen = inspect_container(room.engine, name)
        assert (seen.id, seen.state, seen.exit_code, seen.ports) == (
            listed.id,
            listed.state,
            listed.exit_code,
            listed.ports,
        )
        assert (seen.labels["vdictl.mark"], seen.image_id) == (MARK, listed.image_id)
        assert abs(seen.created - listed.created) < timedelta(seconds=2)
    assert inspect_volume(room.engine, "home").labels == volumes[0].labels
    room.engine.run("rm", "--force", "one", "two", "foreign")
    room.engine.run("volume", "rm", "home")


def test_images(room: Room) -> None:
    (base,) = [one for one in list_images(room.engine) if BASE_TAG in one.tags]
    assert base.id == image_id(room.engine, BASE_TAG) == inspect_image(room.engine, BASE_TAG).id
    assert base.digest.startswith("sha256:")
    assert 30_000_000 < base.size_bytes < 400_000_000
    assert image_id(room.engine, "localhost/vdictl/none:1") is None


def test_each_error_is_told_apart(room: Room) -> None:
    run = room.engine.run
    run("run", "--detach", "--name", "busy", "--volume", "vol:/v", BASE_TAG, "sleep", "600")
    run("create", "--name", "idle", BASE_TAG, "true")
    cases: list[tuple[type[errors.EngineError], list[str]]] = [
        (errors.NoSuchObject, ["start", "nope"]),
        (errors.NoSuchObject, ["volume", "rm", "nope"]),
        (errors.NoSuchObject, ["container", "inspect", "nope"]),
        (errors.NameTaken, ["create", "--name", "busy", BASE_TAG, "true"]),
        (errors.Busy, ["volume", "rm", "vol"]),
        (errors.Busy, ["rm", "busy"]),
        (errors.Busy, ["rmi", BASE_TAG]),
        (errors.NotRunning, ["exec", "idle", "true"]),
        (errors.ImageMissing, ["create", "--pull=never", "localhost/vdictl/none:1"]),
    ]
    if room.engine.kind == "podman":  # Docker has no export, and creating a volume twice is no error to it
        cases += [(errors.NoSuchObject, ["volume", "export", "nope"]), (errors.NameTaken, ["volume", "create", "vol"])]
    got = {" ".join(argv): type(room.engine.settle(argv)[0]) for _, argv in cases}
    run("rm", "--force", "busy", "idle")
    run("volume", "rm", "vol")
    assert got == {" ".join(argv): kind for kind, argv in cases}


def test_an_image_is_built_with_progress(room: Room, tmp_path: Path) -> None:
    context = recipe("localhost/vdictl/o1:1", "RUN echo hello; sleep 1.5", "COPY Containerfile /there")
    status, texts = finish(room, context, tmp_path)
    assert status.state == "done", status
    assert any("setting up" in text and "hello" in text for text in texts)
    assert room.engine.run("run", "--rm", context.tag, "cat", "/there").startswith("ARG BASE")
    assert inspect_image(room.engine, context.tag).labels["vdictl.build"] == "localhost/vdictl/o1"
    room.engine.run("rmi", context.tag)
    assert [one for one in list_images(room.engine) if not one.tags] == []


def test_a_build_that_fails_says_why_and_leaves_nothing(room: Room, tmp_path: Path) -> None:
    context = recipe("localhost/vdictl/o2:1", "RUN true", "RUN echo the last words; exit 7")
    status, _ = finish(room, context, tmp_path)
    assert status.state == "failed"
    assert "7" in status.reason
    assert "the last words" in status.tail
    assert not ensure_started(room.engine, context, state_dir=tmp_path).started_now
    assert [one for one in list_images(room.engine) if not one.tags] == []
