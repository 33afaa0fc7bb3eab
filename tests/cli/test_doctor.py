"""`vdictl doctor`: hop by hop, with the exit code of the worst."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.front import Result, Vdictl


def levels(done: Result) -> dict[tuple[str | None, str], str]:
    return {(hop["provider"], hop["name"]): hop["level"] for hop in done.data}


def test_each_hop_is_a_line_with_its_cure(vdictl: Vdictl) -> None:
    vdictl.ok("create", "desktop", "--no-wait")
    lines = vdictl.ok("doctor").out.splitlines()
    hops = [line.split()[:3] for line in lines if not line.startswith(" ")]
    assert ["ok", "-", "config"] in hops and ["ok", "memory", "engine"] in hops
    assert ["warn", "local", "engine"] in hops  # not configured, and nobody asked for it
    assert any(line.startswith("ok") and "desktop desktop" in line and "usable" in line for line in lines)
    after = lines[next(i for i, line in enumerate(lines) if line.startswith("warn  local")) + 1]
    assert after.lstrip().startswith("-> ")


def test_the_exit_code_is_that_of_the_worst(vdictl: Vdictl) -> None:
    assert vdictl.ok("doctor", "-p", "memory", "-o", "json")
    named = vdictl("doctor", "-p", "local", "-o", "json")
    assert named.code == 5 and levels(named)["local", "engine"] == "fail"
    assert next(hop["code"] for hop in named.data if hop["level"] == "fail") == 5
    vdictl.ok("create", "desktop", "--no-wait")
    vdictl.ok("exec", "desktop", "vdictl-guest", "break", "window_manager")
    broken = vdictl("doctor", "-p", "memory", "-o", "json")
    assert broken.code == 1 and levels(broken)["memory", "desktop desktop"] == "fail"
    assert "window manager" in next(hop["detail"] for hop in broken.data if hop["level"] == "fail")
    vdictl.ok("restart", "desktop")
    assert vdictl("doctor", "-p", "memory").code == 0


def test_a_broken_config_is_a_hop_too(vdictl: Vdictl) -> None:
    vdictl.config.write_text("broken =")
    done = vdictl("doctor", "-o", "json")
    assert done.code == 2 and levels(done)[None, "config"] == "fail"
    assert {(None, "vdictl"), (None, "state"), (None, "browser")} <= levels(done).keys()  # as far as it can be looked
    assert str(vdictl.config) in vdictl("doctor").out


def test_an_unknown_provider_is_wrong_usage(vdictl: Vdictl) -> None:
    done = vdictl("doctor", "-p", "memroy")
    assert done.code == 2 and done.out == "" and "Did you mean memory?" in done.err


def test_refused_credentials(vdictl: Vdictl) -> None:
    vdictl.configure(memory='faults = "auth-failed:any:100"')
    done = vdictl("doctor", "-o", "json")
    assert done.code == 5 and levels(done)["memory", "engine"] == "fail"


def test_without_a_screen_it_says_so_and_with_one_it_names_the_viewer(vdictl: Vdictl) -> None:
    assert levels(vdictl.ok("doctor", "-o", "json"))[None, "browser"] == "warn"
    browser = vdictl.folder / "browser"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o700)
    shown = vdictl.ok("doctor", "-o", "json", env={"BROWSER": str(browser), "DISPLAY": ":0"})
    assert levels(shown)[None, "browser"] == "ok"


def test_one_desktop_alone_with_the_first_rung_that_fails(vdictl: Vdictl) -> None:
    vdictl.ok("create", "web", "--no-wait")
    vdictl.ok("create", "other", "--no-wait")
    vdictl.ok("exec", "other", "vdictl-guest", "break", "window_manager")
    assert vdictl("doctor", "-p", "memory").code == 1
    well = vdictl.ok("doctor", "web", "-p", "memory", "-o", "json")
    assert [hop["name"] for hop in well.data if hop["name"].startswith("desktop")] == ["desktop web"]
    ill = vdictl("doctor", "other", "-p", "memory", "-o", "json")
    (hop,) = (hop for hop in ill.data if hop["name"] == "desktop other")
    assert ill.code == 1 and hop["detail"].startswith("window manager") and "vdictl restart other" in hop["cure"]
    missing = vdictl("doctor", "nobody", "-o", "json")
    assert missing.code == 4 and levels(missing)[None, "desktop nobody"] == "fail"
    assert vdictl("doctor", "No/Name").code == 2


def test_json_may_stand_alone(vdictl: Vdictl) -> None:
    assert vdictl.ok("doctor", "--json").data[0].keys() >= {"name", "level", "detail", "cure", "code"}
    assert vdictl.ok("doctor", "--json", "-p", "memory").data
    assert vdictl.ok("doctor", "--json", "level").data[0] == {"level": "ok"}


def test_a_secret_in_clear_text_is_told_and_never_shown(vdictl: Vdictl) -> None:
    vdictl.configure(memory='token = "hunter2-hunter2"')
    vdictl.config.chmod(0o644)
    done = vdictl("doctor", "-o", "json")
    (hop,) = (hop for hop in done.data if hop["name"] == "secrets")
    assert done.code == 2 and hop["level"] == "fail" and "others can read" in hop["detail"]
    assert "providers.memory.token = 'file:PATH'" in hop["cure"] and "ask for a new one" in hop["cure"]
    assert "hunter2" not in done.out + done.err
    vdictl.config.chmod(0o600)
    assert "others" not in next(h for h in vdictl("doctor", "-o", "json").data if h["name"] == "secrets")["detail"]


def test_a_config_that_others_can_change_is_a_warning(vdictl: Vdictl) -> None:
    vdictl.config.chmod(0o666)
    done = vdictl.ok("doctor", "-o", "json")
    assert levels(done)[None, "config"] == "warn"


def tree(folder: Path) -> dict[str, float]:
    return {str(path): path.lstat().st_mtime for path in sorted(folder.rglob("*"))}


def test_it_changes_nothing(vdictl: Vdictl) -> None:
    vdictl.ok("create", "desktop", "--no-wait")
    shutil.rmtree(vdictl.state)
    before = tree(vdictl.folder / "home")
    vdictl.ok("doctor", "-p", "memory")
    assert tree(vdictl.folder / "home") == before


@pytest.mark.parametrize("home", ["", "/proc", "/nonexistent/home"])
def test_without_a_home_that_can_be_written_to(vdictl: Vdictl, home: str) -> None:
    env = {"HOME": home, "VDICTL_CONFIG": str(vdictl.config), "XDG_STATE_HOME": "" if home else "/proc"}
    done = vdictl.ok("doctor", "-p", "memory", "-o", "json", env=env)
    assert levels(done)[None, "state"] == ("ok" if home.startswith("/non") and os.getuid() == 0 else "warn")


def test_without_a_network(vdictl: Vdictl) -> None:
    alone = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here: unshare --net --map-root-user is refused")
    words = [*alone, *vdictl.argv("doctor", "-p", "memory")]
    done = subprocess.run(words, env=vdictl.env, cwd=vdictl.work, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_providers_are_looked_at_all_at_once_and_one_that_fails_hides_no_other(vdictl: Vdictl) -> None:
    with vdictl.config.open("a") as file:
        for name in ("second", "third"):
            file.write(f'[providers.{name}]\npackage = "{name}"\nfaults = "auth-failed:any:100"\n')
            (vdictl.folder / f"{name}.py").write_text(
                "from dataclasses import replace\nfrom vdictl.testing.memory import MANIFEST as M\n"
                f'MANIFEST = replace(M, name="{name}", cheap_check=False)\n'
            )
    path = {"PYTHONPATH": f"{vdictl.env['PYTHONPATH']}{os.pathsep}{vdictl.folder}"}
    done = vdictl("doctor", "-o", "json", env=path)
    seen = levels(done)
    assert done.code == 5
    assert (seen["memory", "list"], seen["second", "api"], seen["third", "api"]) == ("ok", "fail", "fail")
