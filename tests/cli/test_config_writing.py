"""`vdictl config set`, `unset`, `init`, and the variable that each option has."""

from __future__ import annotations

import re
import stat
import tomllib

import pytest

from tests.cli.front import Vdictl
from vdictl.cli import variables
from vdictl.core.config import KEYS

COMMENTED = """\
# mine
timeout = "20m"  # long

[profiles.work]  # the office
fleet = "office"
"""


def test_set_keeps_comments_and_order_and_the_file_is_private(vdictl: Vdictl) -> None:
    vdictl.config.write_text(COMMENTED)
    vdictl.config.chmod(0o644)
    shown = vdictl.ok("config", "set", "default_name", "box")
    assert shown.out == f"default_name = box  ({vdictl.config})\n"
    vdictl.ok("config", "set", "timeout", "30m")
    vdictl.ok("config", "set", "fleet", "lab", "--profile", "work")
    vdictl.ok("config", "set", "providers.local.engine", "docker", "--profile", "fresh")
    text = vdictl.config.read_text()
    assert text.startswith('# mine\ntimeout = "30m"  # long\n') and "[profiles.work]  # the office" in text
    assert tomllib.loads(text) == {
        "timeout": "30m",
        "default_name": "box",
        "profiles": {"work": {"fleet": "lab"}, "fresh": {"providers": {"local": {"engine": "docker"}}}},
    }
    assert stat.S_IMODE(vdictl.config.stat().st_mode) == 0o600
    assert vdictl.ok("config", "get", "fleet", "--profile", "work").out == "lab\n"
    assert vdictl.ok("config", "unset", "fleet", "--profile", "work", "-o", "json").data["origin"] == "default"
    vdictl.ok("config", "unset", "timeout")
    vdictl.ok("config", "unset", "timeout")  # is as good
    assert "timeout" not in tomllib.loads(vdictl.config.read_text())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("flet", "x", "Did you mean fleet?"),
        ("providers.locl.engine", "x", "Did you mean local?"),
        ("providers.local.enigne", "x", "Did you mean engine?"),
        ("providers.local", "x", "has no setting"),
        ("providers", "x", "There is no setting"),
        ("fleet", "../x", "cannot be the name of a fleet"),
        ("owner", "", "cannot be the value"),
        ("timeout", "soon", "no length of time"),
        ("output", "xml", "is not one of"),
        ("default_provider", "locl", "Did you mean local?"),
        ("default_name", "a b", "cannot be the name"),
        ("providers.memory.token", "hunter2", "in clear text"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_written(vdictl: Vdictl, name: str, value: str, said: str) -> None:
    before = vdictl.config.read_bytes()
    refused = vdictl("config", "set", name, value)
    assert refused.code == 2 and said in refused.err and "hunter2" not in refused.err
    assert vdictl.config.read_bytes() == before


def test_a_broken_file_is_not_made_worse_and_can_be_mended(vdictl: Vdictl) -> None:
    vdictl.config.write_text("fleet =")
    assert vdictl("config", "set", "owner", "bob").code == 2
    assert vdictl.config.read_text() == "fleet ="
    vdictl.config.write_text('flet = "x"\nowner = "bob"\n')
    assert "Did you mean fleet?" in vdictl("config", "set", "owner", "eve").err
    vdictl.ok("config", "unset", "flet")
    assert vdictl.config.read_text() == 'owner = "bob"\n'
    assert vdictl("config", "unset", "flet").code == 2


def test_unknown_keys_of_a_providers_table_are_refused_with_the_nearest(vdictl: Vdictl) -> None:
    vdictl.configure(memory='tokn = "env:X"')
    for words in (("list",), ("list", "-p", "memory"), ("config",)):
        refused = vdictl(*words)
        assert refused.code == 2 and "'tokn'" in refused.err and "Did you mean token?" in refused.err, words
    vdictl.ok("config", "unset", "providers.memory.tokn")
    vdictl.ok("list")
    vdictl.config.write_text(vdictl.config.read_text() + "[providers.vultrr]\n")
    refused = vdictl("list")
    assert refused.code == 2 and "no provider called 'vultrr'" in refused.err


def test_init_explains_every_setting_and_never_writes_over_one(vdictl: Vdictl) -> None:
    before = vdictl.config.read_bytes()
    assert vdictl("config", "init").code == 9
    assert vdictl.config.read_bytes() == before
    vdictl.config.unlink()
    assert vdictl.ok("config", "init").out == f"{vdictl.config}\n"
    assert stat.S_IMODE(vdictl.config.stat().st_mode) == 0o600
    text = vdictl.config.read_text()
    assert tomllib.loads(text) == {}
    settings = [s for s in vdictl.ok("config", "-o", "json").data if s["origin"] == "default"]
    assert len(settings) > 5
    for setting in settings:
        assert f"\n#{setting['name'].rpartition('.')[2]} = " in text and setting["summary"] in text
    filled = tomllib.loads(re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE))  # each is a line that would hold
    assert filled["default_name"] == "desktop" and "engine" in filled["providers"]["local"]


