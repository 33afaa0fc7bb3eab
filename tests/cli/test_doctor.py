"""`vdictl doctor`: hop by hop, with the exit code of the worst."""

from __future__ import annotations

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
    assert done.code == 2 and levels(done) == {(None, "config"): "fail"}
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
