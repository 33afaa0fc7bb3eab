"""Where the base image comes from, and what is said where it can't be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from vdictl.engine import base, sources
from vdictl.engine.base import BASE_TAG, ensure_base
from vdictl.engine.engine import Engine
from vdictl.engine.errors import BuildFailed

from .conftest import FakeEngine

PUBLIC = "docker.io/library/debian:bookworm-slim"


def script(folder: Path, *, here: str = "none", pull: str = "exit 1") -> str:
    """An engine that has the images `here`, pulls as told, and writes down its calls."""
    return f"""echo "$@" >> {folder}/calls
    case "$1" in
      image) case " {here} " in *" $5 "*) echo sha256:1;; *) echo "Error: $5: image not known" >&2; exit 125;; esac;;
      pull) {pull};;
    esac"""


class Way:
    """What was said on the way to the base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        (folder / "log").touch()

    def take(self, engine: Engine) -> str:
        return ensure_base(engine, PUBLIC, work=self.folder / "work", log=self.folder / "log", say=self.said.append)

    @property
    def calls(self) -> str:
        return (self.folder / "calls").read_text()


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(tmp_path)


def test_ours_is_taken_as_it_is(fake: FakeEngine, way: Way, tmp_path: Path) -> None:
    assert way.take(fake(script(tmp_path, here=BASE_TAG))) == BASE_TAG
    assert "pull" not in way.calls


def test_the_public_one_that_is_here_is_tagged(fake: FakeEngine, way: Way, tmp_path: Path) -> None:
    assert way.take(fake(script(tmp_path, here=PUBLIC))) == BASE_TAG
    assert f"tag {PUBLIC} {BASE_TAG}" in way.calls
    assert "pull" not in way.calls


def test_where_a_registry_answers_it_is_pulled(fake: FakeEngine, way: Way, tmp_path: Path) -> None:
    assert way.take(fake(script(tmp_path, pull="exit 0"))) == BASE_TAG
    assert f"pull {PUBLIC}" in way.calls
    assert f"tag {PUBLIC} {BASE_TAG}" in way.calls


@pytest.fixture
def not_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_release", lambda _file: {"ID": "fedora"})


@pytest.mark.usefixtures("not_debian")
def test_elsewhere_than_on_debian_the_cure_is_named(fake: FakeEngine, way: Way, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        way.take(fake(script(tmp_path, pull='echo "Error: dial tcp: lookup x: no such host" >&2; exit 125')))
    assert "not a Debian" in caught.value.brief
    assert "podman load" in caught.value.advice
    assert "no such host" in (tmp_path / "log").read_text(), "why the registry gave nothing is kept"


@pytest.mark.usefixtures("not_debian")
def test_a_registry_that_is_silent_is_given_up(
    fake: FakeEngine, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_ANSWER_SECONDS", 0.3)
    with pytest.raises(BuildFailed):
        way.take(fake(script(tmp_path, pull="echo Trying to pull; sleep 60")))
    assert "no answer within" in (tmp_path / "log").read_text()


def test_a_registry_that_is_slow_but_speaks_is_waited_for(
    fake: FakeEngine, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_ANSWER_SECONDS", 0.3)
    assert way.take(fake(script(tmp_path, pull="echo Copying blob sha256:1; sleep 1"))) == BASE_TAG


def test_without_mmdebstrap_the_cure_is_named(
    fake: FakeEngine, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_release", lambda _file: {"ID": "debian", "VERSION_CODENAME": "bookworm"})
    engine = fake(script(tmp_path))
    engine = Engine(engine.kind, engine.binary, {"PATH": str(tmp_path)})
    (tmp_path / "sleep").symlink_to("/bin/sleep")
    with pytest.raises(BuildFailed) as caught:
        way.take(engine)
    assert "apt-get install mmdebstrap" in caught.value.advice


def test_mmdebstrap_that_fails_shows_its_last_words(
    fake: FakeEngine, way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_release", lambda _file: {"ID": "debian", "VERSION_CODENAME": "bookworm"})
    monkeypatch.setattr(sources, "debian_only", lambda *_: "Types: deb\n")
    tool = tmp_path / "mmdebstrap"
    tool.write_text('#!/bin/sh\necho "E: the mirror is gone"; touch "$TMPDIR/rest"; exit 25\n')
    tool.chmod(0o755)
    engine = fake(script(tmp_path))
    engine = Engine(engine.kind, engine.binary, {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    with pytest.raises(BuildFailed) as caught:
        way.take(engine)
    assert "exit code 25" in caught.value.brief
    assert "the mirror is gone" in caught.value.details
    assert not (tmp_path / "work").exists(), "what is passing is removed"


def test_an_address_with_a_password_stays_out_of_the_image(tmp_path: Path) -> None:
    tool = tmp_path / "apt-config"
    lines = [
        'Acquire::http::Proxy "http://proxy.example:3142";',
        'Acquire::https::Proxy "http://me:s3cret@proxy.example";',
        'Acquire::Languages "none";',
        'Acquire::Check-Valid-Until "false";',
    ]
    tool.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(lines) + "\nEND\n")
    tool.chmod(0o755)
    assert base._apt_options({"PATH": f"{tmp_path}:/bin:/usr/bin"}) == [lines[0], lines[3]]
