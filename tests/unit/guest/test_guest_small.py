"""The guest's small parts: settings, access, expiry, environment, bridge, probe, supervisor."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vdictl.guest import inside as _inside  # noqa: F401 - the package itself must import nothing
from vdictl.guest.inside import access, bridge, environment, expiry, init, main, places, probe, records, x11
from vdictl.guest.inside.services import Service, services
from vdictl.guest.inside.settings import Settings
from vdictl.guest.inside.supervisor import Supervisor


def test_access_is_made_once_and_does_not_print(inside: Path) -> None:
    first = access.ensure()
    assert access.ensure() == first
    assert repr(first) == "Access(***)"
    assert len(first.token) >= 43
    assert len(first.password) == 8
    assert places.ACCESS.stat().st_mode & 0o777 == 0o600
    places.ACCESS.write_text("{}")  # lost halfway: another one, never an empty one
    assert access.ensure().token != first.token


@pytest.mark.parametrize(("text", "value"), [("never", None), ("", None), (" 1900000000\n", 1900000000)])
def test_expiry_reads(text: str, value: int | None) -> None:
    assert expiry.parse(text) == value


@pytest.mark.parametrize("text", ["0", "-5", "tomorrow", "1e9", "9" * 20, "1.5"])
def test_expiry_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        expiry.parse(text)


def test_expiry_is_seeded_once(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDICTL_EXPIRES", "1900000000")
    expiry.seed()
    assert expiry.read() == 1900000000
    expiry.write(None)
    expiry.seed()  # a restart brings the old time in the environment, and it does not count
    assert expiry.read() is None
    places.EXPIRES.write_text("garbage")
    assert expiry.read() is None  # nothing is halted by mistake


def test_settings_take_no_nonsense(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDICTL_KEY", "a;b")
    monkeypatch.setenv("VDICTL_GEOMETRY", "1x1; -listen tcp")
    made = Settings.from_environment()
    assert (made.key, made.geometry) == (Settings.key, Settings.geometry)
    monkeypatch.setenv("VDICTL_KEY", "k-1")
    monkeypatch.setenv("VDICTL_GEOMETRY", "1920x1080")
    made = Settings.from_environment()
    assert (made.key, made.geometry) == ("k-1", "1920x1080")
    made.keep()
    monkeypatch.delenv("VDICTL_KEY")
    assert Settings.load() == made


def test_session_environment(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDICTL_KEY", "k")
    records.write_json(places.ENVIRONMENT, {"FRUIT": "fig", "DISPLAY": ":9", "bad name": "x", "EDITOR": "nano"})
    env = environment.session("xfce")
    assert env["FRUIT"] == "fig"
    assert env["DISPLAY"] == ":0"  # what belongs to the desktop stays
    assert env["XDG_MENU_PREFIX"] == "xfce-"
    assert "bad name" not in env
    assert not [name for name in env if name.startswith("VDICTL_")]
    assert "DISPLAY" not in environment.session("code") or os.environ.get("DISPLAY")


@settings(deadline=None, max_examples=25)
@given(st.lists(st.binary(min_size=1, max_size=300_000), max_size=4), st.binary(max_size=300_000))
def test_bridge_carries_bytes_both_ways(sent: list[bytes], answer: bytes) -> None:
    ours, theirs = socket.socketpair()
    source, feed = os.pipe()
    sink, drain = os.pipe()
    seen: list[bytes] = []

    def other_side() -> None:
        got = bytearray()
        while data := theirs.recv(65536):  # until the half close
            got += data
        seen.append(bytes(got))
        theirs.sendall(answer)
        theirs.close()

    def feeder() -> None:
        for part in sent:
            os.write(feed, part) if len(part) < 4096 else _write_all(feed, part)
        os.close(feed)

    def carrier() -> None:
        bridge.carry(source, drain, ours)
        os.close(drain)

    threads = [threading.Thread(target=target) for target in (other_side, feeder, carrier)]
    for thread in threads:
        thread.start()
    back = bytearray()
    while data := os.read(sink, 65536):
        back += data
    for thread in threads:
        thread.join(10)
    for end in (source, sink):
        os.close(end)
    ours.close()
    assert seen == [b"".join(sent)]
    assert bytes(back) == answer


def _write_all(end: int, data: bytes) -> None:
    while data:
        data = data[os.write(end, data) :]


def test_probe_without_anything(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "X_SOCKET", inside / "none")
    monkeypatch.setattr(places, "PAGE_PORT", 1)
    monkeypatch.setenv("VDICTL_FLAVOR", "xfce")
    now = probe.probe()
    assert not now["display"]["ok"]
    assert not now["window_manager"]["ok"]
    assert not now["page"]["ok"]
    assert now["inputs"]["ok"]
    assert now["idle_seconds"] is None
    monkeypatch.setenv("VDICTL_FLAVOR", "code")
    now = probe.probe()
    assert now["display"] is None
    assert not now["code"]["ok"]


def test_a_silent_or_odd_display_is_an_error_in_time(inside: Path) -> None:
    path = inside / "X0"
    for words in (b"", b"\0\0\0\0\0\0\0\0", b"nonsense", b"\1\0\13\0\0\0\xff\xff"):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()

            def speak(server: socket.socket = server, words: bytes = words) -> None:
                link, _ = server.accept()
                link.sendall(words)
                time.sleep(0.4)
                link.close()

            thread = threading.Thread(target=speak)
            thread.start()
            began = time.monotonic()
            with pytest.raises(x11.XError):
                x11.XConnection(path, timeout=0.2)
            assert time.monotonic() - began < 5
            thread.join()
        path.unlink()


def test_home_is_prepared_gently(inside: Path) -> None:
    home = inside / "home"
    init.prepare_home(home, "xfce")
    assert (home / ".bashrc").exists() == Path("/etc/skel/.bashrc").exists()
    (home / ".bashrc").write_text("mine")
    lock = home / ".config/chromium/SingletonLock"
    lock.parent.mkdir(parents=True)
    lock.symlink_to("elsewhere-123")
    init.prepare_home(home, "xfce")
    assert (home / ".bashrc").read_text() == "mine"
    assert not lock.is_symlink()


@pytest.mark.parametrize("flavor", ["xfce", "minimal", "code"])
def test_no_secret_is_in_an_argument(inside: Path, flavor: str) -> None:
    secret = access.ensure()
    for service in services(Settings(flavor=flavor), lambda: True):
        assert secret.token not in " ".join(service.argv)
        assert secret.password not in " ".join(service.argv)
        assert not {secret.token, secret.password} & set(service.env().values())


def keep_running(supervisor: Supervisor, seconds: float, until: list[str] | None = None, sign: str = "") -> None:
    """Do what process 1 does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(supervisor.step(), 0.02))
        for pid, status in init.reap():
            supervisor.ended(pid, status)
        if until is not None and any(sign in line for line in until):
            return


