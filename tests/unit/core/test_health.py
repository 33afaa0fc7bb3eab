"""The ladder, what the first boot waits for, builds of images, and the doctor's walk."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.unit.core.worlds import FakeProbes, World
from vdictl.contract.capabilities import SupportsDoctor
from vdictl.contract.errors import Invalid, Partial, TimedOut, Unavailable, VdictlError
from vdictl.contract.model import Desktop, DesktopSpec, Health, Hop, Secret
from vdictl.core import diagnosing
from vdictl.core.building import build_image
from vdictl.core.creating import Until
from vdictl.core.health import Ladder
from vdictl.core.inputs import Inputs, deliver
from vdictl.core.sameness import differences, elder


def climb(world: World, desktop: Desktop, **given: bool) -> Health:
    return Ladder(world.at, world.probes, world.clock).climb(desktop, **given)


def inside(world: World, desktop: Desktop, *words: str) -> None:
    """Run something inside for real."""
    command = world.at.provider.exec(desktop, list(words))  # type: ignore[attr-defined]
    subprocess.run(command.argv, check=True)


def test_all_rungs_in_their_order(whole_world: World) -> None:
    desktop = whole_world.create().desktop
    health = climb(whole_world, desktop)
    assert health.usable is True and health.failing is None
    assert [r.name for r in health.rungs] == ["exists", "runs", "display", "handshake", "window manager", "frame"]
    assert all(rung.seconds is not None for rung in health.rungs[2:])


def test_a_window_manager_that_is_gone_is_the_rung_that_fails(whole_world: World) -> None:
    desktop = whole_world.create().desktop
    inside(whole_world, desktop, "vdictl-guest", "break", "window_manager")
    health = climb(whole_world, desktop)
    assert health.usable is False and health.failing is not None and health.failing.name == "window manager"
    whole_world.operator().restart(desktop)
    assert climb(whole_world, whole_world.at.provider.desktop(desktop.key)).usable is True


def test_what_does_not_run_is_not_climbed(world: World) -> None:
    stopped = world.operator().stop(world.create().desktop, grace=1)
    health = climb(world, stopped)
    assert health.usable is False and [r.name for r in health.rungs] == ["exists", "runs"]
    pending = world.create("other", until=Until.BEGUN).desktop
    assert climb(world, pending).failing.name == "runs"  # type: ignore[union-attr]


def test_while_waiting_the_first_rung_that_fails_is_enough(world: World) -> None:
    desktop = world.create().desktop
    world.probes.handshake = False
    assert [r.name for r in climb(world, desktop, to_the_end=False).rungs][-1] == "frame"
    assert len(climb(world, desktop).rungs) == 6


def test_no_endpoint_is_neither_usable_nor_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = world.create().desktop
    monkeypatch.setattr(world.at.provider, "endpoints", lambda _: [])
    assert climb(world, desktop).usable is None
    made = world.create()
    assert made.health is not None and made.health.usable is None  # and the create succeeds


def test_endpoints_that_cannot_be_had_are_a_rung(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = world.create().desktop

    def refuse(_: Desktop) -> Iterable[object]:
        raise Unavailable("the engine hangs")

    monkeypatch.setattr(world.at.provider, "endpoints", refuse)
    health = climb(world, desktop)
    assert health.usable is False and health.failing is not None and health.failing.detail == "the engine hangs"


def test_a_probe_that_gives_no_answer_is_the_display_that_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = world.create().desktop

    def hang(command: object, *, stdin: bytes = b"", timeout: float) -> None:
        world.clock.advance(timeout)
        raise Unavailable("No answer from inside the desktop within 10 seconds.")

    monkeypatch.setattr("vdictl.core.running.answer", hang)
    failing = climb(world, desktop).failing
    assert failing is not None and failing.name == "display"
    assert failing.seconds == pytest.approx(10)


# -- inputs -----------------------------------------------------------------------------------------------------------


def test_hashes_tell_the_same_from_another_and_nothing_else() -> None:
    one, other = Inputs(env={"A": Secret("x")}, setup=Secret("y")), Inputs(env={"A": Secret("z")}, setup=Secret("y"))
    assert one.marks("d") == one.marks("d") and set(one.marks("d")) == {"env:A", "setup"}
    assert one.marks("d")["env:A"] != other.marks("d")["env:A"]
    assert one.marks("d") != one.marks("another desktop")  # equal values of two desktops do not show as equal
    assert all(len(text) == 8 for text in one.marks("d").values())
    assert "x" not in repr(one)


def test_who_has_other_values_must_not_deliver_them(whole_world: World) -> None:
    inputs = Inputs(env={"A": Secret("x")})
    desktop = whole_world.create(inputs=inputs, until=Until.BEGUN).desktop
    assert desktop.spec is not None
    for wrong in (None, Inputs(), Inputs(env={"A": Secret("other")}), Inputs(env={"B": Secret("x")})):
        with pytest.raises(Partial):
            deliver(whole_world.at, desktop, desktop.spec, wrong)


def test_the_setup_runs_inside_with_the_variables_and_once(whole_world: World) -> None:
    inputs = Inputs(env={"WHOM": Secret("world")}, setup=Secret('echo "hello $WHOM" >> greeting'))
    world = whole_world
    desktop = world.create(inputs=inputs).desktop
    assert desktop.spec is not None
    deliver(world.at, desktop, desktop.spec, inputs)  # again: the guest knows the hash
    (greeting,) = world.cloud.store.root().rglob("greeting")
    assert greeting.read_text() == "hello world\n"


def test_a_setup_that_fails_ends_the_create_with_its_reason(whole_world: World) -> None:
    with pytest.raises(VdictlError) as caught:
        whole_world.create(inputs=Inputs(setup=Secret("exit 7")), timeout=600)
    assert "first boot" in caught.value.brief and "7" in caught.value.brief


# -- sameness ---------------------------------------------------------------------------------------------------------


def test_only_what_is_given_now_is_compared() -> None:
    then = DesktopSpec(name="a", owner="o", plan="p", packages=("x",), options={"b": "2", "a": "1"})
    assert differences(then, DesktopSpec(name="a", owner="o")) == []
    assert differences(then, replace(then, options={"a": "1", "b": "2"})) == []
    found = differences(then, DesktopSpec(name="a", owner="o", packages=("y",), sudo=True, home="none"))
    assert {(d.option, d.then, d.now) for d in found} == {
        ("packages", "x", "y"),
        ("sudo", "nothing", "True"),
        ("home", "nothing", "none"),
    }


def test_the_older_one_wins_and_ties_go_to_the_smaller_id(world: World) -> None:
    desktop = world.create().desktop
    same = replace(desktop, id="a")
    older = replace(desktop, id="z", created=desktop.created.replace(year=2000))
    assert elder([desktop, same]) is same
    assert elder([desktop, same, older]) is older


# -- builds -----------------------------------------------------------------------------------------------------------


def test_a_build_is_followed_to_its_end(world: World) -> None:
    work = build_image(world.context, world.at, "code", timeout=60)
    assert work.done and 9 < world.clock.monotonic() < 15
    begun = world.clock.monotonic()
    assert build_image(world.context, world.at, "code", timeout=60).done
    assert world.clock.monotonic() == begun  # built already


def test_a_build_that_takes_longer_goes_on(world: World) -> None:
    with pytest.raises(TimedOut) as caught:
        build_image(world.context, world.at, "code", timeout=5)
    assert caught.value.advice == "The build goes on. Wait for it: vdictl images build code"
    assert build_image(world.context, world.at, "code", timeout=60).done


def test_a_failed_build_is_begun_again_only_when_told(world: World) -> None:
    world.cloud.arm("build-fails")
    with pytest.raises(VdictlError, match="could not be built"):
        build_image(world.context, world.at, "code", timeout=60)
    with pytest.raises(VdictlError) as caught:
        build_image(world.context, world.at, "code", timeout=60)
    assert "--retry" in caught.value.advice
    assert build_image(world.context, world.at, "code", retry=True, timeout=60).done


def test_a_build_survives_passing_faults(world: World) -> None:
    world.cloud.arm("unavailable", "build_image", times=3)
    assert build_image(world.context, world.at, "code", timeout=60).done
    world.cloud.arm("reply-lost", "image_build", times=5)
    assert build_image(world.context, world.at, "xfce", timeout=60).done
    with pytest.raises(Invalid):
        build_image(world.context, world.at, "no-such-flavor", timeout=60)


# -- doctor -----------------------------------------------------------------------------------------------------------


def walk(world: World, only: str = "") -> dict[tuple[str, str], diagnosing.Finding]:
    found = list(diagnosing.walk(world.context, world.probes, only))
    return {(finding.provider, finding.hop.name): finding for finding in found}


def test_every_hop_is_told_and_all_is_well(world: World) -> None:
    world.create()
    world.operator().stop(world.create("other").desktop, grace=1)
    found = walk(world, "memory")
    assert {key: finding.level for key, finding in found.items()} == {
        ("", "vdictl"): "ok",
        ("", "config"): "ok",
        ("", "state"): "ok",
        ("memory", "engine"): "ok",
        ("memory", "list"): "ok",
        ("memory", "desktop desktop"): "ok",
        ("memory", "desktop other"): "ok",
    }
    assert found["memory", "desktop other"].hop.detail == "stopped"
    assert diagnosing.worst(found.values()) == 0


def test_a_provider_that_nobody_asked_for_is_a_warning_at_most(world: World) -> None:
    found = walk(world)
    assert found["local", "engine"].level == "warn" and diagnosing.worst(found.values()) == 0
    named = walk(world, "local")
    assert named["local", "engine"].level == "fail" and diagnosing.worst(named.values()) == 5


def test_refused_credentials_are_a_failure(world: World) -> None:
    world.cloud.arm("auth-failed", "any", times=1000)
    found = walk(world)
    assert found["memory", "engine"].level == "fail" and diagnosing.worst(found.values()) == 5


def test_a_desktop_that_is_not_usable_names_the_rung(world: World) -> None:
    world.create()
    world.probes = FakeProbes(handshake=False)
    found = walk(world, "memory")
    hop = found["memory", "desktop desktop"].hop
    assert hop.ok is False and hop.detail == "handshake: told so" and "restart" in hop.cure
    assert diagnosing.worst(found.values()) == 1


def test_an_unfinished_one_is_a_warning_with_the_way_on(world: World) -> None:
    world.create(until=Until.BEGUN)
    hop = walk(world, "memory")["memory", "desktop desktop"].hop
    assert hop.ok is None and "vdictl wait desktop" in hop.cure


def test_the_providers_own_hops_are_told_and_their_trouble_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = world.at.provider
    able = replace(world.at.manifest, capabilities=world.at.manifest.capabilities | {SupportsDoctor.__name__})
    world.context._open["memory"] = replace(world.at, manifest=able)
    hops = [Hop(name="disk", ok=False, detail="full", cure="free some"), Hop(name="limits", ok=None)]
    monkeypatch.setattr(provider, "hops", lambda: hops, raising=False)
    found = walk(world, "memory")
    assert (found["memory", "disk"].level, found["memory", "limits"].level) == ("fail", "warn")

    def broken() -> Iterable[Hop]:
        yield hops[1]
        raise Unavailable("the engine hangs")

    monkeypatch.setattr(provider, "hops", broken)
    found = walk(world, "memory")
    assert found["memory", "examination"].level == "fail" and found["memory", "limits"].level == "warn"


def test_a_state_folder_that_cannot_be_written_is_a_warning(world: World) -> None:
    world.context.state_dir = world.folder / "config.toml" / "under-a-file"
    assert walk(world, "memory")["", "state"].level == "warn"


def test_an_unknown_provider_is_refused_before_anything_is_told(world: World) -> None:
    with pytest.raises(Invalid):
        next(diagnosing.walk(world.context, world.probes, "third"))
