"""Where vdictl keeps its files on this machine (XDG). Deleting any of them loses nothing that the cloud knows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def _home(environment: Mapping[str, str]) -> Path:
    given = environment.get("HOME", "")
    if given and Path(given).is_absolute():
        return Path(given)
    try:
        import pwd  # not on Windows, and seldom needed

        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except (ImportError, KeyError):
        return Path(tempfile.gettempdir()) / f"vdictl-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


def _xdg(environment: Mapping[str, str], variable: str, fallback: str) -> Path:
    given = environment.get(variable, "")
    return Path(given) if given and Path(given).is_absolute() else _home(environment) / fallback


def config_home(environment: Mapping[str, str]) -> Path:
    """Where all programs of this user keep their configuration."""
    return _xdg(environment, "XDG_CONFIG_HOME", ".config")


def config_file(environment: Mapping[str, str]) -> Path:
    """The config file; `VDICTL_CONFIG` names another."""
    given = environment.get("VDICTL_CONFIG", "")
    return Path(given) if given else config_home(environment) / "vdictl/config.toml"


def state_dir(environment: Mapping[str, str]) -> Path:
    """Journal, build logs and caches that should outlive a reboot."""
    return _xdg(environment, "XDG_STATE_HOME", ".local/state") / "vdictl"


def ssh_dir(environment: Mapping[str, str]) -> Path:
    """Where ssh looks for its settings."""
    return _home(environment) / ".ssh"


def make_private(folder: Path) -> Path:
    """Make the folder, only for this user. May raise OSError; who needs the folder says what that means."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
