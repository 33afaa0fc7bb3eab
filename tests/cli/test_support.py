"""`vdictl support`: what belongs into a bug report goes in, and no secret does."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import Any

import pytest

from tests.cli.front import Vdictl

#: A secret for each place that can hold one; none is a word that could stand somewhere else.
SECRETS = {
    "env": "planted-env-3fd1c0",
    "file": "planted-file-77ab20",
    "keyring": 'planted-"keyring"-90cc',
    "cmd": "planted-cmd-e1e1e1",
    "clear": "planted-clear-5a5a5a",
    "shell": "planted-shell-0b0b0b",
    "input": "planted-input-c4c4c4",
    "taken": "planted-taken-d5d5d5",
    "dotenv": "planted-dotenv-f6f6f6",
    "setup": "planted-setup-a7a7a7",
    "url": "planted-url-b8b8b8",
}
#: A provider for each way of naming a secret; the last has a bug that quotes what it was given.
ALIAS = """
from dataclasses import replace
from vdictl.testing.memory import MANIFEST as M
MANIFEST = replace(M, name="{name}", cheap_check=False{more})
"""
BUGGY = """
from vdictl.testing.memory.provider import MemoryProvider


class Buggy(MemoryProvider):
    def create(self, spec, *, token):
        import os, sys

        raise RuntimeError(f"odd: {sys.argv} {os.environ['API_TOKEN']} {os.environ['TAKEN']} {open('job.sh').read()}"
                           f" {open('job.env').read()}")
"""
KEYRING = """
def get_password(service, name):
    return 'planted-"keyring"-90cc'
