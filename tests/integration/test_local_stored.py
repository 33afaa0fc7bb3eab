"""What the local provider keeps, on the real engine: homes with their owners, images in archives and a registry."""

from __future__ import annotations

import base64
import io
import os
import secrets
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import local_kit
from vdictl.connect import archives, handing
from vdictl.contract.errors import AuthFailed, Conflict, NotFound, Unavailable, VdictlError
from vdictl.contract.model import Command, Image, Volume
from vdictl.contract.provider import Settings
from vdictl_local.provider import LocalProvider

pytestmark = pytest.mark.engine
ALICE = "alice"


@pytest.fixture(scope="module")
def module_bench(tmp_path_factory: pytest.TempPathFactory) -> local_kit.Bench:
    return local_kit.bench(tmp_path_factory.mktemp("state"))


@pytest.fixture
def bench(module_bench: local_kit.Bench) -> Iterator[local_kit.Bench]:
    mine = local_kit.Bench(engine=module_bench.engine, state_dir=module_bench.state_dir, image=module_bench.image)
    yield mine
    mine.sweep()


def run(command: Command) -> bytes:
    argv, environment = command.argv, dict(command.environment)
    done = subprocess.run(argv, env=environment, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bring(local: LocalProvider, bench: local_kit.Bench, name: str, archive: bytes) -> Volume:
    whose: dict[str, Any] = {"owner": ALICE, "fleet": bench.fleet, "token": secrets.token_hex(8)}
    archives.load(local.volume_import(name, **whose), io.BytesIO(archive), progress=lambda _: None)
    return local.volume_import_finish(name, **whose)


def archive(*members: tuple[str, int, int, str]) -> bytes:
    """Name, owner, mode, text each; without a member for the home itself."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, owner, mode, text in members:
            member = tarfile.TarInfo(name)
            member.uid, member.gid, member.mode, member.size = owner, owner, mode, len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return into.getvalue()


def test_owners_modes_and_links_go_out_and_in(bench: local_kit.Bench) -> None:
    local = bench.open()
    bring(local, bench, "one", archive(("roots", 0, 0o600, "not the user's")))
    one = bench.make(local)
    links = "ln a d/b; ln -s /etc/hosts l; touch $(printf '\\377')"
    bench.sh(local, one, f"cd; echo x > a; chmod 4751 a; mkdir -m 700 d; {links}")
    look = "cd; find . -printf '%p %U:%G %m %n %l\\n' | LC_ALL=C sort | cat -v"
    before = bench.sh(local, one, look)
    assert "./roots 0:0 600" in before and "./a 1000:1000 4751 2" in before
    local.delete(one)
    (home,) = local.volumes()
    whole = run(local.volume_export(home))
    bring(local, bench, "two", whole)
    two = bench.make(local, "two")
    assert bench.sh(local, two, look) == before


def test_an_archive_without_the_home_itself_leaves_it_to_the_user(bench: local_kit.Bench) -> None:
    local = bench.open()
    bring(local, bench, "one", archive(("note", 1000, 0o640, "hello")))
    one = bench.make(local)
    assert bench.sh(local, one, "cd; cat note; echo more > new; stat -c %U .") == "hellouser\n"


def test_a_home_that_no_desktop_has_had_can_be_measured_and_exported(bench: local_kit.Bench) -> None:
    local = bench.open()
    made = local.volume_create("one", owner=ALICE, fleet=bench.fleet, token="t1")
    (empty,) = local.volumes(measure=True)
    assert empty.size_bytes in (0, 4096)  # Docker cannot tell that nobody had it: the folder itself is measured
    run(local.volume_export(made))
    one = bench.make(local)
    bench.sh(local, one, "cd; head -c 300000 /dev/zero > zeros")  # it is the user's own
    (measured,) = local.volumes(measure=True)
    assert measured.size_bytes is not None and 300_000 <= measured.size_bytes < 400_000
    assert [one.size_bytes for one in local.volumes()] == [None]


def test_an_import_that_lives_is_no_stray_and_keeps_others_out(bench: local_kit.Bench) -> None:
    local, other = bench.open(), bench.open()
    whose: dict[str, Any] = {"owner": ALICE, "fleet": bench.fleet}
    command = local.volume_import("one", token="t1", **whose)
    assert list(other.strays()) == []
    child = subprocess.Popen(command.argv, env=dict(command.environment), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(archive(("note", 1000, 0o640, "x" * 9000))[:5000])
    child.stdin.flush()
    until(lambda: any(".copy." in name for name in bench.objects()))
    assert list(other.strays()) == []
    assert isinstance(local_kit.raises(lambda: other.volume_import("one", token="t2", **whose)), Conflict)
    child.kill()
    child.communicate()
    local.close()
    until(lambda: not any(".copy." in name for name in bench.objects()))  # its helper ends with it
    (stray,) = other.strays()
    assert stray.kind == "volume" and list(other.volumes()) == []
    bring(other, bench, "one", archive(("note", 1000, 0o640, "whole")))
    assert list(other.strays()) == []


def test_a_desktop_with_a_system_of_its_own_keeps_its_home(bench: local_kit.Bench) -> None:
    local = bench.open()
    one = bench.make(local, sudo=True)
    one = bench.settle(local, local.stop(one, token="t1", grace=1.0))
    made = local.volume_create("work", owner=ALICE, fleet=bench.fleet, token="t2")
    refused = local_kit.raises(lambda: local.volume_attach(one, made, token="t3"))
    assert refused.exit_code == 6 and local.desktop(one.key).home == "one"


def test_an_ephemeral_home_goes_when_another_comes(bench: local_kit.Bench) -> None:
    local = bench.open()
    one = bench.make(local, home="ephemeral")
    one = bench.settle(local, local.stop(one, token="t1", grace=1.0))
    made = local.volume_create("work", owner=ALICE, fleet=bench.fleet, token="t2")
    one = bench.settle(local, local.volume_attach(one, made, token="t3"))
    assert one.home == "work" and not [name for name in bench.objects() if ".scratch." in name]


# -- images -----------------------------------------------------------------------------------------------------------


def test_what_a_snapshot_or_a_container_needs_is_used(bench: local_kit.Bench) -> None:
    local = bench.open()
    tag = f"localhost/vdictl/minimal:{secrets.token_hex(6)}"  # as an earlier version would have called it
    bench.engine.run("tag", bench.image, tag)
    try:
        assert {one.id: one.used for one in local.images()}[tag] is any_container(bench)
        one = bench.make(local, image=tag)
        assert {one.id: one.used for one in local.images()}[tag] is True
        kept = bench.snapshot(local, one, "kept")
        local.delete(one)
        assert {one.id: one.used for one in local.images()}[tag] is True
        local.snapshot_delete(kept)
        if not any_container(bench):  # those of other tests need the same image
            local.image_delete(Image(id=tag, name="old", kind="custom"))
            assert tag not in {one.id for one in local.images()}
    finally:
        bench.engine.call("image", "rm", tag)


def any_container(bench: local_kit.Bench) -> bool:
    """Whether somebody else has one of the tiny image now."""
    return bool(bench.engine.run("ps", "--all", "--quiet", "--filter", f"ancestor={bench.image}").split())


#: Who may push to the test's registry; the hash is of these two alone.
USER, WORD = "pusher", "open sesame"
HASH = "pusher:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"
CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
auth: {{htpasswd: {{realm: tests, path: {folder}/users}}}}
http: {{addr: '127.0.0.1:{port}'}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """HOST:PORT of a real registry on this machine's loopback; it speaks plain HTTP, and wants a login."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("no registry is installed here (Debian: apt-get install docker-registry)")
    port = closed_port()
    (tmp_path / "users").write_text(f"{HASH}\n")
    (tmp_path / "config.yml").write_text(CONFIG.format(folder=tmp_path, port=port))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(tmp_path / "config.yml")], stdout=log, stderr=log)
    try:
        until(lambda: ask(f"127.0.0.1:{port}", "") == b"")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def ask(place: str, path: str) -> bytes | None:
    """What the registry answers to who may push; `None`: nothing yet."""
    login = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
    request = urllib.request.Request(f"http://{place}/v2/{path}", headers={"Authorization": f"Basic {login}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bytes(answer.read()).removeprefix(b"{}")
    except OSError:
        return None


def test_an_image_is_pushed_with_the_engines_own_login(bench: local_kit.Bench, registry: str, tmp_path: Path) -> None:
    if bench.engine.kind != "podman":
        pytest.skip("how a registry without TLS is allowed is Podman's; Docker's is the daemon's own file")
    (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
    own = {
        "CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf"),
        "REGISTRY_AUTH_FILE": str(tmp_path / "auth"),
    }
    (tmp_path / "auth").write_text("{}")
    environment = {**os.environ, **own}
    settings = Settings(fleet=bench.fleet, state_dir=tmp_path / "state", environment=environment)
    local = LocalProvider.open(settings, timeout=60.0)
    push = local.image_push(Image(id=bench.image, name="tiny", kind="custom"), f"{registry}/team/tiny:1")
    with pytest.raises(AuthFailed) as refused:
        handing.call(push, to=registry)
    assert f"podman login (or docker login) {registry}" in refused.value.advice
    argv = [bench.engine.binary, "login", "--username", USER, "--password-stdin", "--tls-verify=false", registry]
    subprocess.run(argv, input=WORD.encode(), env=environment, check=True, capture_output=True, timeout=60)
    handing.call(push, to=registry)
    assert b'"tags":["1"]' in (ask(registry, "team/tiny/tags/list") or b"")
    nobody = f"127.0.0.1:{closed_port()}/team/tiny:1"
    with pytest.raises(Unavailable):
        handing.call(local.image_push(Image(id=bench.image, name="tiny", kind="custom"), nobody), to=nobody)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Error: writing blob: unauthorized: authentication required", AuthFailed),
        ("denied: requested access to the resource is denied", AuthFailed),
        ("dial tcp: lookup registry.example: no such host", Unavailable),
        ("something else", VdictlError),
    ],
)
def test_what_a_registry_says_is_told_apart(said: str, kind: type[VdictlError]) -> None:
    command = Command(argv=("sh", "-c", 'echo "$1" >&2; exit 125', "sh", said))
    with pytest.raises(kind) as caught:
        handing.call(command, to="registry.example/x")
    assert type(caught.value) is kind and said in caught.value.details


def test_without_an_image_of_ours_a_home_is_not_moved(bench: local_kit.Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    local = bench.open()
    made = local.volume_create("one", owner=ALICE, fleet=bench.fleet, token="t1")
    monkeypatch.setattr("vdictl_local.images.any_of_ours", lambda _: None)  # others' images cannot be taken away
    told = local_kit.raises(lambda: local.volume_export(made))
    assert isinstance(told, NotFound) and "vdictl images build minimal" in told.advice


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