def service(name: str, script: str, **more: object) -> Service:
    return Service(name=name, argv=("sh", "-c", script), env=lambda: dict(os.environ), **more)  # type: ignore[arg-type]


def test_supervisor_starts_again_with_growing_pauses(tmp_path: Path) -> None:
    out = tmp_path / "out"
    supervisor = Supervisor([service("one", f"echo x >> {out}; exit 3")], lambda line: None)
    keep_running(supervisor, 1.0)
    assert 2 <= out.read_text().count("x") <= 4  # after 0, 0.1 and 0.4 s


def test_supervisor_leaves_the_dead_where_it_shows(tmp_path: Path) -> None:
    out, said = tmp_path / "out", list[str]()
    supervisor = Supervisor([service("wm", f"echo x >> {out}", policy="leave", display=True)], said.append)
    keep_running(supervisor, 0.6)
    assert out.read_text() == "x\n"
    assert said == ["wm ended (exit code 0)"]


def test_supervisor_starts_a_whole_display_again(tmp_path: Path) -> None:
    out, said = tmp_path / "out", list[str]()
    supervisor = Supervisor(
        [
            service("display", f"echo display >> {out}; sleep 0.3; exit 1", policy="group", display=True),
            service("wm", f"echo wm >> {out}; exec sleep 60", policy="leave", display=True),
            service("page", f"echo page >> {out}; exec sleep 60"),
        ],
        said.append,
    )
    keep_running(supervisor, 0.75)
    lines = out.read_text().splitlines()
    assert lines.count("display") == 2
    assert lines.count("wm") == 2
    assert lines.count("page") == 1
    for state in supervisor._states:
        if state.pid:
            os.killpg(state.pid, 9)
    keep_running(supervisor, 0.05)


def test_supervisor_waits_for_what_is_needed(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    out = tmp_path / "out"
    supervisor = Supervisor(
        [service("late", f"echo x >> {out}; exec sleep 9", needs=(gate.exists,))], lambda line: None
    )
    keep_running(supervisor, 0.2)
    assert not out.exists()
    gate.touch()
    keep_running(supervisor, 0.4)
    assert out.exists()
    os.killpg(supervisor._states[0].pid, 9)
    keep_running(supervisor, 0.05)


def test_what_cannot_be_started_is_said_and_tried_again() -> None:
    said = list[str]()
    missing = Service(name="gone", argv=("/no/such/program",), env=dict)
    keep_running(Supervisor([missing], said.append), 0.3)
    assert 2 <= len(said) <= 3
    assert "gone can't be started" in said[0]


def test_unknown_verbs_are_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["nonsense"], ["expire"], ["probe", "--xml"]):
        assert main.main(arguments) == 2
    assert "usage: vdictl-guest" in capsys.readouterr().err