"""


@pytest.fixture
def planted(vdictl: Vdictl) -> Vdictl:
    """A machine with a secret in every place that can hold one."""
    (vdictl.work / "job.sh").write_text(f"#!/bin/sh\nPASSWORD={SECRETS['setup']}\n")
    (vdictl.work / "job.env").write_text(f"DOTENV={SECRETS['dotenv']}\n")
    secret = vdictl.folder / "secret"
    secret.write_text(SECRETS["file"] + "\n")
    secret.chmod(0o600)
    command = vdictl.folder / "tell"
    command.write_text(f"#!/bin/sh\necho {SECRETS['cmd']}\n")
    command.chmod(0o700)
    modules = vdictl.folder / "modules"
    modules.mkdir()
    (modules / "keyring.py").write_text(KEYRING)
    (modules / "has_a_bug.py").write_text(BUGGY)
    references = {"env": "env:MY_OWN", "file": f"file:{secret}", "keyring": "keyring:vdictl", "cmd": f"cmd:{command}"}
    references |= {"clear": SECRETS["clear"], "buggy": f"file:{secret}"}
    tables = ""
    for name, reference in references.items():
        more = ', entry="has_a_bug:Buggy"' if name == "buggy" else ""
        (modules / f"own_{name}.py").write_text(ALIAS.format(name=name, more=more))
        tables += f"[providers.{name}]\npackage = \"own_{name}\"\ntoken = '{reference}'\n"
        tables += f'state = "{vdictl.folder}/cloud/{name}.json"\n'
    vdictl.config.write_text(vdictl.config.read_text() + tables)
    vdictl.env |= {
        "PYTHONPATH": f"{vdictl.env['PYTHONPATH']}{os.pathsep}{modules}",
        "MY_OWN": SECRETS["env"],
        "API_TOKEN": SECRETS["shell"],
        "TAKEN": SECRETS["taken"],
        "DOCKER_HOST": f"tcp://me:{SECRETS['url']}@far.example:2375",
    }
    return vdictl


INPUTS = ("--env", f"A={SECRETS['input']}", "--env", "TAKEN", "--env-file", "job.env", "--setup", "job.sh")


def unpacked(data: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        files = [(member.name, archive.extractfile(member)) for member in archive.getmembers()]
        return {name.removeprefix("vdictl-support/"): file.read().decode() for name, file in files if file}


def test_no_planted_secret_is_anywhere_in_it(planted: Vdictl) -> None:
    planted.ok("create", "web", "-p", "memory", *INPUTS)
    bug = planted("create", "odd", "-p", "buggy", *INPUTS)
    assert bug.code == 3
    done = planted.ok("support", "out.tar.gz", env={"DOCKER_HOST": planted.env["DOCKER_HOST"]})
    packed = (planted.work / "out.tar.gz").read_bytes()
    parts = unpacked(packed)
    assert sorted(name for name in parts if not name.startswith("bugs/")) == [
        *("desktops.json", "doctor.json", "journal.jsonl", "settings.json", "versions.json")
    ]
    places = {**parts, "the archive": packed.decode("latin-1"), "stdout": done.out, "stderr": done.err}
    logs = [log.read_text() for log in planted.state.glob("bug-*.log")]
    places |= {f"bug log {number}": log for number, log in enumerate(logs)} | {"the bug's words": bug.err}
    assert logs and any("RuntimeError: odd" in text for text in places.values())
    for kind, secret in SECRETS.items():
        for form in {secret, json.dumps(secret)[1:-1]}:
            found = [place for place, text in places.items() if form in text]
            assert found == [], f"the secret of {kind} is in {found}"


def test_it_tells_what_a_bug_report_needs(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait", "--label", "team=blue")
    vdictl.ok("support", "out.tar.gz")
    parts = unpacked((vdictl.work / "out.tar.gz").read_bytes())
    versions = json.loads(parts["versions.json"])
    assert versions["vdictl"] and versions["python"] and versions["system"]
    assert {hop["name"] for hop in json.loads(parts["doctor.json"])} >= {"config", "state", "list", "desktop web"}
    settings: Any = {each["name"]: each for each in json.loads(parts["settings.json"])}
    assert settings["default_provider"]["value"] == "memory"
    (desktop,) = json.loads(parts["desktops.json"])
    assert (desktop["name"], desktop["state"], desktop["labels"]) == ("web", "running", 1)
    assert [json.loads(line)["event"] for line in parts["journal.jsonl"].splitlines()][-1] == "end"


def test_it_is_listed_before_it_is_written(vdictl: Vdictl) -> None:
    listed = vdictl.ok("support", "--list", "-o", "json").data
    assert listed["name"] is None and listed["parts"][0]["name"] == "versions.json"
    assert list(vdictl.work.iterdir()) == []
    shown = vdictl.ok("support", "out.tar.gz")
    assert shown.out.splitlines()[0].split() == ["PART", "SIZE", "ABOUT"] and "Written to " in shown.err
    assert (vdictl.work / "out.tar.gz").stat().st_mode & 0o777 == 0o600
    again = vdictl("support", "out.tar.gz")
    assert again.code == 9 and [file.name for file in vdictl.work.iterdir()] == ["out.tar.gz"]
    vdictl.ok("support", "out.tar.gz", "--force")
    data = vdictl.ok("support", "second.tar.gz", "-o", "json").data
    assert data["name"] == str(vdictl.work / "second.tar.gz")
    assert data["size_bytes"] == (vdictl.work / "second.tar.gz").stat().st_size
    vdictl.ok("support")
    assert len([file for file in vdictl.work.iterdir() if file.name.startswith("vdictl-support-")]) == 1


def test_to_stdout(vdictl: Vdictl) -> None:
    process = vdictl.start("support", "-")
    packed, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "versions.json" in unpacked(packed) and b"versions.json" in said
    assert vdictl("support", "-", "-o", "json").code == 2
    assert vdictl("support", "-", tty=True).code == 2
    assert vdictl("support", "/proc/no/such.tar.gz").code == 1


def test_names_as_hashes(vdictl: Vdictl) -> None:
    vdictl.env["USER"] = "wilhelmina"
    vdictl.ok("create", "acquisition", "--no-wait", "--home", "plans-of-ours")
    vdictl.ok("support", "out.tar.gz", "--redact-names")
    parts = unpacked((vdictl.work / "out.tar.gz").read_bytes())
    assert [n for n, text in parts.items() if "acquisition" in text or "wilhelmina" in text or "plans-of" in text] == []
    (desktop,) = json.loads(parts["desktops.json"])
    events = [json.loads(line) for line in parts["journal.jsonl"].splitlines()]
    assert {event["name"] for event in events} == {desktop["name"]}  # one name is one hash, so that it can be followed


def test_with_a_broken_config_it_tells_what_is_left(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait")
    vdictl.config.write_text("broken =")
    vdictl.ok("support", "out.tar.gz")
    parts = unpacked((vdictl.work / "out.tar.gz").read_bytes())
    assert next(h for h in json.loads(parts["doctor.json"]) if h["name"] == "config")["level"] == "fail"
    assert json.loads(parts["desktops.json"]) == [] and parts["journal.jsonl"]
