"""Settings, secrets, folders, and who acts: where each comes from, and what is refused."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from tests.unit.core.worlds import World
from vdictl.contract.errors import Invalid, NotConfigured
from vdictl.contract.provider import Manifest, Setting
from vdictl.core import paths, secrets, settings
from vdictl.core.config import Config
from vdictl.core.context import Context, usual_owner

MANIFEST = Manifest(
    name="acme",
    title="Acme",
    summary="a cloud",
    entry="x:Y",
    settings=(
        Setting(name="key", summary="the API key", variables=("ACME_KEY",), secret=True, required=True),
        Setting(name="url", summary="where it is", variables=("ACME_URL", "ACME_HOST"), default="https://acme"),
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, text: str = "", profile: str = "", **environment: str) -> Config:
    if text:
        file.write_text(text)
    return Config.load({"VDICTL_CONFIG": str(file), **environment}, profile=profile)


def test_variable_over_profile_over_file_over_default(file: Path) -> None:
    text = 'fleet = "of-file"\nowner = "of-file"\ntimeout = 90\n[profiles.work]\nfleet = "of-profile"\n'
    config = load(file, text, profile="work", VDICTL_OWNER="of-variable")
    assert [config.text(key) for key in ("owner", "fleet", "timeout", "output")] == [
        "of-variable",
        "of-profile",
        "90",
        "table",
    ]
    assert config.value("owner").origin == "variable VDICTL_OWNER"
    assert config.value("fleet").origin == f"profile work in {file}"
    assert config.value("timeout").origin == str(file)
    assert config.value("output").origin == "default"


def test_the_profile_may_come_from_the_environment(file: Path) -> None:
    assert load(file, '[profiles.work]\nfleet = "x"\n', VDICTL_PROFILE="work").text("fleet") == "x"


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert Config.load({"HOME": str(tmp_path)}).text("default_provider") == "local"
    (tmp_path / ".config").write_text("a file where a folder is expected")
    assert Config.load({"HOME": str(tmp_path)}).text("fleet") == "default"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('flet = "x"', "Did you mean fleet?"),
        ("[profiles.a]\nflet = 1", "Did you mean fleet?"),
        ("zzzz = 1", "There are: default_provider"),
        ("fleet = [1]", "must be a single value"),
        ("providers = 1", "is no table"),
        ("profiles = {a = 1}", "is no table"),
        ("providers = {a = 1}", "must be a table"),
        ("fleet = ", "is no valid TOML"),
    ],
)
def test_what_nobody_understands_is_refused_with_the_file_named(file: Path, text: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(file, text)
    told = f"{caught.value.brief} {caught.value.advice}"
    assert says in told and str(file) in told


def test_a_file_that_is_named_and_missing_or_no_text(file: Path) -> None:
    with pytest.raises(NotConfigured, match="not there"):
        load(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="TOML"):
        load(file)
    with pytest.raises(NotConfigured, match="cannot be read"):
        load(file.parent)


def test_profiles_that_are_no_table_and_a_file_without_end(file: Path) -> None:
    with pytest.raises(Invalid, match="no table"):
        load(file, "profiles = 3\n")
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(Invalid, match="mebibyte"):
        load(file)


def test_an_unknown_profile_names_those_that_are_there(file: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load(file, "[profiles.a]\n[profiles.b]\n", profile="c")
    assert caught.value.details == "Profiles: a, b."


def test_a_providers_settings(file: Path) -> None:
    config = load(file, '[providers.acme]\nurl = "https://file"\n', ACME_KEY="s3cret", ACME_HOST="https://host")
    values, hidden = config.provider_settings(MANIFEST)
    assert values == {"url": "https://host"} and hidden["key"].reveal() == "s3cret"
    assert config.provider_value(MANIFEST, MANIFEST.settings[1]).origin == "variable ACME_HOST"
    assert config.provider_value(MANIFEST, MANIFEST.settings[0]).text == "env:ACME_KEY"  # never the secret itself
    first = load(file, VDICTL_ACME_URL="https://ours", ACME_URL="https://theirs")
    assert first.provider_value(MANIFEST, MANIFEST.settings[1]).text == "https://ours"


def test_a_required_setting_that_is_missing_says_both_ways_to_set_it(file: Path) -> None:
    config = load(file, " ")
    assert not config.has_required(MANIFEST)
    with pytest.raises(NotConfigured) as caught:
        config.provider_settings(MANIFEST)
    assert "ACME_KEY" in caught.value.advice and "[providers.acme]" in caught.value.advice


def test_a_secret_in_clear_text_is_refused_without_being_shown(file: Path) -> None:
    config = load(file, '[providers.acme]\nkey = "s3cret"\n')
    with pytest.raises(Invalid) as caught:
        config.provider_settings(MANIFEST)
    assert "s3cret" not in str(caught.value.as_dict()) and "providers.acme.key" in caught.value.brief


# -- secrets ----------------------------------------------------------------------------------------------------------


def resolve(reference: str, **environment: str) -> str:
    return secrets.resolve(reference, key="providers.acme.key", environment=environment).reveal()


def test_secrets_come_from_a_variable_a_file_or_a_command(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text("of a file\n")
    assert resolve("env:A", A=" of the environment ") == "of the environment"
    assert resolve(f"file:{file}") == "of a file"
    assert resolve(f"cmd:{sys.executable} -c 'print(\"of a command\")'") == "of a command"


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret")
    for mode in (0o640, 0o604, 0o644):
        file.chmod(mode)
        with pytest.raises(NotConfigured) as caught:
            resolve(f"file:{file}")
        assert caught.value.advice == f"Run: chmod 600 {file}"


@pytest.mark.parametrize(
    "reference",
    ["env:NOT_SET", "file:/nonexistent/file", "cmd:/nonexistent/command", "cmd:false", "cmd:'", "cmd:true", "env:"],
)
def test_where_nothing_is_there_is_nothing_configured(reference: str) -> None:
    with pytest.raises(NotConfigured):
        resolve(reference, PATH="/usr/bin:/bin")


def test_what_is_no_secret_is_a_sentence_and_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_bytes(b"s3cret\xff")
    (tmp_path / "keyring.py").write_text("def get_password(*_):\n    raise RuntimeError('locked: s3cret')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    for reference in (f"file:{file}", "file:~nobody-of-this-name/key", "file:a\0b", "keyring:me"):
        with pytest.raises(NotConfigured) as caught:
            resolve(reference)
        assert "s3cret" not in str(caught.value.as_dict())
    sys.modules.pop("keyring", None)


def test_a_command_that_says_nothing_is_not_shown() -> None:
    with pytest.raises(NotConfigured) as caught:
        resolve(f"cmd:{sys.executable} -c pass s3cret")
    assert "cmd:***" in caught.value.brief and "s3cret" not in str(caught.value.as_dict())


def test_what_a_failing_command_says_is_not_told(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho s3cret; echo s3cret >&2; exit 3\n")
    script.chmod(0o700)
    with pytest.raises(NotConfigured) as caught:
        resolve(f"cmd:{script}", PATH="/usr/bin:/bin")
    assert "s3cret" not in str(caught.value.as_dict())


# -- folders ----------------------------------------------------------------------------------------------------------


def test_folders_follow_xdg_and_ignore_what_is_relative() -> None:
    assert paths.config_file({"XDG_CONFIG_HOME": "/a", "HOME": "/h"}) == Path("/a/vdictl/config.toml")
    assert paths.config_file({"XDG_CONFIG_HOME": "a", "HOME": "/h"}) == Path("/h/.config/vdictl/config.toml")
    assert paths.state_dir({"HOME": "/h"}) == Path("/h/.local/state/vdictl")
    assert paths.config_file({"VDICTL_CONFIG": "/c", "HOME": "/h"}) == Path("/c")


def test_without_a_home_there_is_one_all_the_same() -> None:
    for environment in ({}, {"HOME": ""}, {"HOME": "relative"}):
        assert paths.state_dir(environment).is_absolute()


def test_private_folders_are_private(tmp_path: Path) -> None:
    folder = paths.make_private(tmp_path / "a/b")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# -- who acts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "owner"),
    [
        ({"USER": "Jane.Doe"}, "jane.doe"),
        ({"LOGNAME": "first", "USER": "second"}, "first"),
        ({"USER": "DOMAIN\\jane@example"}, "domain-jane-example"),
        ({"USER": "ünïcödé"}, "n-c-d"),
        ({"USER": "x" * 99}, "x" * 40),
        ({"USER": "---"}, "user"),
        ({"USER": "jane", "CI": "true"}, "ci"),
        ({"USER": "jane", "CI": "1"}, "ci"),
        ({"USER": "jane", "CI": "false"}, "jane"),
        ({"USER": "jane", "CI": ""}, "jane"),
    ],
)
def test_the_owner_when_nobody_says(environment: dict[str, str], owner: str) -> None:
    assert usual_owner(environment) == owner


def test_who_is_nobody_is_still_somebody() -> None:
    assert usual_owner({})


def test_an_owner_or_fleet_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    for owner, fleet in (("a b", ""), ("", "../x"), ("x" * 41, "")):
        with pytest.raises(Invalid, match="cannot be the name"):
            Context.build({"HOME": str(tmp_path), "USER": "me"}, owner=owner, fleet=fleet)


# -- what `config` shows ----------------------------------------------------------------------------------------------


def test_every_setting_is_explained_with_its_origin(world: World) -> None:
    found = {one.name: one for one in settings.everything(world.context)}
    assert (found["owner"].value, found["owner"].origin) == ("me", "login name")
    assert found["providers.memory.cloud"].value == world.name
    assert found["providers.local.engine"].variables == ("VDICTL_LOCAL_ENGINE", "VDICTL_ENGINE")


def test_options_and_ci_are_origins_too(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "USER": "me", "CI": "1"}
    by_ci = settings.one(Context.build(environment), "owner")
    by_option = settings.one(Context.build(environment, owner="jane", fleet="x"), "owner")
    assert (by_ci.value, by_ci.origin) == ("ci", "variable CI")
    assert (by_option.value, by_option.origin) == ("jane", "option")
    assert settings.one(Context.build(environment, fleet="x"), "fleet").origin == "option"


def test_a_mistyped_setting_gets_a_hint(world: World) -> None:
    for typed, meant in (("flet", "fleet"), ("engine", "providers.local.engine")):
        with pytest.raises(Invalid) as caught:
            settings.one(world.context, typed)
        assert caught.value.advice == f"Did you mean {meant}?"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("env:A", "env:A"), ("file:/a", "file:/a"), ("cmd:pass show s3cret", "cmd:***"), ("s3cret", "***"), ("", "")],
)
def test_of_a_secret_only_where_it_comes_from_is_shown(tmp_path: Path, written: str, shown: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[providers.memory]\npackage = "vdictl.testing.memory"\ntoken = "{written}"\n')
    context = Context.build({"HOME": str(tmp_path), "USER": "me", "VDICTL_CONFIG": str(file)})
    assert settings.one(context, "providers.memory.token").value == shown
