"""Where secrets come from: `env:NAME`, `file:PATH`, `keyring:NAME` or `cmd:COMMAND`; never an argument."""

from __future__ import annotations

import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from vdictl.contract.errors import Invalid, NotConfigured
from vdictl.contract.model import Secret

COMMAND_SECONDS = 30
SCHEMES = ("env", "file", "keyring", "cmd")

#: What this process was given: an error that nobody expected may quote it, when nothing can be asked any more.
_GIVEN: set[str] = set()


def given() -> frozenset[str]:
    """All secrets that were resolved in this process: for who takes them out of a text."""
    return frozenset(_GIVEN)


def is_reference(text: str) -> bool:
    """Whether it says where a secret is; else it is one, in clear text."""
    return text.partition(":")[0] in SCHEMES


def require_reference(text: str, *, key: str) -> None:
    """Raise Invalid where a secret itself stands instead of where it comes from. The text is never shown."""
    if not is_reference(text):
        raise Invalid(
            f"The setting {key} holds a secret in clear text.",
            advice=f"Write {key} = 'env:NAME', 'file:PATH', 'keyring:NAME' or 'cmd:COMMAND' instead.",
        )


def resolve(reference: str, *, key: str, environment: Mapping[str, str]) -> Secret:
    """The secret that `reference` names; `key` is the setting, for the error.

    Raises:
        Invalid: the reference has no known scheme.
        NotConfigured: the scheme's place holds no secret, or others can read it.
    """
    require_reference(reference, key=key)
    scheme, _, rest = reference.partition(":")
    readers: dict[str, Callable[[], str]] = {
        "env": lambda: environment.get(rest, ""),
        "file": lambda: _file(rest, key),
        "keyring": lambda: _keyring(rest, key),
        "cmd": lambda: _command(rest, key, environment),
    }
    text = readers[scheme]().strip()
    if not text:
        where = "cmd:***" if scheme == "cmd" else f"{scheme}:{rest}"  # a command may hold a secret itself
        raise NotConfigured(f"The setting {key} names {where}, and nothing is there.")
    _GIVEN.add(text)
    return Secret(text)


def _file(name: str, key: str) -> str:
    try:
        path = Path(name).expanduser()
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            advice = f"Run: chmod 600 {shlex.quote(str(path))}"
            raise NotConfigured(f"Others can read {path}, which holds the secret {key}.", advice=advice)
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:  # no text, no such user: neither tells what was read
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise NotConfigured(f"The secret {key} cannot be read from {name}.", details=reason or "") from None


def _keyring(name: str, key: str) -> str:
    try:
        import keyring  # heavy, and only for who uses it
    except ImportError as error:
        advice = "Install it: pip install keyring"
        raise NotConfigured(
            f"The secret {key} is in the keyring, and no keyring is installed.", advice=advice
        ) from error
    try:
        return str(keyring.get_password("vdictl", name) or "")
    except Exception as error:  # each of its backends has errors of its own
        brief = f"The keyring did not give the secret {key}."
        raise NotConfigured(
            brief, details=type(error).__name__, advice="Unlock it, or see: keyring diagnose"
        ) from error


def _command(command: str, key: str, environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            shlex.split(command),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            env=dict(environment),
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise NotConfigured(f"The command for the secret {key} failed.", details=type(error).__name__) from error
    return done.stdout