def test_many_at_once_lose_nothing(vdictl: Vdictl) -> None:
    wanted = {f"p{number}": f"fleet-{number}" for number in range(6)}
    running = [vdictl.start("config", "set", "fleet", fleet, "--profile", name) for name, fleet in wanted.items()]
    for process in running:
        told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    profiles = tomllib.loads(vdictl.config.read_text())["profiles"]
    assert {name: table["fleet"] for name, table in profiles.items()} == wanted
    assert [f.name for f in vdictl.config.parent.iterdir() if f.name.startswith(".config.toml-")] == []


def test_where_it_cannot_be_written_the_old_one_stays(vdictl: Vdictl) -> None:
    vdictl.env["VDICTL_CONFIG"] = "/proc/nowhere/config.toml"
    refused = vdictl("config", "set", "fleet", "x", "-o", "json")
    assert refused.code == 5 and "cannot be written" in refused.error["brief"]


def test_every_option_has_a_variable(vdictl: Vdictl) -> None:
    env = {"VDICTL_CREATE_TTL": "3h", "VDICTL_CREATE_LABEL": "team=blue tier=web", "VDICTL_CREATE_WAIT": "no"}
    made = vdictl.ok("create", "web", "-o", "json", env=env | {"VDICTL_QUIET": "1"})
    assert made.data["expires"] and made.data["labels"] == {"team": "blue", "tier": "web"} and made.err == ""
    assert vdictl("list", env={"VDICTL_PROVIDER": "nothing"}).code == 2
    assert vdictl.ok("list", "-p", "memory", "-o", "name", env={"VDICTL_PROVIDER": "nothing"}).out == "web\n"
    assert vdictl.ok("list", env={"VDICTL_OUTPUT": "name"}).out == "web\n"
    assert vdictl("lits", env={"VDICTL_OUTPUT": "json"}).error["error"] == "invalid"
    wrong = vdictl("create", "db", env={"VDICTL_CREATE_CPUS": "many"})
    assert wrong.code == 2 and "--cpus" in wrong.err
    told = vdictl.ok("config", "explain", "VDICTL_CREATE_TTL", env=env).out
    assert "create --ttl" in told and "3h" in told and "variable VDICTL_CREATE_TTL" in told
    secret = vdictl.ok("config", "explain", "VDICTL_CREATE_ENV", env={"VDICTL_CREATE_ENV": "PASSWORD=hunter2"}).out
    assert "hunter2" not in secret and "***" in secret
    assert "setting    fleet" in vdictl.ok("config", "explain", "VDICTL_FLEET").out
    assert "Did you mean VDICTL_CREATE_TTL?" in vdictl("config", "explain", "VDICTL_CREATE_TLT").err


def test_no_two_options_listen_to_one_variable() -> None:
    names = [name for name, _ in variables._all()]
    assert len(names) > 80
    twice = {name for name in names if names.count(name) > 1}
    settings = {f"VDICTL_{key.upper()}" for key in KEYS} | {"VDICTL_CONFIG", "VDICTL_PROFILE", "VDICTL_ENGINE"}
    assert twice | (settings & set(names)) == set()
