"""What `config set` takes, and the example that `config init` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from vdictl.cli.durations import seconds
from vdictl.cli.wishes import FORMATS
from vdictl.contract.errors import Invalid
from vdictl.contract.mark import OWNER, check_name
from vdictl.contract.provider import Manifest
from vdictl.core import secrets, settings
from vdictl.core.config import KEYS
from vdictl.core.registry import Registry


def require_sound(name: str, value: str, registry: Registry) -> None:
    """Refuse a value that no run could use.

    Raises:
        Invalid: it cannot be that setting's. A secret is never shown.
    """
    setting = settings.setting_of(name, registry)
    secret = setting is not None and setting.secret
    if secret:
        secrets.require_reference(value, key=name)
    holds = value.partition(":")[2] if secret else value
    if not holds or not value.isprintable() or len(value) > 1000:
        advice = f"To have the default again: vdictl config unset {name}"
        raise Invalid(f"{value[:40]!a} cannot be the value of {name}.", advice=advice)
    checks: Mapping[str, Callable[[], object]] = {
        "default_provider": lambda: registry.manifest(value),
        "default_name": lambda: check_name("desktop", value),
        "owner": lambda: check_name("owner", value, OWNER),
        "fleet": lambda: check_name("fleet", value, OWNER),
        "timeout": lambda: seconds(value, option="timeout"),
        "output": lambda: _one_of(value, FORMATS),
    }
    if name in checks:
        checks[name]()


def _one_of(value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise Invalid(f"The output {value[:40]!a} is not one of {', '.join(choices)}.")


_HEAD = """\
# The settings of vdictl. All are commented out: the defaults hold.
#
# An option of the command line wins over a variable of the environment, that over a profile, that over this file.
# See what holds, and where it comes from: vdictl config list
# A secret never stands here itself, but where it comes from: env:NAME, file:PATH, keyring:NAME or cmd:COMMAND.
"""

_TAIL = """
# Profiles: the same settings under a name, for --profile NAME or VDICTL_PROFILE.
#[profiles.work]
#fleet = "office"
#[profiles.work.providers.local]
#engine = "podman"
"""


def example(manifests: Iterable[Manifest]) -> str:
    """A config with every setting, commented out."""
    return "".join([_HEAD, *_of_vdictl(), *(line for manifest in manifests for line in _of_provider(manifest)), _TAIL])


def _of_vdictl() -> Iterator[str]:
    for name, key in KEYS.items():
        yield f'\n# {key.summary}  [VDICTL_{name.upper()}]\n#{name} = "{key.default}"\n'


def _of_provider(manifest: Manifest) -> Iterator[str]:
    if not manifest.settings:
        return
    yield f"\n# {manifest.title}: {manifest.summary}\n#[providers.{manifest.name}]\n"
    for setting in manifest.settings:
        variables = settings.variables_of(manifest, setting)
        value = f"env:{variables[-1]}" if setting.secret else setting.default
        required = " (required)" if setting.required else ""
        yield f'# {setting.summary}{required}  [{", ".join(variables)}]\n#{setting.name} = "{value}"\n'
