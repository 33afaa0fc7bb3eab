"""Arguments for each engine and host: what differs, and that no secret and no foreign option is among them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.local.local_things import mark
from vdictl.contract.errors import Invalid
from vdictl.contract.model import Mark
from vdictl.engine.engine import Engine, Kind, Traits
from vdictl.guest import FLAVORS
from vdictl_local import flags
from vdictl_local.names import Who
from vdictl_local.plans import Size


def argv(kind: Kind = "podman", *, what: Mark | None = None, flavor: str = "minimal", **traits: Any) -> list[str]:
    engine = Engine(kind, kind, {}, 1.0, Traits(**traits))
    plan = flags.Plan(
        mark=what or mark(),
        image="localhost/image",
        size=Size("local-1c-2gb", 1.0, 2048),
        flavor=FLAVORS[flavor],
        home="home-volume",
        token="t1",
        state="state-volume",
    )
    return flags.make(engine, plan, start=True)


def test_both_engines_get_the_same_but_for_what_only_one_knows() -> None:
    only = set(argv("podman")) ^ set(argv("docker"))
    assert only == {"--read-only-tmpfs=false", "k8s-file", "json-file"}


def test_hardened() -> None:
    words = argv()
    for flag in ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pull=never"):
        assert flag in words
    assert words[words.index("--publish") + 1] == "127.0.0.1::6080"
    assert words[words.index("--memory") + 1] == "2048m"
    assert "--privileged" not in words
    assert words[-1] == "localhost/image"


def test_only_what_a_flavor_needs() -> None:
    assert [word for word in argv(flavor="minimal") if word.startswith("--cap-add")] == []
    added = [word for word in argv(flavor="xfce") if word.startswith("--cap-add")]
    assert added == [f"--cap-add={name}" for name in FLAVORS["xfce"].cap_add]


def test_sudo_takes_the_engines_defaults_and_nothing_more() -> None:
    words = argv(what=mark(sudo=True))
    assert not {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--privileged"} & set(words)
    assert "--tmpfs" in words


def test_a_host_without_limits_or_ports() -> None:
    words = argv(limits=False, ports=False)
    assert not {"--memory", "--cpus", "--pids-limit", "--publish"} & set(words)
    assert words[words.index("--network") + 1] == "none"


def test_environment() -> None:
    words = argv(what=mark(options={"geometry": "1024x768"}, inputs={"env:SECRET": "abcd1234"}))
    given = {words[number + 1].partition("=")[0] for number, word in enumerate(words) if word == "--env"}
    assert given == {"VDICTL_KEY", "VDICTL_GEOMETRY", "VDICTL_INPUTS"}


def test_a_container_bears_no_open_operation() -> None:
    from tests.unit.local.local_things import operation
    from vdictl.contract import mark as marks
    from vdictl_local import names

    words = argv(what=mark(operation("create")))
    text = next(word for word in words if word.startswith(f"{names.MARK}="))
    assert marks.decode(names.unpack(text.partition("=")[2])).operation is None


@pytest.mark.parametrize("text", ["", "big", "0x0", "1x1", "99999x10", "800x600;x", "-800x600", "800x600\n"])
def test_no_screen_size(text: str) -> None:
    with pytest.raises(Invalid):
        flags.check_geometry(text)


def test_the_helper_has_no_network_and_few_rights() -> None:
    engine = Engine("podman", "podman", {}, 1.0, Traits())
    who = Who("default", "alice", "one")
    words = flags.copy(engine, who, key="k", token="t", source="a", target="b", image="i")
    assert words[words.index("--network") + 1] == "none"
    assert "a:/from:ro" in words
    assert "--cap-drop=ALL" in words
    assert {"--read-only", "--security-opt=no-new-privileges"} <= set(words)
