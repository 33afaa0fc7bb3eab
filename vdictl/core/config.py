"""Settings and where each comes from: option, then environment, then profile, then file, then default."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vdictl.contract.errors import Invalid, NotConfigured
from vdictl.contract.model import Secret
from vdictl.contract.provider import Manifest, Setting
from vdictl.core import paths, secrets

_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Key:
    """One setting of vdictl itself."""

    summary: str
    default: str = ""


KEYS: Mapping[str, Key] = {
    "default_provider": Key("the provider of a create that names none", "local"),
    "default_name": Key("the name of a create that names none", "desktop"),
    "owner": Key("whose desktops these are; default: 'ci' where CI is set, else the login name"),
    "fleet": Key("which fleet is seen and made", "default"),
    "timeout": Key("how long a verb waits, for example 15m", "15m"),
    "output": Key("table, json, yaml, csv or name", "table"),
}


@dataclass(frozen=True)
class Value:
    """A setting's value and where it comes from."""

    text: str
    origin: str  #: "option", "variable NAME", "profile NAME in FILE", "FILE", "default"


class Config:
    """The settings of one run. Reads the file once; the environment is passed in."""

    def __init__(
        self, *, file: Path, data: Mapping[str, Any], environment: Mapping[str, str], profile: str = ""
    ) -> None:
        """Use `load`."""
        self.file = file
        self.environment = environment
        self.profile = profile
        self._layers: list[tuple[str, Mapping[str, Any]]] = []
        if profile:
            self._layers.append((f"profile {profile} in {file}", self._profile(data, profile)))
        self._layers.append((str(file), data))

    @classmethod
    def load(cls, environment: Mapping[str, str], *, profile: str = "") -> Config:
        """Read the config file, if there is one.

        Raises:
            Invalid: it is no TOML, or has a key that nobody knows.
            NotConfigured: it is there and cannot be read.
        """
        file = paths.config_file(environment)
        data = _read(file, required="VDICTL_CONFIG" in environment)
        return cls.of(data, file=file, environment=environment, profile=profile)

    @classmethod
    def of(cls, data: Mapping[str, Any], *, file: Path, environment: Mapping[str, str], profile: str = "") -> Config:
        """What the file holds, or is about to hold.

        Raises:
            Invalid: it has a key that nobody knows, or there is no such profile.
        """
        _refuse_unknown(data, file)
        return cls(
            file=file, data=data, environment=environment, profile=profile or environment.get("VDICTL_PROFILE", "")
        )

    def value(self, key: str) -> Value:
        """One of `KEYS`."""
        variable = f"VDICTL_{key.upper()}"
        if self.environment.get(variable):
            return Value(self.environment[variable], f"variable {variable}")
        for origin, layer in self._layers:
            if key in layer:
                return Value(str(layer[key]), origin)
        return Value(KEYS[key].default, "default")

    def text(self, key: str) -> str:
        """The value of one of `KEYS`."""
        return self.value(key).text

    def require_known(self, manifest: Manifest) -> None:
        """Raise Invalid where the provider's table has a key that it does not know, naming the nearest."""
        known = {"package", *(setting.name for setting in manifest.settings)}
        for origin, layer in self._layers:
            for key in layer.get("providers", {}).get(manifest.name, {}):
                if key not in known:
                    brief = f"The provider {manifest.name} has no setting {key[:60]!a}, which is in {origin}."
                    raise Invalid(brief, advice=nearest(key, sorted(known)), provider=manifest.name)

    def providers(self) -> set[str]:
        """The names of all tables of providers."""
        return {name for _, layer in self._layers for name in layer.get("providers", {})}

    def packages(self) -> dict[str, str]:
        """Packages of providers that the config names itself: `[providers.NAME] package = "..."`."""
        tables = [layer.get("providers", {}) for _, layer in reversed(self._layers)]
        return {n: str(t["package"]) for table in tables for n, t in table.items() if "package" in t}

    def provider_value(self, manifest: Manifest, setting: Setting) -> Value:
        """A provider's setting; of a secret, the reference to it."""
        for variable in (f"VDICTL_{manifest.name}_{setting.name}".upper(), *setting.variables):
            if self.environment.get(variable):
                text = f"env:{variable}" if setting.secret else self.environment[variable]
                return Value(text, f"variable {variable}")
        for origin, layer in self._layers:
            table = layer.get("providers", {}).get(manifest.name, {})
            if setting.name in table:
                return Value(str(table[setting.name]), origin)
        return Value(setting.default, "default")

    def provider_settings(self, manifest: Manifest) -> tuple[dict[str, str], dict[str, Secret]]:
        """All settings of a provider that are set: plain ones, and secrets.

        Raises:
            NotConfigured: a required one is missing, or a secret cannot be had.
            Invalid: a secret in clear text.
        """
        self.require_known(manifest)
        values: dict[str, str] = {}
        hidden: dict[str, Secret] = {}
        for setting in manifest.settings:
            found = self.provider_value(manifest, setting)
            if not found.text:
                if setting.required:
                    raise _missing(manifest, setting)
            elif setting.secret:
                key = f"providers.{manifest.name}.{setting.name}"
                hidden[setting.name] = secrets.resolve(found.text, key=key, environment=self.environment)
            else:
                values[setting.name] = found.text
        return values, hidden

    def has_required(self, manifest: Manifest) -> bool:
        """Whether all required settings of a provider are there (secrets are not resolved).

        Raises:
            Invalid: its table has a key that it does not know.
        """
        self.require_known(manifest)
        needed = [s for s in manifest.settings if s.required]
        return all(self.provider_value(manifest, s).text for s in needed)

    def everything(self) -> Iterator[tuple[str, Value]]:
        """All of vdictl's own settings."""
        for key in KEYS:
            yield key, self.value(key)

    @staticmethod
    def _profile(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        profiles: Mapping[str, Mapping[str, Any]] = data.get("profiles", {})
        if name not in profiles:
            there = ", ".join(sorted(profiles)) or "none"
            raise Invalid(f"There is no profile called {name!a}.", details=f"Profiles: {there}.")
        return profiles[name]


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise Invalid(f"The config file {file} is larger than a mebibyte.")
        return tomllib.loads(text.decode())
    except FileNotFoundError as error:
        if required:
            raise NotConfigured(f"The config file {file} is not there.", advice="VDICTL_CONFIG names it.") from error
        return {}
    except NotADirectoryError:
        return {}
    except OSError as error:
        raise NotConfigured(f"The config file {file} cannot be read.", details=str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The config file {file} is no valid TOML.", details=str(error)) from error


def _refuse_unknown(data: Mapping[str, Any], file: Path) -> None:
    profiles = data.get("profiles", {})
    if not isinstance(profiles, Mapping):
        raise Invalid(f"'profiles' in {file} is no table.")
    for layer in (data, *profiles.values()):
        if not isinstance(layer, Mapping) or not isinstance(layer.get("providers", {}), Mapping):
            raise Invalid(f"A profile or 'providers' in {file} is no table.")
        for key, value in layer.items():
            if key not in {*KEYS, "profiles", "providers"}:
                advice = nearest(key, [*KEYS, "profiles", "providers"])
                raise Invalid(f"Nobody knows the key {key[:60]!a} in {file}.", advice=advice)
            if key in KEYS and not isinstance(value, str | int | float | bool):
                raise Invalid(f"The key {key} in {file} must be a single value.")
        for name, table in layer.get("providers", {}).items():
            if not isinstance(table, Mapping):
                raise Invalid(f"[providers.{name}] in {file} must be a table.")
            for key, value in table.items():
                if not isinstance(value, str | int | float | bool):
                    raise Invalid(f"The key {key} of [providers.{name}] in {file} must be a single value.")


def nearest(word: str, known: Sequence[str]) -> str:
    """Advice for a word that nobody knows: the one that was probably meant, else all there are."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."


def _missing(manifest: Manifest, setting: Setting) -> NotConfigured:
    ways = [f"set {v}" for v in setting.variables[:1]]
    ways.append(f"write {setting.name} under [providers.{manifest.name}] in the config")
    return NotConfigured(
        f"The provider {manifest.name} needs {setting.name}: {setting.summary}.",
        advice="To cure it, " + " or ".join(ways) + ".",
        provider=manifest.name,
    )
