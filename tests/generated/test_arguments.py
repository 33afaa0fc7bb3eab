"""Generated command lines and config files: never a bug (exit 3), never a change outside the fleet and the home.

5,000 of each in full (`bash scripts/faults.sh`), a sample from a printed seed else.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

from tests.generated.amount import amount, seed_of
from tests.generated.inprocess import CONFIG, Machine, Sky, sky
from vdictl.cli.app import build
from vdictl.cli.verbs import VERBS
from vdictl.testing.memory.cloud import Pace

SAMPLE, ALL = 250, 5000

NASTY = [
    "", "-", "--", "-x", "--nope", "x" * 300, "a\nb", "a\tb", "../x", "/", ".", "*", "a*", "[", "?", "%s", "{}",
    "$HOME", "\N{GRINNING FACE}", "\udcff\udc80", "\x1b[31m", "a b", "a/b", "a=b", "=", "a=", "=b", "A", "none",
    "ephemeral", "0", "-1", "1", "1e308", "nan", "inf", "99999999999999999999", "0x10", "1.5", "8h", "0s",
    "-1h", "2030-01-31T18:00", "0001-01-01", "9999-12-31T23:59:59+14:00", "8g", "0g", "json", "yaml", "name",
    "table", "csv", "xml", "name,state", ",", "usable", "running", "deleted", "memory", "local", "xfce",
    "minimal", "mem-1c-1gb", "kept", "one/kept", "https://example.com/x.git", "https://a:b@example.com",
    "a:b@c:d", "web:", ":x", "one:/etc/passwd", "one:x", "file",
    "3000", "3000:70000", "70000", "127.0.0.1:80:80", "bash", "zsh",
]  # fmt: skip
THERE = ["one", "two", "half", "desktop", "nobody"]
PIECES = st.one_of(st.sampled_from(THERE), st.sampled_from(NASTY), st.text(max_size=12))
#: These go on until Ctrl-C by their nature, or write where they are told.
LEFT_OUT = {"--install-timer", "--watch"}


@cache
def options_of(verb: str) -> tuple[str, ...]:
    """The options of a verb and of all below it, and the names of those below."""
    group = build()
    command: Any = group.get_command(None, verb)
    found: list[str] = []
    waiting = [command]
    while waiting:
        here = waiting.pop()
        found += [word for param in here.params for word in param.opts + param.secondary_opts if word.startswith("-")]
        below = getattr(here, "commands", {})
        found += below
        waiting += below.values()
    return tuple(sorted(set(found) - LEFT_OUT))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A verb, mistyped now and then, options that it has or has not, with and without values, and arguments."""
    verb = draw(st.sampled_from(sorted(VERBS)))
    words = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 3))
        if kind < 2:
            words.append(draw(st.sampled_from(options_of(verb))))
        if kind > 0:
            words.append(draw(PIECES))
    if draw(st.integers(0, 9)) == 0:
        verb = draw(PIECES)
    before = draw(st.lists(st.sampled_from(["-q", "-o", "json", "--owner", "bob", "-p", "memory"]), max_size=3))
    return [word.replace("\0", "") for word in (*before, verb, *words)]


@dataclass
class Place:
    """A machine, and what must stay as it is, whatever is typed."""

    machine: Machine
    sky: Sky
    outside: Path

    def foreign(self) -> str:
        """What is of another fleet, and of nobody of ours."""
        with self.sky.cloud.store.change() as state:
            things = [t for kind in ("machines", "volumes", "snapshots") for t in state[kind].values()]
            return json.dumps([t for t in things if "other" in (t.get("fleet"), *t["name"].split("-"))], sort_keys=True)

    def files(self) -> list[str]:
        """Everything beside the machine's own folders."""
        return sorted(str(path) for path in self.outside.rglob("*") if self.machine.folder not in (path, *path.parents))


