"""Calls of an engine that is slow, hung, dying or talks nonsense."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.engine.conftest import FakeEngine
from vdictl.engine.engine import Engine
from vdictl.engine.errors import CommandFailed, EngineError, EngineHung, EngineMissing, EngineUnreachable, NoSuchObject
from vdictl.engine.redact import redact


def test_output_and_input_pass_whole(fake: FakeEngine) -> None:
    big = b"x" * 3_000_000  # more than a pipe holds, both ways
    assert fake("cat").run("anything", input=big) == big.decode()


def test_output_that_is_not_utf8_is_replaced(fake: FakeEngine) -> None:
    assert fake(r"printf 'a\377b'").run() == "a�b"


def test_only_the_given_environment_is_passed(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDICTL_TEST_LEAK", "leaked")
    assert "VDICTL_TEST_LEAK" not in fake("env").run()


def test_no_environment_at_all_still_finds_programs(fake: FakeEngine) -> None:
    binary = fake("env").binary
    assert "PATH=" in Engine("podman", binary, {}).run()


def test_hung_is_killed_with_its_children(fake: FakeEngine, tmp_path: Path) -> None:
    engine = fake(f"sh -c 'echo $$ > {tmp_path}/child; exec sleep 300'", timeout=0.5)
    begun = time.monotonic()
    with pytest.raises(EngineHung) as caught:
        engine.run("ps")
    assert time.monotonic() - begun < 4
    assert "0.5 s" in caught.value.brief
    assert caught.value.advice
    child = int((tmp_path / "child").read_text())
    _until(lambda: not _alive(child))


def test_hung_and_deaf_to_term_is_killed(fake: FakeEngine) -> None:
    engine = fake("trap '' TERM; while :; do sleep 0.1; done", timeout=0.3)
    begun = time.monotonic()
    with pytest.raises(EngineHung):
        engine.run("ps")
    assert 2 < time.monotonic() - begun < 8


def test_a_grandchild_that_keeps_the_output_open_does_not_hold_us(fake: FakeEngine) -> None:
    engine = fake("sleep 20 & echo done")  # as conmon does
    begun = time.monotonic()
    assert engine.run("run") == "done\n"
    assert time.monotonic() - begun < 5


def test_dying_by_a_signal_is_a_failure(fake: FakeEngine) -> None:
    with pytest.raises(CommandFailed) as caught:
        fake("kill -9 $$").run("ps")
    assert caught.value.exit_code == -9


def test_missing_and_not_executable(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing):
        Engine("podman", str(tmp_path / "none"), {}).run("ps")
    plain = tmp_path / "plain"
    plain.write_text("x")
    with pytest.raises(EngineMissing) as caught:
        Engine("podman", str(plain), {}).run("ps")
    assert "apt-get install podman" in caught.value.advice


def test_together_runs_at_the_same_time_and_keeps_the_order(fake: FakeEngine) -> None:
    begun = time.monotonic()
    assert fake('sleep "$1"; echo "$1"').together(["1"], ["0.1"], ["0.9"]) == ["1\n", "0.1\n", "0.9\n"]
    assert time.monotonic() - begun < 1.9


def test_together_ends_all_before_it_raises(fake: FakeEngine, tmp_path: Path) -> None:
    engine = fake(
        f'[ "$1" = bad ] && {{ echo "Error: no such container x" >&2; exit 1; }}; sleep 0.4; touch {tmp_path}/ok'
    )
    with pytest.raises(NoSuchObject):
        engine.together(["bad"], ["good"])
    assert (tmp_path / "ok").exists()


def test_settle_puts_each_failure_in_its_place(fake: FakeEngine) -> None:
    script = '[ "$1" = bad ] && { echo "Error: no such container x" >&2; exit 1; }; echo fine'
    good, bad = fake(script).settle(["good"], ["bad"])
    assert good == "fine\n"
    assert isinstance(bad, NoSuchObject)


def test_one_hung_of_several_ends_them_all(fake: FakeEngine) -> None:
    with pytest.raises(EngineHung):
        fake('sleep "$1"').together(["0"], ["300"], timeout=0.5)


@pytest.mark.parametrize("text", ["Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"])
def test_what_is_remembered_is_forgotten_when_it_does_not_answer(fake: FakeEngine, tmp_path: Path, text: str) -> None:
    facts = tmp_path / "engine.json"
    facts.write_text("{}")
    with pytest.raises(EngineUnreachable):
        fake(f"echo '{text}' >&2; exit 1", facts=facts).run("ps")
    assert not facts.exists()


def test_an_ordinary_failure_forgets_nothing(fake: FakeEngine, tmp_path: Path) -> None:
    facts = tmp_path / "engine.json"
    facts.write_text("{}")
    with pytest.raises(NoSuchObject):
        fake("echo 'Error: no such container x' >&2; exit 1", facts=facts).run("ps")
    assert facts.exists()


def test_no_descriptor_is_lost(fake: FakeEngine) -> None:
    engine = fake("exit 0", timeout=0.5)
    hung = Engine("podman", fake("sleep 60", kind="hung").binary, engine.env, 0.2)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        engine.together(["a"], ["b"])
    with pytest.raises(EngineHung):
        hung.run("x")
    with pytest.raises(EngineMissing):
        Engine("podman", "/none", {}).run("x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_interrupt_leaves_the_call_to_end_its_work(fake: FakeEngine, tmp_path: Path) -> None:
    """Ctrl-C on a terminal goes to the whole foreground group: our process dies of it, the engine's call does not."""
    engine = fake(f"touch {tmp_path}/begun; sleep 1; echo much; echo much >&2; touch {tmp_path}/ended")
    program = f"from vdictl.engine.engine import Engine; Engine('podman', {engine.binary!r}, {{}}).run('x')"
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        start_new_session=True,
        cwd=Path(__file__).parents[3],
        stderr=subprocess.DEVNULL,
    )
    _until((tmp_path / "begun").exists)
    os.killpg(child.pid, signal.SIGINT)
    child.wait(60)
    assert not (tmp_path / "ended").exists()
    _until((tmp_path / "ended").exists)


def test_popen_streams(fake: FakeEngine) -> None:
    with fake("cat; exit 7").popen("exec", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.communicate(b"abc", timeout=60)[0] == b"abc"
    assert child.returncode == 7


def test_popen_keeps_the_terminals_group_only_when_asked(fake: FakeEngine) -> None:
    for interactive in (True, False):
        with fake("cut -d' ' -f5 /proc/self/stat").popen("x", stdout=subprocess.PIPE, interactive=interactive) as child:
            group = int(child.communicate(timeout=60)[0])
        assert (group == os.getpgrp()) is interactive


def test_values_of_variables_are_not_shown(fake: FakeEngine) -> None:
    argv = ("run", "-e", "TOKEN=s3cret", "--env=B=s3cret", "--build-arg", "C=s3cret", "--name", "x")
    assert redact(argv) == ("run", "-e", "TOKEN=***", "--env=B=***", "--build-arg", "C=***", "--name", "x")
    for script in ("exit 1", "sleep 60"):
        with pytest.raises(EngineError) as caught:
            fake(script, timeout=0.3).run(*argv)
        assert "s3cret" not in f"{caught.value} {caught.value.details} {caught.value!r}"


def test_an_engine_does_not_show_its_environment() -> None:
    assert "s3cret" not in repr(Engine("podman", "/x", {"KEY": "s3cret"}))


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
