"""The local provider on Docker: one whole life of a desktop of the real smallest flavor, by the real command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.front import Vdictl
from tests.integration import whole_life
from tests.integration.engine_rooms import Room, docker_room, give_image
from vdictl.engine.objects import list_images
from vdictl.guest import context

pytestmark = pytest.mark.engine


@pytest.fixture
def room() -> Iterator[Room]:
    with docker_room() as made:
        image = context("minimal").tag
        if not give_image(made, image):
            pytest.skip(f"this machine's Podman has no {image} to copy (vdictl images build minimal)")
        yield made


def test_a_whole_life_on_docker_leaves_nothing(room: Room, tmp_path: Path) -> None:
    named = {name: room.env[name] for name in ("DOCKER_HOST", "VDICTL_ENGINE")}
    vdictl = Vdictl(tmp_path, env={**named, "VDICTL_OWNER": "me"})
    vdictl.config.write_text("")
    images = list_images(room.engine)
    found = {hop["name"]: hop for hop in vdictl.ok("doctor", "-p", "local", "-o", "json").data}
    assert found["engine"]["detail"].startswith("docker ")

    whole_life.live(vdictl)

    assert room.engine.run("ps", "--all", "--quiet") == ""
    assert room.engine.run("volume", "ls", "--quiet") == ""
    assert list_images(room.engine) == images
