"""Which providers there are: built-in ones from a table, strangers' by the entry points that pip has installed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar, cast

from vdictl.contract.errors import Invalid, NotConfigured, Unsupported
from vdictl.contract.provider import CONTRACT_VERSION, Manifest, Provider, Settings

BUILT_IN: Mapping[str, str] = {"local": "vdictl_local"}
GROUP = "vdictl.providers"
C = TypeVar("C")


class Registry:
    """Names of providers and the packages that hold them."""

    def __init__(self, packages: Mapping[str, str] | None = None) -> None:
        """`packages` come from the config (`[providers.NAME] package = ...`) and win over the rest."""
        self._packages = {**BUILT_IN, **(packages or {})}
        self._scanned = False

    def names(self) -> list[str]:
        """All that are installed."""
        self._scan()
        return sorted(self._packages)

    def manifest(self, name: str) -> Manifest:
        """A provider's manifest; imports its package, which imports no SDK.

        Raises:
            Invalid: there is no such provider.
            NotConfigured: it is known, but its package is not installed or speaks another contract.
        """
        if name not in self._packages:
            self._scan()
        if name not in self._packages:
            raise self._unknown(name)
        try:
            manifest: object = import_module(self._packages[name]).MANIFEST
        except ImportError as error:
            advice = f"Install it: pip install 'vdictl[{name}]'"
            raise NotConfigured(f"The provider {name} is not installed.", details=str(error), advice=advice) from error
        except Exception as error:  # somebody's package that is broken must not stop the others
            raise NotConfigured(f"The provider {name} has no manifest.", details=str(error), provider=name) from error
        if not isinstance(manifest, Manifest):
            raise NotConfigured(f"The provider {name} has no manifest.", provider=name)
        if manifest.contract != CONTRACT_VERSION:
            brief = f"The provider {name} speaks contract {manifest.contract}, this vdictl speaks {CONTRACT_VERSION}."
            raise NotConfigured(brief, advice="Update whichever of the two is older.", provider=name)
        return manifest

    def manifests(self) -> dict[str, Manifest]:
        """The manifests of all that can be loaded."""
        found = {}
        for name in self.names():
            try:
                found[name] = self.manifest(name)
            except NotConfigured:
                continue  # a listed extra that is not installed; `providers` shows it from `names`
        return found

    def open(self, name: str, settings: Settings, *, timeout: float) -> Provider:
        """Import the provider's code and make one. No I/O."""
        module, _, class_name = self.manifest(name).entry.partition(":")
        try:
            kind = getattr(import_module(module), class_name)
        except (ImportError, AttributeError, SyntaxError) as error:
            advice = f"Install what it needs: pip install 'vdictl[{self.manifest(name).extra or name}]'"
            raise NotConfigured(f"The provider {name} cannot be loaded.", details=str(error), advice=advice) from error
        return cast(Provider, kind.open(settings, timeout=timeout))

    def _scan(self) -> None:
        if self._scanned:
            return
        from vdictl.core.entries import entry_points  # not needed for who names a built-in provider

        for name, package in entry_points(GROUP).items():
            self._packages.setdefault(name, package)
        self._scanned = True

    def _unknown(self, name: str) -> Invalid:
        names = self.names()
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
        return Invalid(f"There is no provider called {name!a}.", advice=hint)


@dataclass(frozen=True)
class Opened:
    """A provider at work: its name, what it says of itself, and its verbs."""

    name: str
    manifest: Manifest
    provider: Provider
    registry: Registry

    def can(self, capability: type[object]) -> bool:
        """Whether the manifest lists the capability (a class of `vdictl.contract.capabilities`)."""
        return capability.__name__ in self.manifest.capabilities

    def need(self, capability: type[C], *, to: str) -> C:
        """The provider as `capability`; `to` says what for ("take snapshots").

        Raises:
            Unsupported: it cannot; those that can are named.
        """
        if self.can(capability):
            return cast(C, self.provider)
        able = [n for n, m in self.registry.manifests().items() if capability.__name__ in m.capabilities]
        advice = f"These can: {', '.join(able)}." if able else "No installed provider can."
        raise Unsupported(f"The provider {self.name} cannot {to}.", advice=advice, provider=self.name)
