"""`vdictl gc`: what should not be there is listed, and removed; what somebody works on is left alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.front import Vdictl, until


def cloud(vdictl: Vdictl) -> Any:
    return json.loads((vdictl.folder / "cloud/state.json").read_text())


def killed_create(vdictl: Vdictl, name: str) -> None:
    """A create whose process was killed after its first step."""
    vdictl.configure(memory='latency = "0.2"')
    process = vdictl.start("create", name)
    until(lambda: f'"name": "{name}"' in text_of(vdictl) and '"step"' in text_of(vdictl), seconds=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    vdictl.configure()


def let_time_pass(vdictl: Vdictl, *names: str) -> None:
    """What these desktops were given is over."""
    state = cloud(vdictl)
    for machine in state["machines"].values():
        mark = json.loads(machine["label"])
        if mark["name"] in names:
            machine["label"] = json.dumps(mark | {"expires": "2020-01-01T00:00:00Z"})
    (vdictl.folder / "cloud/state.json").write_text(json.dumps(state))


def text_of(vdictl: Vdictl) -> str:
    journal = vdictl.state / "journal.jsonl"
    return journal.read_text() if journal.exists() else ""


def test_a_create_that_was_killed_is_found_and_removed_and_its_name_is_free(vdictl: Vdictl) -> None:
    killed_create(vdictl, "web")
    left_alone = vdictl.ok("gc")  # not an hour old
    assert "1 more" in left_alone.err and vdictl.names() == ["web"]
    listed = vdictl("gc", "--older-than", "0.01s")
    assert listed.code == 2 and "Add --yes" in listed.err
    heading, row = listed.out.splitlines()
    assert heading.split() == ["KIND", "NAME", "OWNER", "PROVIDER", "AGE", "PRICE", "WHY"]
    assert row.split()[:4] == ["desktop", "web", "tester", "memory"] and "half made" in row and "EUR" in row
    assert vdictl.names() == ["web"]
    (gone,) = vdictl.ok("gc", "--older-than", "0.01s", "--yes", "-o", "json").data
    assert (gone["kind"], gone["name"], gone["result"], gone["error"]) == ("desktop", "web", "removed", None)
    assert gone["age_seconds"] > 0 and gone["price"]["currency"] == "EUR"
    assert vdictl.names() == [] and vdictl.ok("gc", "-o", "json").data == []


def test_an_expired_desktop_goes_and_its_home_stays(vdictl: Vdictl) -> None:
    made = vdictl.ok("create", "web", "--no-wait", "--ttl", "1h")
    assert "Its own timer stops it" in made.err and "vdictl gc" in made.err
    vdictl.ok("create", "stays", "--no-wait", "--ttl", "8h")
    vdictl.ok("create", "theirs", "--no-wait", "--ttl", "1h", "--owner", "anna")
    let_time_pass(vdictl, "web", "theirs")
    assert [row["name"] for row in vdictl.ok("gc", "--dry-run", "-o", "json").data] == ["web"]
    shown = vdictl("gc", tty=True, stdin="y\n")
    assert shown.code == 0 and "Remove this? [y/N]" in shown.out and "its time is over" in shown.out
    assert "The home web stays" in shown.out
    assert vdictl.names("--all-owners") == ["theirs", "stays"]
    assert [v["name"] for v in cloud(vdictl)["volumes"].values()].count("web") == 1
    assert vdictl.ok("gc", "--all-owners", "--yes").code == 0 and vdictl.names("--all-owners") == ["stays"]


def test_strays_are_removed(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait", "--home", "ephemeral")
    file = vdictl.folder / "cloud/state.json"
    state = cloud(vdictl)
    state["machines"] = {}  # an outsider has taken the machine away
    state["volumes"] = {key: volume | {"machine": ""} for key, volume in state["volumes"].items()}
    file.write_text(json.dumps(state))
    (stray,) = vdictl.ok("gc", "--older-than", "0.01s", "--dry-run", "-o", "json").data
    assert (stray["kind"], stray["owner"], stray["result"]) == ("volume", "tester", None) and "is gone" in stray["why"]
    vdictl.ok("gc", "--older-than", "0.01s", "--yes")
    assert cloud(vdictl)["volumes"] == {}
    assert '"verb": "stray-delete"' in text_of(vdictl)


def test_a_create_that_goes_on_is_left_alone(vdictl: Vdictl) -> None:
    vdictl.config.write_text(vdictl.config.read_text().replace('boot = "0.02"', 'boot = "60"'))
    process = vdictl.start("create", "web", "--timeout", "5m")
    try:
        until(lambda: vdictl.names() == ["web"], seconds=60)
        assert vdictl.ok("gc", "--older-than", "0.01s", "--yes", "-o", "json").data == []
        assert process.poll() is None and vdictl.names() == ["web"]
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_two_at_once_end_well(vdictl: Vdictl) -> None:
    vdictl.ok("create", "one", "--detach")
    vdictl.ok("create", "two", "--detach")
    runs = [vdictl.start("gc", "--older-than", "0.01s", "--yes", "-o", "json") for _ in range(2)]
    ended = [(run, *run.communicate(timeout=120)) for run in runs]
    assert [run.returncode for run, _, _ in ended] == [0, 0], [err for _, _, err in ended]
    results = [{row["result"] for row in json.loads(out)} for _, out, _ in ended]
    assert all(result <= {"removed", "gone", "spared"} for result in results)
    assert vdictl.ok("list", "-A", "-o", "name").out == ""


def test_one_silent_provider_is_named_and_the_rest_is_done(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait", "--ttl", "1h")
    let_time_pass(vdictl, "web")
    second = vdictl.folder / "cloud/second.json"
    with vdictl.config.open("a") as file:
        file.write(f'[providers.silent]\npackage = "silent"\nstate = "{second}"\nfaults = "auth-failed:list:100"\n')
    (vdictl.folder / "silent.py").write_text(
        "from dataclasses import replace\nfrom vdictl.testing.memory import MANIFEST as M\n"
        'MANIFEST = replace(M, name="silent", cheap_check=False)\n'
    )
    path = {"PYTHONPATH": f"{vdictl.env['PYTHONPATH']}{os.pathsep}{vdictl.folder}"}
    done = vdictl("gc", "--yes", env=path)
    assert done.code == 7 and "silent" in done.err
    assert vdictl.names("-p", "memory") == []


def test_a_failed_removal_is_told(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait", "--ttl", "1h")
    let_time_pass(vdictl, "web")
    vdictl.configure(memory='faults = "auth-failed:label:100"')
    done = vdictl("gc", "--yes", "-o", "json")
    assert done.code == 5 and done.error["error"] == "auth-failed"
    assert [(row["result"], row["error"]) for row in done.data] == [("failed", "auth-failed")]


def test_where_only_gc_ends_it_create_says_so(vdictl: Vdictl) -> None:
    (vdictl.folder / "untimed.py").write_text(
        "from dataclasses import replace\nfrom vdictl.testing.memory import MANIFEST as M\n"
        "MANIFEST = replace(M, guest_timer=False)\n"
    )
    vdictl.config.write_text(vdictl.config.read_text().replace('"vdictl.testing.memory"', '"untimed"'))
    path = {"PYTHONPATH": f"{vdictl.env['PYTHONPATH']}{os.pathsep}{vdictl.folder}"}
    made = vdictl.ok("create", "web", "--no-wait", "--ttl", "8h", env=path)
    assert "only gc ends it" in made.err and "vdictl gc --install-timer" in made.err


@pytest.mark.parametrize(
    "words", [["--print"], ["--every", "5m"], ["--older-than", "soon"], ["--install-timer", "--remove-timer"]]
)
def test_what_makes_no_sense_is_wrong_usage(vdictl: Vdictl, words: list[str]) -> None:
    assert vdictl("gc", *words).code == 2


# -- the timer --------------------------------------------------------------------------------------------------------

#: No machine for tests has a user's systemd or cron: these keep what they are told, as the real ones would.
SYSTEMCTL = '#!/bin/sh\necho "$@" >> "{log}"\n'
CRONTAB = """#!/bin/sh
case "$1" in
  -l) [ -f "{table}" ] || {{ echo "no crontab for tester" >&2; exit 1; }}; cat "{table}";;
  -) cat > "{table}";;
