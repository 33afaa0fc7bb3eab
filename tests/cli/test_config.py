"""`vdictl config`: settings, and where each comes from."""

from __future__ import annotations

from tests.cli.front import Vdictl


def test_alone_it_lists(vdictl: Vdictl) -> None:
    shown = vdictl.ok("config").out
    assert shown == vdictl.ok("config", "list").out
    rows = {line.split()[0]: line for line in shown.splitlines()}
    assert str(vdictl.config) in rows["default_provider"] and "login name" in rows["owner"]
    assert "providers.local.engine" in rows
    settings = vdictl.ok("config", "-o", "json").data
    assert {"name", "value", "origin", "summary"} <= set(settings[0])
    only = vdictl.ok("config", "list", "-p", "local", "-o", "name").out.split()
    assert only == ["providers.local.engine"]


def test_where_the_file_is(vdictl: Vdictl) -> None:
    assert vdictl.ok("config", "path").out == f"{vdictl.config}\n"
    assert vdictl.ok("config", "path", "-o", "json").data == {"name": str(vdictl.config), "exists": True}
    assert vdictl.ok("config", "path", env={"VDICTL_CONFIG": "/x/y"}).out == "/x/y\n"
    vdictl.config.write_text("broken =")
    assert vdictl.ok("config", "path").out == f"{vdictl.config}\n"  # who mends it must find it
    assert vdictl("config").code == 2


def test_one_value_and_nothing_else(vdictl: Vdictl) -> None:
    assert vdictl.ok("config", "get", "default_provider").out == "memory\n"
    assert vdictl.ok("config", "get", "providers.memory.token").out == "\n"
    assert vdictl.ok("config", "get", "fleet", env={"VDICTL_FLEET": "x"}).out == "x\n"
    assert vdictl.ok("config", "get", "fleet", "--fleet", "y", env={"VDICTL_FLEET": "x"}).out == "y\n"
    assert vdictl.ok("config", "get", "owner", env={"CI": "true"}).out == "ci\n"
    record = vdictl.ok("config", "get", "fleet", "-o", "json", env={"VDICTL_FLEET": "x"}).data
    assert (record["value"], record["origin"]) == ("x", "variable VDICTL_FLEET")
    wrong = vdictl("config", "get", "flet")
    assert wrong.code == 2 and "Did you mean fleet?" in wrong.err


def test_a_profile_is_an_origin(vdictl: Vdictl) -> None:
    vdictl.config.write_text(vdictl.config.read_text() + '\n[profiles.work]\nfleet = "office"\n')
    assert vdictl.ok("config", "get", "fleet").out == "default\n"
    assert vdictl.ok("config", "get", "fleet", "--profile", "work").out == "office\n"
    assert "profile work" in vdictl.ok("--profile", "work", "config", "explain", "fleet").out
    assert vdictl("config", "--profile", "nothing").code == 2


def test_an_explanation_says_what_it_means_and_how_to_set_it(vdictl: Vdictl) -> None:
    shown = vdictl.ok("config", "explain", "providers.local.engine").out
    assert "VDICTL_ENGINE" in shown and f"{vdictl.config}: [providers.local] engine" in shown
    everything = vdictl.ok("config", "explain", "all").out
    assert everything.count("meaning") == len(vdictl.ok("config", "-o", "json").data)
    assert vdictl("config", "explain", "nothing").code == 2


def test_no_secret_is_ever_shown(vdictl: Vdictl) -> None:
    vdictl.configure(memory='token = "hunter2hunter2"')
    for words in (("config",), ("config", "get", "providers.memory.token"), ("config", "explain", "all", "-o", "yaml")):
        assert "hunter2" not in vdictl.ok(*words).out
    shown = vdictl.ok("config", "get", "providers.memory.token", env={"VDICTL_MEMORY_TOKEN": "hunter2hunter2"})
    assert shown.out == "env:VDICTL_MEMORY_TOKEN\n"
    refused = vdictl("list", "-p", "memory")
    assert refused.code == 2 and "clear text" in refused.err and "hunter2" not in refused.err
