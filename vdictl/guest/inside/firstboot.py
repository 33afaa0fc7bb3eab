"""The first boot's work, once, as the user: clone the repository, take the dotfiles, run the setup script."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit, urlunsplit

from . import environment, inputs, places, records
from .settings import Settings

_SCRIPTS = ("install.sh", "bootstrap.sh", "setup.sh", "install", "bootstrap", "setup")
_NOT_LINKED = {".git", ".github", ".gitignore", ".gitmodules", ".gitattributes"}


class StepFailed(Exception):
    """A step ended with something else than 0."""

    def __init__(self, step: str, code: int) -> None:
        """`step` in words."""
        super().__init__(f"{step} ended with exit code {code}")
        self.code = code


def main() -> int:
    """Run what was delivered. The result is in `inputs.json`, the output in `first-boot.log`."""
    settings = Settings.load()
    parcel = records.read_json(places.DELIVERY)
    now = inputs.progress(settings.inputs)
    if now.state != "delivered" or parcel.get("hash") != now.hash:
        return 0
    with places.FIRST_BOOT_LOG.open("ab", buffering=0) as log:
        os.fchmod(log.fileno(), 0o600)
        ended = _run(parcel, replace(now, state="running", detail=""), environment.session(settings.flavor), log)
        log.write(f"--- {ended.state}{': ' + ended.detail if ended.detail else ''}\n".encode())
    return 0 if ended.state == "done" else 1


def _run(
    parcel: Mapping[str, str | None], now: inputs.Progress, env: Mapping[str, str], log: BinaryIO
) -> inputs.Progress:
    def enter(step: str) -> None:
        nonlocal now
        now = replace(now, step=step)
        now.keep()
        log.write(f"--- {step}\n".encode())

    try:
        if parcel.get("git"):
            enter("git")
            url = str(parcel["git"])
            clone(url, places.home() / folder_name(url), env, log)
        if parcel.get("dotfiles"):
            enter("dotfiles")
            clone(str(parcel["dotfiles"]), places.home() / ".dotfiles", env, log)
            take_dotfiles(places.home() / ".dotfiles", env, log, enter)
        if parcel.get("setup"):
            enter("setup")
            _setup(str(parcel["setup"]), env, log)
        now = replace(now, state="done", step="", exit_code=0, detail="")
    except StepFailed as error:
        now = replace(now, state="failed", exit_code=error.code, detail=str(error))
    except OSError as error:
        now = replace(now, state="failed", exit_code=None, detail=f"{now.step}: {error}")
    now.keep()
    return now


def folder_name(url: str) -> str:
    """What `git clone URL` would call the folder, if that is a safe name."""
    last = re.split(r"[/:]", url.rstrip("/"))[-1].removesuffix(".git")
    return last if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", last) else "repository"


def without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """A URL that may be shown and kept, and what git must be told in its environment to use the credentials in it.

    An argument is seen by every process, and git writes the URL that it cloned into the repository's configuration.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, {}
    user, host = parts.netloc.rpartition("@")[::2]
    clean = urlunsplit(parts._replace(netloc=host))
    pair = user if ":" in user else f"{user}:"
    header = base64.b64encode(unquote(pair).encode()).decode()
    site = urlunsplit((parts.scheme, host, "/", "", ""))
    return clean, {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{site}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}",
    }


def clone(url: str, target: Path, env: Mapping[str, str], log: BinaryIO) -> None:
    """Clone `url` to `target` in one step; a target that is there (a home taken up again) is left alone."""
    if target.exists():
        log.write(f"{target} is there already and is left as it is\n".encode())
        return
    clean, more = without_credentials(url)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=".vdictl-clone-"))
    try:
        told = {**env, "GIT_TERMINAL_PROMPT": "0", **more}
        argv = ["git", "clone", "--quiet", "--recurse-submodules", "--", clean, str(folder / "it")]
        _call(argv, told, log, "git clone")
        (folder / "it").rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def take_dotfiles(source: Path, env: Mapping[str, str], log: BinaryIO, enter: Callable[[str], None]) -> None:
    """Run the repository's own installer; where it has none, link its dotfiles into the home."""
    for name in _SCRIPTS:
        script = source / name
        if script.is_file():
            enter("dotfiles-script")
            argv = [str(script)] if os.access(script, os.X_OK) else ["bash", str(script)]
            _call(argv, env, log, name, cwd=source)
            return
    for entry in sorted(source.iterdir()):
        if entry.name.startswith(".") and entry.name not in _NOT_LINKED:
            _link(entry, places.home() / entry.name)


def _link(source: Path, target: Path) -> None:
    if target.is_symlink() and target.readlink() == source:
        return
    if target.exists() or target.is_symlink():  # never lose what is there
        target.rename(target.with_name(f"{target.name}.before-dotfiles"))
    target.symlink_to(source)


def _setup(text: str, env: Mapping[str, str], log: BinaryIO) -> None:
    """The script runs from a file, so that its own `#!` line counts; bash where it has none."""
    script = places.STATE / "setup"  # not on tmpfs, which may be mounted noexec
    records.write(script, text.encode(), mode=0o700)
    argv = [str(script)] if text.startswith("#!") else ["bash", str(script)]
    try:
        _call(argv, env, log, "setup")
    except OSError as error:  # a `#!` line that names nothing
        raise StepFailed(f"setup could not be started ({error.strerror}) and", 126) from error
    finally:
        script.unlink(missing_ok=True)


def _call(argv: list[str], env: Mapping[str, str], log: BinaryIO, step: str, *, cwd: Path | None = None) -> None:
    done = subprocess.run(
        argv, env=env, cwd=cwd or places.home(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
    )
    if done.returncode:
        raise StepFailed(step, done.returncode if done.returncode > 0 else 128 - done.returncode)
