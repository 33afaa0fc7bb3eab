"""What `doctor` says of engines, with stand-ins for their programs: which fails, which warns, and the cure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vdictl.contract.model import Hop
from vdictl.contract.provider import Settings
from vdictl.engine.candidate import Candidate, Obstacle
from vdictl.engine.engine import Traits
from vdictl.engine.errors import EngineUnreachable
from vdictl_local import doctor
from vdictl_local.provider import LocalProvider

Tell = Callable[..., list[Hop]]


def candidate(*, kind: str = "podman", answers: bool = True, **given: object) -> Candidate:
    return Candidate(kind=kind, binary=f"/usr/bin/{kind}", answers=answers, **given)  # type: ignore[arg-type]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tell:
    """The hops where these engines are found; what needs a real one is left out."""

    def tell(*candidates: Candidate) -> list[Hop]:
        monkeypatch.setattr(doctor, "discover", lambda *_, **__: list(candidates))
        monkeypatch.setattr(doctor, "_image", lambda *_: Hop(name="image", ok=True, detail="is here"))
        monkeypatch.setattr(doctor, "_disk", lambda *_, **__: Hop(name="disk", ok=True))
        monkeypatch.setattr("vdictl_local.gpu.devices", list)
        return list(doctor.hops(Settings(state_dir=tmp_path), timeout=5))

    return tell


def test_the_one_that_answers_is_used_and_the_silence_of_another_is_a_warning(told: Tell) -> None:
    silent = EngineUnreachable("the daemon does not answer", advice="Start it, or see `vdictl doctor`.")
    hops = told(candidate(kind="docker", answers=False, error=silent), candidate(traits=Traits(version="4.3.1")))
    assert [(hop.name, hop.ok) for hop in hops] == [
        ("docker", None),
        ("podman", True),
        ("network", True),
        ("limits", True),
        ("image", True),
        ("disk", True),
    ]
    assert "4.3.1" in hops[1].detail and "is used" in hops[1].detail
    assert hops[0].cure == "Start it."  # not: see doctor


def test_none_that_answers_is_a_failure_with_all_its_obstacles(told: Tell) -> None:
    obstacle = Obstacle(what="no newuidmap", evidence="not installed", cure="apt-get install uidmap", applied=False)
    error = EngineUnreachable("cannot map users")
    hops = told(candidate(answers=False, error=error, obstacles=(obstacle,)))
    assert [(hop.name, hop.ok) for hop in hops] == [("podman", False), ("host", False)]
    assert hops[1].cure == "apt-get install uidmap"


def test_no_engine_at_all_has_no_hops_of_its_own(told: Tell) -> None:
    assert told() == []  # `check` says what to install


def test_what_vdictl_cures_by_itself_is_told_and_is_no_trouble(told: Tell) -> None:
    cured = Obstacle(what="hybrid control groups", evidence="a file", cure='runtime = "runc"', applied=True)
    left = Obstacle(what="storage is slow", evidence="vfs", cure="podman system reset", applied=False)
    hops = [hop for hop in told(candidate(obstacles=(cured, left))) if hop.name == "host"]
    assert [hop.ok for hop in hops] == [True, None]
    assert 'by itself: runtime = "runc"' in hops[0].detail


def test_what_a_host_cannot_give_is_a_warning(told: Tell) -> None:
    hops = {hop.name: hop for hop in told(candidate(traits=Traits(ports=False, limits=False, rootless=True)))}
    assert hops["network"].ok is None and "internet" in hops["network"].detail
    assert hops["limits"].ok is None and "rootless" in hops["podman"].detail


def test_a_program_that_is_no_engine_is_told_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "podman").write_text("#!/bin/sh\necho strange; exit 3\n")
    (tmp_path / "podman").chmod(0o755)
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    provider = LocalProvider.open(Settings(environment=environment, state_dir=tmp_path / "state"), timeout=5)
    hops = list(provider.hops())
    assert hops[0].name == "podman" and hops[0].ok is False


@pytest.mark.parametrize(
    ("free", "needed", "ok"), [(9 << 30, 4 << 30, True), (1 << 30, 4 << 30, None), (1, 1 << 30, False)]
)
def test_little_space_warns_and_none_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, needed: int, ok: bool | None
) -> None:
    class FakeEngine:
        kind = "podman"
        traits = Traits()

        def run(self, *_: str) -> str:
            return f"{tmp_path}\n"

    usage = type("Usage", (), {"free": free})()
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert doctor._disk(FakeEngine(), needed=needed).ok is ok  # type: ignore[arg-type]
