"""Each provider's quality.toml answers every rule of docs/quality.md, and what it claims is so."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vdictl.contract import capabilities
from vdictl.contract.provider import Manifest
from vdictl.testing.world import World

ROOT = Path(__file__).parent.parent
LEVEL = re.compile(r"^## Level \d: (\w+)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)
#: Fails where the manifest brings in more than the standard library and the contract.
LIGHT = """
import sys
__import__(sys.argv[1])
ours = {"vdictl", "vdictl.contract", sys.argv[1]}
print([m for m in sys.modules if m.partition(".")[0] not in sys.stdlib_module_names | {"__mp_main__"}
       and m not in ours and not m.startswith(("vdictl.contract.", "_", "sitecustomize"))])
"""


def levels() -> dict[str, list[str]]:
    """Level -> its rules, lowest first, as the page defines them."""
    page = (ROOT / "docs/quality.md").read_text(encoding="utf-8")
    return {name: RULE.findall(text) for name, text in LEVEL.findall(page)}


@dataclass(frozen=True)
class Provider:
    """What can be looked at of one provider."""

    name: str

    @property
    def folder(self) -> Path:
        return ROOT / "providers" / f"vdictl_{self.name}"

    @cached_property
    def rules(self) -> Mapping[str, dict[str, str]]:
        file = self.folder / "quality.toml"
        assert file.is_file(), f"{self.name} has no quality.toml; the rules: docs/quality.md"
        return tomllib.loads(file.read_text(encoding="utf-8"))["rules"]  # type: ignore[no-any-return] # a table

    @cached_property
    def manifest(self) -> Manifest:
        return import_module(f"vdictl_{self.name}").MANIFEST  # type: ignore[no-any-return] # by its name only

    @cached_property
    def suite(self) -> ModuleType:
        return import_module(f"tests.conformance.test_{self.name}")

    @cached_property
    def world(self) -> type[World]:
        kinds = [kind for kind in vars(self.suite).values() if isinstance(kind, type) and issubclass(kind, World)]
        return next(kind for kind in kinds if kind.package == f"vdictl_{self.name}")

    @property
    def page(self) -> str:
        file = ROOT / f"docs/providers/{self.name}.md"
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    def can(self, *names: str) -> bool:
        return self.manifest.capabilities >= set(names)

    def arranges(self, name: str) -> bool:
        """Whether its world has this of its own."""
        return getattr(self.world, name) is not getattr(World, name)


def is_light(provider: Provider) -> bool:
    program = [sys.executable, "-c", LIGHT, f"vdictl_{provider.name}"]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'providers'}"}
    done = subprocess.run(program, env=path, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip() == "[]"


def has_extra(provider: Provider) -> bool:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    return provider.manifest.extra in extras and f"vdictl[{provider.manifest.extra}]" in extras["all"]


ALL = {name for name in vars(capabilities) if name.startswith("Supports")}
#: What this test looks at itself. A claim of any other rule names a test as its proof.
LOOKS: Mapping[str, Callable[[Provider], Any]] = {
    "conformance": lambda p: p.suite,
    "no-gaps": lambda p: not p.world.gaps,
    "light-manifest": is_light,
    "faults": lambda p: p.world.faults or "self.faults =" in inspect.getsource(p.world),
    "foreign-things": lambda p: p.arranges("foreign"),
    "no-secret-shown": lambda p: p.arranges("raw_text"),
    "newer-marks": lambda p: p.arranges("newer"),
    "page": lambda p: p.page,
    "settings-told": lambda p: all(f"`{setting.name}`" in p.page for setting in p.manifest.settings),
    "extra": has_extra,
    "doctor": lambda p: p.can("SupportsDoctor"),
    "power": lambda p: p.can("SupportsPower"),
    "inside": lambda p: p.can("SupportsExec", "SupportsTunnel", "SupportsLogs"),
    "kept-homes": lambda p: p.can("SupportsVolumes"),
    "snapshots": lambda p: p.can("SupportsSnapshots"),
    "sizes": lambda p: p.can("SupportsCatalogue"),
    "sweeps": lambda p: p.can("SupportsStrays"),
    "every-ability": lambda p: p.can(*ALL),
    "figures": lambda p: "## Figures" in p.page,
}

PROVIDERS = [Provider(folder.name.removeprefix("vdictl_")) for folder in sorted(ROOT.glob("providers/vdictl_*"))]
each = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)


def test_the_page_defines_the_rules_that_are_looked_at() -> None:
    rules = [rule for some in levels().values() for rule in some]
    assert len(levels()) == 3
    assert len(rules) == len(set(rules))
    assert LOOKS.keys() <= set(rules)


@each
def test_every_rule_is_answered(provider: Provider) -> None:
    assert set(provider.rules) == {rule for some in levels().values() for rule in some}
    for rule, answer in provider.rules.items():
        assert answer["status"] in {"done", "todo", "exempt"}, rule
        if answer["status"] != "done":
            assert len(answer.get("reason", "")) > 10, f"{rule}: why?"


@each
def test_what_is_claimed_is_so(provider: Provider) -> None:
    done = {rule: answer for rule, answer in provider.rules.items() if answer["status"] == "done"}
    assert [rule for rule in done if rule in LOOKS and not LOOKS[rule](provider)] == []
    for rule in done.keys() - LOOKS.keys():
        file, _, name = done[rule].get("proof", "").partition("::")
        assert name, f"{rule}: which test proves it? proof = 'tests/...::test_...'"
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{rule}: {file} has no {name}"


@each
def test_what_is_open_is_open_indeed(provider: Provider) -> None:
    todo = [rule for rule, answer in provider.rules.items() if answer["status"] == "todo"]
    assert [rule for rule in todo if rule in LOOKS and LOOKS[rule](provider)] == [], "done by now: say so"


@each
def test_the_readme_names_the_level_that_it_has(provider: Provider) -> None:
    reached = "below all levels"
    for level, rules in levels().items():
        if any(provider.rules[rule]["status"] == "todo" for rule in rules):
            break
        reached = level
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| `{provider.name}`[^\n]*\[{reached}\]\(docs/quality.md\)", readme, re.MULTILINE), reached