@pytest.fixture
def place(capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """A fleet with a stopped desktop, a half-made one and a snapshot; machines never boot, so nothing runs on."""
    with tempfile.TemporaryDirectory() as folder, sky(Pace(boot=1.0, task=1.0, build=5.0)) as above:
        outside = Path(folder)
        (outside / "precious").write_text("precious")
        machine = Machine(outside / "machine", above)
        other = Machine(outside / "elsewhere", above, environment={"VDICTL_FLEET": "other"})
        for name in ("one", "two"):
            assert machine("create", name, "--no-wait").code == other("create", name, "--no-wait").code == 0
        assert machine("snapshot", "create", "one", "kept").code == other("snapshot", "create", "one", "kept").code == 0
        for name in ("one", "two"):
            assert machine("stop", name).code == 0
        above.cloud.pace = Pace(boot=1e12, task=1.0, build=5.0)
        assert machine("create", "half", "--detach").code == 0
        above.clock.patience = 60
        yield Place(machine, above, outside)


def test_command_lines(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        number = seed_of("command lines")
    foreign, files = place.foreign(), place.files()
    assert foreign.count('"name"') > 3

    @seed(number)
    @amount(SAMPLE, ALL)
    @given(words=command_lines(), stdin=st.sampled_from(["", "x", "A=b\n", "y\n", "\udcff"]))
    def every(words: list[str], stdin: str) -> None:
        result = place.machine(*words, stdin=stdin)
        assert place.foreign() == foreign, f"{words}: {result}"
        assert place.files() == files, f"{words}: {result}"
        if result.code not in (0, 1) and "exec" not in words:
            assert result.err.strip() or result.out, f"{words}: no word about it: {result}"

    every()


# -- config files -----------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(),
    st.sampled_from(["memory", "local", "8h", "env:NO", "file:/nonexistent", "keyring:x", "cmd:false", "csv", "../x"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.lists(st.integers(), max_size=2),
)
OWN = ["default_provider", "default_name", "owner", "fleet", "timeout", "output", "profiles", "providers", "nope", ""]
OF_PROVIDERS = ["package", "token", "boot", "page", "latency", "rate", "lag", "faults", "engine", "nope"]
PACKAGES = st.one_of(st.sampled_from(["vdictl.testing.memory", "json", "no.such", "../x", "", "vdictl_local"]), VALUES)


def _toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), repr(value))
    return json.dumps(value)


@st.composite
def config_files(draw: st.DrawFn) -> bytes:
    """What somebody may have written into the config, or what a broken disk has left of it."""
    lines = [
        f"{_toml(k)} = {_toml(draw(VALUES))}" for k in draw(st.lists(st.sampled_from(OWN), unique=True, max_size=3))
    ]
    tables = ["providers.memory", "providers.local", "providers.odd", "profiles.p", "profiles.p.providers.memory", "x"]
    for table in draw(st.lists(st.sampled_from(tables), unique=True, max_size=3)):
        lines.append(f"[{table}]")
        keys = OWN if table == "profiles.p" else OF_PROVIDERS
        for key in draw(st.lists(st.sampled_from(keys), unique=True, max_size=3)):
            lines.append(f"{_toml(key)} = {_toml(draw(PACKAGES if key == 'package' else VALUES))}")
    text = "\n".join(lines).encode()
    if draw(st.integers(0, 4)) == 0:
        text = text[: draw(st.integers(0, len(text)))] + draw(st.binary(max_size=6))
    return text


def test_config_files(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        number = seed_of("config files")
    foreign, files = place.foreign(), place.files()
    lines = [["list", "-o", "json"], ["config", "list"], ["create", "--dry-run"], ["providers"], ["stop", "one"]]

    @seed(number)
    @amount(SAMPLE, ALL)
    @given(text=config_files(), words=st.sampled_from(lines), profile=st.sampled_from([[], [], ["--profile", "p"]]))
    def every(text: bytes, words: list[str], profile: list[str]) -> None:
        place.machine.config.write_bytes(text)
        result = place.machine(*words, *profile)
        assert place.foreign() == foreign, f"{text!r}: {result}"
        assert place.files() == files, f"{text!r}: {result}"
        assert place.machine.config.read_bytes() == text, f"{words} wrote into the config"

    every()
    place.machine.config.write_text(CONFIG.format(cloud=place.sky.name))
