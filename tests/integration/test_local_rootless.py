"""Rootless Podman: an ordinary user's whole life with a desktop, by the real command and the real smallest flavor."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.integration import whole_life
from tests.integration.ordinary_user import Ordinary, ordinary_user
from vdictl.guest import context

pytestmark = pytest.mark.engine
IMAGE = context("minimal").tag


@pytest.fixture
def vdictl() -> Iterator[Ordinary]:
    with ordinary_user() as made:
        found = {hop["name"]: hop for hop in made("doctor", "-p", "local", "-o", "json").data}
        if found["engine"]["level"] != "ok":
            pytest.skip(f"rootless Podman does not work here: {found['engine']['detail']}")
        assert "rootless" in found["engine"]["detail"]
        print(found["network"]["detail"])
        made.ok("list")  # which keeps what was found
        if subprocess.run(["podman", "image", "exists", IMAGE], check=False).returncode != 0:
            pytest.skip(f"root's Podman has no {IMAGE} to copy (vdictl images build minimal)")
        with subprocess.Popen(["podman", "save", IMAGE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saving:
            assert saving.stdout is not None
            made.podman("load", stdin=saving.stdout.fileno())
        yield made


def test_a_whole_life_of_an_ordinary_users_desktop_leaves_nothing(vdictl: Ordinary) -> None:
    whole_life.live(vdictl)

    assert vdictl.podman("ps", "--all", "--external", "--quiet") == ""
    assert vdictl.podman("volume", "ls", "--quiet") == ""
    assert vdictl.podman("secret", "ls", "--quiet") == ""
    assert vdictl.podman("images", "--all", "--format", "{{.Repository}}:{{.Tag}}").split() == [IMAGE]