esac
"""


def stand_in(vdictl: Vdictl, name: str, text: str) -> dict[str, str]:
    """The environment in which this program is there, and no other of its kind."""
    folder = vdictl.folder / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(text.format(log=vdictl.folder / "systemctl.log", table=vdictl.folder / "crontab"))
    program.chmod(0o700)
    for tool in ("sh", "cat", "env"):
        link = folder / tool
        if not link.exists():
            link.symlink_to(f"/bin/{tool}" if Path(f"/bin/{tool}").exists() else f"/usr/bin/{tool}")
    return {"PATH": str(folder)}


def test_the_timer_is_shown_then_written_and_taken_away(vdictl: Vdictl) -> None:
    env = stand_in(vdictl, "systemctl", SYSTEMCTL) | {
        "VDICTL_MEMORY_TOKEN": "hunter2-in-the-shell",
        "VDICTL_FLEET": "blue",
    }
    units = vdictl.folder / "home/.config/systemd/user"
    only = vdictl.ok("gc", "--install-timer", "--every", "5m", "--print", env=env)
    assert not units.exists() and "OnUnitActiveSec=300s" in only.out
    assert vdictl.ok("gc", "--install-timer", "--every", "5m", "--dry-run", env=env).out == only.out
    assert not units.exists()
    done = vdictl.ok("gc", "--install-timer", "--every", "5m", env=env)
    assert done.out == only.out
    files = {file.name: file.read_text() for file in units.iterdir()}
    assert sorted(files) == ["vdictl-gc-blue-tester.service", "vdictl-gc-blue-tester.timer"]
    for text in files.values():
        assert all(line in done.out for line in text.splitlines())
    service = files["vdictl-gc-blue-tester.service"]
    start = next(line for line in service.splitlines() if line.startswith("ExecStart="))
    assert start.startswith('ExecStart="/') and '"gc" "--yes"' in start and '"--fleet" "blue"' in start
    assert "hunter2" not in service and "VDICTL_MEMORY_TOKEN" in done.err  # that it is missing is said
    told = (vdictl.folder / "systemctl.log").read_text()
    assert "--user enable vdictl-gc-blue-tester.timer" in told
    vdictl.ok("gc", "--install-timer", "--every", "10m", env=env)  # again: it is changed, and there is one
    assert len(list(units.iterdir())) == 2 and "=600s" in (units / "vdictl-gc-blue-tester.timer").read_text()
    assert vdictl.ok("gc", "--remove-timer", "-o", "json", env=env).data["kind"] == "systemd"
    assert list(units.iterdir()) == []
    assert "There is no timer." in vdictl.ok("gc", "--remove-timer", env=env).err


def test_systemd_itself_takes_the_units(vdictl: Vdictl) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze is installed here to look at the units")
    env = stand_in(vdictl, "systemctl", SYSTEMCTL) | {"VDICTL_ENGINE": '/odd "path" with 100% $HOME/engine'}
    vdictl.ok("gc", "--install-timer", env=env)
    units = sorted((vdictl.folder / "home/.config/systemd/user").iterdir())
    done = subprocess.run([verify, "--user", "verify", *units], capture_output=True, text=True, timeout=60, check=False)
    about_ours = [line for line in done.stderr.splitlines() if "vdictl-gc" in line]
    assert about_ours == []


def test_without_systemd_it_is_an_entry_for_cron(vdictl: Vdictl) -> None:
    env = stand_in(vdictl, "crontab", CRONTAB)
    table = vdictl.folder / "crontab"
    table.write_text("0 4 * * * /bin/true 100\\%\n# mine")
    shown = vdictl.ok("gc", "--install-timer", env=env).out
    vdictl.ok("gc", "--install-timer", "--every", "30m", env=env)
    lines = table.read_text().splitlines()
    assert lines[:3] == ["0 4 * * * /bin/true 100\\%", "# mine", "# vdictl-gc-default-tester: begin"]
    assert len(lines) == 5 and lines[3].startswith("*/30 * * * * env ") and " gc --yes -q " in lines[3]
    assert all(line.replace("*/30", "*/15") in shown for line in lines)
    assert vdictl("gc", "--install-timer", "--every", "7m", env=env).code == 2
    vdictl.ok("gc", "--remove-timer", env=env)
    assert table.read_text().splitlines() == ["0 4 * * * /bin/true 100\\%", "# mine"]


def test_with_neither_it_is_not_possible_here(vdictl: Vdictl) -> None:
    done = vdictl("gc", "--install-timer", env={"PATH": "/nonexistent"})
    assert done.code == 6 and "vdictl gc --yes -q" in done.err
    assert vdictl("gc", "--install-timer", "--every", "5s").code == 2
