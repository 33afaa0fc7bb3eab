"""Every setting by its full name, with its value and where that comes from: what `config` shows. No secret is in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from vdictl.contract.errors import Invalid
from vdictl.contract.provider import Manifest, Setting
from vdictl.core.config import KEYS, Value, nearest
from vdictl.core.context import Context, in_ci, usual_owner
from vdictl.core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One setting."""

    name: str  #: "fleet", or "providers.NAME.SETTING"
    value: str  #: of a secret, where it comes from; "***" where that itself could tell something
    origin: str  #: "option", "variable NAME", "profile NAME in FILE", "FILE", "default", ...
    summary: str
    default: str = ""
    variables: tuple[str, ...] = ()  #: of the environment, the first that is set wins
    secret: bool = False
    required: bool = False


def everything(context: Context) -> Iterator[Explained]:
    """All settings of vdictl and of every installed provider."""
    for key in KEYS:
        yield _own(context, key)
    for manifest in context.registry.manifests().values():
        context.config.require_known(manifest)
        for setting in manifest.settings:
            yield _of_provider(context, manifest, setting)


def one(context: Context, name: str) -> Explained:
    """The setting of this name.

    Raises:
        Invalid: there is none; the one that was probably meant is named.
    """
    known = {setting.name: setting for setting in everything(context)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1) or [k for k in known if k.endswith(f".{name}")][:1]
    advice = f"Did you mean {near[0]}?" if near else "See all: vdictl config list"
    raise Invalid(f"There is no setting called {name[:60]!a}.", advice=advice)


def way(name: str, registry: Registry, *, profile: str = "") -> tuple[str, ...]:
    """Where a setting stands in the file: the tables to it, and its key.

    Raises:
        Invalid: nobody knows it; the one that was probably meant is named.
    """
    inside = ("profiles", profile) if profile else ()
    table, _, rest = name.partition(".")
    if table != "providers" or not rest:
        if name not in KEYS:
            known = [*KEYS, *(f"providers.{each}.SETTING" for each in registry.names())]
            raise Invalid(f"There is no setting called {name[:60]!a}.", advice=nearest(name, known))
        return (*inside, name)
    provider, _, key = rest.partition(".")
    setting_of(name, registry)
    return (*inside, "providers", provider, key)


def setting_of(name: str, registry: Registry) -> Setting | None:
    """The setting of a provider that is called `providers.NAME.SETTING`; None: it is one of vdictl's own.

    Raises:
        Invalid: there is no such provider, or it has no such setting.
    """
    table, _, rest = name.partition(".")
    if table != "providers":
        return None
    provider, _, key = rest.partition(".")
    known = {setting.name: setting for setting in registry.manifest(provider).settings}
    if key not in known:
        there = nearest(key, list(known)) if known else "It has none."
        raise Invalid(f"The provider {provider} has no setting {key[:60]!a}.", advice=there, provider=provider)
    return known[key]


def _own(context: Context, key: str) -> Explained:
    value, about = context.config.value(key), KEYS[key]
    if key == "owner":
        value = _settled(value, context.owner, _origin_of_owner(context))
    if key == "fleet":
        value = _settled(value, context.fleet, "option")
    variables = (f"VDICTL_{key.upper()}",)
    return Explained(
        name=key,
        value=value.text,
        origin=value.origin,
        summary=about.summary,
        default=about.default,
        variables=variables,
    )


def _settled(value: Value, text: str, origin: str) -> Value:
    """What holds in this run: an option of the command line wins over the settings."""
    return value if value.text == text else Value(text, origin)


def _origin_of_owner(context: Context) -> str:
    if context.config.text("owner") or context.owner != usual_owner(context.environment):
        return "option"
    return "variable CI" if in_ci(context.environment) else "login name"


def _of_provider(context: Context, manifest: Manifest, setting: Setting) -> Explained:
    value = context.config.provider_value(manifest, setting)
    return Explained(
        name=f"providers.{manifest.name}.{setting.name}",
        value=_reference(value) if setting.secret else value.text,
        origin=value.origin,
        summary=setting.summary,
        default=setting.default,
        variables=variables_of(manifest, setting),
        secret=setting.secret,
        required=setting.required,
    )


def variables_of(manifest: Manifest, setting: Setting) -> tuple[str, ...]:
    """The variables that set it; the first that is set wins."""
    return tuple(dict.fromkeys((f"VDICTL_{manifest.name}_{setting.name}".upper(), *setting.variables)))


def _reference(value: Value) -> str:
    """Where a secret comes from. A command may hold one, and what has no scheme is one, in clear text."""
    scheme, _, _ = value.text.partition(":")
    if not value.text or scheme in {"env", "file", "keyring"}:
        return value.text
    return "cmd:***" if scheme == "cmd" else "***"
