"""The manifest, and what is true before anything is asked of the provider."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from os import pathsep
from types import FunctionType
from typing import Any

from vdictl.contract import capabilities as optional
from vdictl.contract.model import Account
from vdictl.contract.provider import CONTRACT_VERSION, Manifest, Provider
from vdictl.testing.conformance.suite import Suite, Watch
from vdictl.testing.world import World

_IMPORT = """
import importlib, sys
package, before = sys.argv[1], set(sys.modules)
importlib.import_module(package)
root = package.partition(".")[0]
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - set(sys.stdlib_module_names) - {"vdictl", root}))
print(sys.argv[2] in sys.modules)
"""


def verbs(protocol: type) -> dict[str, FunctionType]:
    """The methods that a Protocol of the contract asks for."""
    found = {}
    for name, member in vars(protocol).items():
        function = getattr(member, "__func__", member)
        if isinstance(function, FunctionType) and not name.startswith("_"):
            found[name] = function
    return found


def capability_protocols() -> dict[str, type]:
    """All optional Protocols by name."""
    return {name: each for name, each in vars(optional).items() if name.startswith("Supports")}


def unlike(asked: FunctionType, given: Any) -> str:
    """How the parameters of a method differ from those agreed; empty: they do not."""
    wanted = {name: each for name, each in inspect.signature(asked).parameters.items() if name not in ("self", "cls")}
    there = {name: each for name, each in inspect.signature(given).parameters.items() if name not in ("self", "cls")}
    if any(each.kind is each.VAR_KEYWORD for each in there.values()):
        return "takes **keywords"
    for name, each in wanted.items():
        if name not in there:
            return f"lacks the parameter {name}"
        if each.kind is each.KEYWORD_ONLY and there[name].kind not in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD):
            return f"cannot take {name} by keyword"
        if each.default is not each.empty and there[name].default is each.empty:
            return f"has no default for {name}"
    more = [name for name, each in there.items() if name not in wanted and each.default is each.empty]
    return f"asks for {', '.join(more)}, which the contract does not give" if more else ""


class ManifestTests(Suite):
    """The package, its manifest and its class."""

    def entry(self, world: World) -> Any:
        """The class that the manifest names."""
        module, _, name = world.manifest.entry.partition(":")
        return getattr(importlib.import_module(module), name)

    def test_importing_the_package_loads_no_sdk(self, world: World) -> None:
        """The core reads the manifest of every provider at each start."""
        module = world.manifest.entry.partition(":")[0]
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT, world.package, module],
            env={"PYTHONPATH": pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        foreign, _, entry_loaded = done.stdout.partition("\n")
        assert not foreign, f"importing {world.package} also loads {foreign}"
        assert entry_loaded.strip() == "False", f"importing {world.package} also loads its {module}"

    def test_the_manifest_is_sound(self, world: World) -> None:
        """Names that can be typed, units that make sense, capabilities that exist."""
        manifest = world.manifest
        assert isinstance(manifest, Manifest)
        assert re.fullmatch(r"[a-z][a-z0-9-]*", manifest.name), manifest.name
        assert manifest.title and manifest.summary
        assert manifest.contract == CONTRACT_VERSION, f"written for contract {manifest.contract}"
        unknown = manifest.capabilities - capability_protocols().keys()
        assert not unknown, f"capabilities that the contract does not know: {sorted(unknown)}"
        names = [setting.name for setting in manifest.settings]
        assert len(names) == len(set(names)), f"a setting is there twice: {names}"
        assert manifest.list_lag >= 0
        assert manifest.timestamp_unit > 0
        assert all(isinstance(summary, str) and summary for summary in manifest.options.values())

    def test_the_entry_has_every_verb(self, world: World) -> None:
        """The nine verbs, with the parameters that the contract names."""
        entry = self.entry(world)
        for name, asked in verbs(Provider).items():
            given = getattr(entry, name, None)
            assert callable(given), f"{entry.__name__} has no {name}"
            assert not unlike(asked, given), f"{entry.__name__}.{name} {unlike(asked, given)}"

    def test_capabilities_agree_with_the_code(self, world: World) -> None:
        """What is listed is there; what is there is listed."""
        entry = self.entry(world)
        for capability, protocol in capability_protocols().items():
            asked = verbs(protocol)
            there = {name for name in asked if callable(getattr(entry, name, None))}
            if capability in world.manifest.capabilities:
                assert there == asked.keys(), f"{capability} is listed; missing: {sorted(asked.keys() - there)}"
                wrong = {name: unlike(asked[name], getattr(entry, name)) for name in sorted(there)}
                assert not any(wrong.values()), f"{capability}: {wrong}"
            else:
                assert there != asked.keys(), f"{capability} is there and not listed"

    def test_open_touches_nothing(self, world: World) -> None:
        """No connection, no program, no file: `open` is called for every provider at each start."""
        world.open().close()  # what is imported on first use is not meant
        with Watch() as watch:
            opened = world.open()
        opened.close()
        assert not watch.touched, f"open did: {watch.touched}"
        assert not watch.slept, f"open slept at {watch.slept}"

    def test_close_twice_is_fine(self, world: World) -> None:
        """Also before anything was asked."""
        opened = world.open()
        opened.close()
        opened.close()

    def test_check_tells_the_account(self, provider: Provider) -> None:
        """One cheap read."""
        account = provider.check()
        assert isinstance(account, Account)
        assert isinstance(account.id, str) and isinstance(account.name, str)
        assert account.id or account.name
