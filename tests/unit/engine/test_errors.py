"""The texts of the engines, as they print them, and the errors that they stand for."""

from __future__ import annotations

import pytest

from vdictl.engine import errors
from vdictl.engine.errors import translate

PODMAN = [
    ('Error: no container with name or ID "nope" found: no such container', errors.NoSuchObject),
    ('Error: inspecting object: no such object: "nope"', errors.NoSuchObject),
    ('Error: no volume with name "nope" found: no such volume', errors.NoSuchObject),
    ("Error: inspecting object: no such volume nope", errors.NoSuchObject),
    ("Error: no such volume nope", errors.NoSuchObject),
    ("Error: nope: image not known", errors.NoSuchObject),
    ("Error: unable to find network with name or ID nope: network not found", errors.NoSuchObject),
    ('Error: no secret with name or id "nope": no such secret', errors.NoSuchObject),
    ('Error: container "nope" does not exist', errors.NoSuchObject),
    (
        'Error: short-name "nope/nope:1" did not resolve to an alias and no unqualified-search registries are defined'
        ' in "/etc/containers/registries.conf"',
        errors.ImageMissing,
    ),
    (
        "Trying to pull localhost/none:1...\n"
        'time="2026-01-01T00:00:00Z" level=warning msg="Failed, retrying in 1s ... (1/3). Error: initializing source"\n'
        "Error: initializing source docker://localhost/none:1: pinging container registry localhost: Get"
        ' "https://localhost/v2/": dial tcp 127.0.0.1:443: connect: connection refused',
        errors.ImageMissing,
    ),
    (
        "Error: initializing source docker://debian:12: pinging container registry example.org: Get"
        ' "https://example.org/v2/": dial tcp: lookup example.org: no such host',
        errors.RegistryUnreachable,
    ),
    (
        'Error: creating container storage: the container name "a" is already in use by 0123. You have to remove that'
        " container to be able to reuse that name: that name is already in use",
        errors.NameTaken,
    ),
    ("Error: volume with name a already exists: volume already exists", errors.NameTaken),
    ("Error: volume a is being used by the following container(s): 0123: volume is being used", errors.Busy),
    (
        "Error: cannot remove container 0123 as it is running - running or paused containers cannot be removed without"
        " force: container state improper",
        errors.Busy,
    ),
    ("Error: image used by 0123: image is in use by a container: consider listing external containers", errors.Busy),
    (
        "Error: can only create exec sessions on running containers: container state improper",
        errors.NotRunning,
    ),
    (
        'Error: unable to connect to Podman socket: Get "http://d/v4.3.1/libpod/_ping": dial unix /nope.sock: connect:'
        " no such file or directory",
        errors.EngineUnreachable,
    ),
    ("Error: OCI runtime error: crun: cgroups in hybrid mode not supported, drop all", errors.HostLacks),
    (
        "Error: runc: runc create failed: unable to start container process: error during container init: error setting"
        " rlimits for ready process: error setting rlimit type 7: operation not permitted: OCI permission denied",
        errors.HostLacks,
    ),
    ("Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied", errors.HostLacks),
    (
        'Error: /usr/bin/slirp4netns failed: "open(\\"/dev/net/tun\\"): Permission denied\\nchild failed(1)\\n"',
        errors.HostLacks,
    ),
    ("Error: writing blob: storing blob to file: write /var/tmp/x: no space left on device", errors.DiskFull),
    (
        'Error: database storage graph driver "vfs" does not match our storage graph driver "overlay": database'
        " configuration mismatch",
        errors.EngineUnreachable,
    ),
    ("Error: unrecognized command `podman bogus`\n\nTry 'podman --help' for more information", errors.CommandFailed),
]

DOCKER = [
    ("Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?", errors.EngineUnreachable),
    (
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
        errors.EngineUnreachable,
    ),
    ("Error response from daemon: No such container: nope", errors.NoSuchObject),
    ("Error: No such container: nope", errors.NoSuchObject),
    ("Error response from daemon: get nope: no such volume", errors.NoSuchObject),
    ("Error: No such image: nope", errors.ImageMissing),
    (
        'docker: Error response from daemon: Conflict. The container name "/a" is already in use by container "0123".'
        " You have to remove (or rename) that container to be able to reuse that name.",
        errors.NameTaken,
    ),
    ("Error response from daemon: remove a: volume is in use - [0123]", errors.Busy),
    (
        "Error response from daemon: You cannot remove a running container 0123. Stop the container before attempting"
        " removal or force remove",
        errors.Busy,
    ),
    (
        'Error response from daemon: conflict: unable to remove repository reference "a" (must force) - container 0123'
        " is using its referenced image",
        errors.Busy,
    ),
    ("Error response from daemon: Container 0123 is not running", errors.NotRunning),
    ("Error response from daemon: Container 0123 is paused, unpause the container before exec", errors.NotRunning),
    (
        'Error response from daemon: could not select device driver "cdi" with capabilities: [[gpu]]',
        errors.HostLacks,
    ),
]


@pytest.mark.parametrize(("text", "kind"), PODMAN + DOCKER)
def test_each_text_has_its_error(text: str, kind: type[errors.EngineError]) -> None:
    error = translate(("podman", "x"), 125, text)
    assert type(error) is kind
    assert error.brief
    assert "level=warning" not in error.brief


def test_the_brief_is_the_sentence_without_prefixes() -> None:
    error = translate(("docker", "rm", "nope"), 1, "Error response from daemon: No such container: nope\n")
    assert error.brief == "No such container: nope"
    assert "docker rm nope (exit code 1)" in error.details


def test_a_warning_does_not_decide() -> None:
    text = 'time="x" level=warning msg="no such container y"\nError: volume already exists'
    assert type(translate(("podman",), 125, text)) is errors.NameTaken


def test_a_missing_image_is_another_thing_where_it_was_to_be_run() -> None:
    text = "Error: localhost/a:1: image not known"
    assert type(translate(("podman", "create", "localhost/a:1"), 125, text)) is errors.ImageMissing
    assert type(translate(("podman", "image", "inspect", "localhost/a:1"), 125, text)) is errors.NoSuchObject


def test_silence_names_the_exit_code() -> None:
    assert "exit code 3" in translate(("podman", "x"), 3, "").brief


def test_every_error_tells_what_to_do_or_is_the_callers_to_explain() -> None:
    for text, kind in PODMAN + DOCKER:
        if kind in (errors.EngineUnreachable, errors.DiskFull, errors.HostLacks, errors.RegistryUnreachable):
            assert translate(("podman",), 1, text).advice, text
