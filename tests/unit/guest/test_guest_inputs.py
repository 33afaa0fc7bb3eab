"""Delivered inputs: at most one run, whatever breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vdictl.guest import payload
from vdictl.guest.inside import environment, firstboot, inputs, places
from vdictl.guest.inside.inputs import Progress, Refused


def parcel(**more: Any) -> bytes:
    return json.dumps({"hash": "h1", **more}).encode()


def test_payload_is_what_receive_takes(inside: Path) -> None:
    data, digest = payload(env={"A": "1"}, setup="true")
    assert inputs.receive(data, digest).state == "delivered"
    assert environment.delivered() == {"A": "1"}
    assert payload(env={"A": "1"}, setup="true") == (data, digest)
    assert payload(env={"A": "2"}, setup="true")[1] != digest


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A\n", "É", "-x"])
def test_payload_refuses_odd_names(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        payload(env={name: "x"})
    with pytest.raises(ValueError, match="NUL"):
        payload(env={"A": "x\0y"})


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"{}", b'{"hash": ""}', b'{"hash": 1}', parcel(env=[]), parcel(env={"A B": "x"}),
     parcel(env={"A": 1}), parcel(setup=1), parcel(git="--upload-pack=id"), parcel(dotfiles="-x"),
     parcel(env={"A": "\0"}), b"\xff"],
)  # fmt: skip
def test_what_is_no_delivery_is_refused(inside: Path, data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        inputs.receive(data, "")
    assert refusal.value.code == 2
    assert not places.INPUTS.exists()
    assert not places.ENVIRONMENT.exists()


def test_refusals_do_not_repeat_what_was_sent(inside: Path) -> None:
    with pytest.raises(Refused) as refusal:
        inputs.receive(b'{"env": {"PASSWORD": "hunter2', "")
    assert "hunter2" not in str(refusal.value)


def test_another_hash_than_the_awaited_is_refused(inside: Path) -> None:
    assert inputs.progress("h2").state == "waiting"
    with pytest.raises(Refused) as refusal:
        inputs.receive(parcel(), "h2")
    assert refusal.value.code == 9
    assert inputs.progress("h2").state == "waiting"


@pytest.mark.parametrize("state", ["delivered", "running", "done", "failed"])
def test_the_same_hash_again_changes_nothing(inside: Path, state: inputs.State) -> None:
    inputs.receive(parcel(env={"A": "1"}), "h1")
    there = replace(inputs.progress("h1"), state=state, exit_code=0)
    there.keep()
    assert inputs.receive(parcel(env={"A": "2"}), "h1") == there
    assert environment.delivered() == {"A": "1"}


def test_files_are_for_the_user_alone(inside: Path) -> None:
    inputs.receive(parcel(env={"A": "1"}, setup="x"), "")
    for path in (places.ENVIRONMENT, places.DELIVERY, places.INPUTS):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("", "delivered"),
        ("git", "delivered"),
        ("dotfiles", "delivered"),
        ("dotfiles-script", "failed"),
        ("setup", "failed"),
    ],
)
def test_after_a_crash_only_the_harmless_is_begun_again(inside: Path, step: str, after: str) -> None:
    Progress(state="running", hash="h1", step=step).keep()
    assert inputs.settle("h1").state == after
    assert inputs.progress("h1").state == after
    if after == "failed":
        assert "interrupted" in inputs.progress("h1").detail


def test_a_broken_record_is_no_reason_to_run_again(inside: Path) -> None:
    places.INPUTS.write_text('{"state": "running", "unknown": 1}')
    assert inputs.progress("").state == "none"
    assert inputs.progress("h1").state == "waiting"


def run_first_boot(monkeypatch: pytest.MonkeyPatch, **more: Any) -> Progress:
    monkeypatch.setenv("VDICTL_INPUTS", "h1")
    inputs.receive(parcel(**more), "h1")
    firstboot.main()
    return inputs.progress("h1")


def test_setup_runs_once_as_asked(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_first_boot(monkeypatch, env={"WHO": "me & you"}, setup='echo "$WHO" >> ~/out; pwd >> ~/out')
    assert (done.state, done.exit_code) == ("done", 0)
    assert firstboot.main() == 0  # nothing is left to do
    assert (inside / "home/out").read_text().splitlines() == ["me & you", str(inside / "home")]
    assert places.FIRST_BOOT_LOG.stat().st_mode & 0o777 == 0o600


def test_its_own_interpreter_counts(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_first_boot(monkeypatch, setup="#!/usr/bin/python3\nraise SystemExit(12)\n")
    assert (done.state, done.exit_code) == ("failed", 12)


def test_killed_setup_tells_the_signal(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_first_boot(monkeypatch, setup="kill -9 $$").exit_code == 137


def test_setup_that_cannot_start(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_first_boot(monkeypatch, setup="#!/no/such/program\n")
    assert (done.state, done.exit_code) == ("failed", 126)


def test_a_step_that_fails_ends_the_rest(inside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_first_boot(monkeypatch, git=str(inside / "nothing.git"), setup="touch ~/ran")
    assert done.state == "failed"
    assert "git clone" in done.detail
    assert not (inside / "home/ran").exists()
    assert [entry.name for entry in (inside / "home").iterdir()] == []  # no half clone


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/a/tool.git", "tool"),
        ("https://example.org/a/tool/", "tool"),
        ("git@example.org:tool.git", "tool"),
        ("git@example.org:a/b-c.d", "b-c.d"),
        ("https://example.org/a/..", "repository"),
        ("https://example.org/a/.bashrc", "repository"),
        ("https://example.org/a/x y", "repository"),
        ("/", "repository"),
    ],
)
def test_folder_of_a_clone(url: str, name: str) -> None:
    assert firstboot.folder_name(url) == name


def test_credentials_do_not_stay_in_the_url() -> None:
    clean, env = firstboot.without_credentials("https://me:s%40crt@example.org:8443/a/b.git")
    assert clean == "https://example.org:8443/a/b.git"
    assert env["GIT_CONFIG_KEY_0"] == "http.https://example.org:8443/.extraHeader"
    assert env["GIT_CONFIG_VALUE_0"] == "Authorization: Basic bWU6c0BjcnQ="
    for plain in ("https://example.org/a.git", "git@example.org:a.git", "ssh://git@example.org/a", "/home/a"):
        assert firstboot.without_credentials(plain) == (plain, {})


def test_dotfiles_are_linked_and_lose_nothing(inside: Path) -> None:
    source, home = inside / "home/.dotfiles", inside / "home"
    (source / ".git").mkdir(parents=True)
    (source / ".bashrc").write_text("new")
    (source / ".config").mkdir()
    (source / "README").write_text("x")
    (home / ".bashrc").write_text("old")
    with (inside / "log").open("wb") as log:
        for _ in range(2):
            firstboot.take_dotfiles(source, {}, log, pytest.fail)
    assert (home / ".bashrc").read_text() == "new"
    assert (home / ".bashrc.before-dotfiles").read_text() == "old"
    assert (home / ".config").is_symlink()
    assert not (home / "README").exists()
    assert not (home / ".git").exists()


def test_dotfiles_with_an_installer_of_their_own(inside: Path) -> None:
    source = inside / "home/.dotfiles"
    source.mkdir()
    (source / "install.sh").write_text("pwd > ../where")
    (source / ".bashrc").write_text("new")
    steps: list[str] = []
    with (inside / "log").open("wb") as log:
        firstboot.take_dotfiles(source, {"PATH": "/usr/bin:/bin"}, log, steps.append)
    assert steps == ["dotfiles-script"]  # from here on it is not run twice
    assert (inside / "home/where").read_text().strip() == str(source)
    assert not (inside / "home/.bashrc").exists()
