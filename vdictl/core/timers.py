"""Run a command of ours again and again: by systemd's user manager, or by cron where there is none.

What would be written is made first, as texts that can be shown; then it is written. No secret is in it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from vdictl.contract.errors import Invalid, NotConfigured, Unsupported, VdictlError
from vdictl.core import paths
from vdictl.core.private import Draft

_SECONDS = 20.0  #: for systemctl and crontab
#: What a run finds its files, its search path and its engine by.
KEPT_VARIABLES = (
    "PATH",
    "VDICTL_CONFIG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "CONTAINER_HOST",
    "DOCKER_HOST",
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is to run, and how often."""

    name: str
    argv: Sequence[str]
    every: int  #: seconds
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is written and run to set the timer up, or to take it away."""

    kind: str  #: systemd | cron
    files: Mapping[Path, str | None]  #: text, `None`: it is removed; of cron there is one, and it is no file
    commands: Sequence[Sequence[str]]
    note: str = ""


def job(
    name: str, argv: Sequence[str], every: float, environment: Mapping[str, str], *, more: Iterable[str] = ()
) -> Job:
    """A job that finds what this process finds; `more`: further variables that it needs, none of them secret.

    Raises:
        Invalid: the interval is shorter than a minute.
    """
    if every < 60:
        raise Invalid("--every: a timer runs once a minute at most.")
    names = dict.fromkeys((*KEPT_VARIABLES, *more))
    kept = {name: environment[name] for name in names if environment.get(name) and not _holds_login(environment[name])}
    if "VDICTL_CONFIG" in kept:
        kept["VDICTL_CONFIG"] = str(Path(kept["VDICTL_CONFIG"]).absolute())
    return Job(name=unit_name(name), argv=argv, every=int(every), environment=kept)


def unit_name(text: str) -> str:
    """`text` as the name of a unit."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", text)


def _holds_login(text: str) -> bool:
    """Whether it is a URL with a password in it."""
    try:
        return urlsplit(text).password is not None
    except ValueError:
        return True


def to_install(job: Job, environment: Mapping[str, str]) -> Plan:
    """How the timer is set up here.

    Raises:
        Unsupported: there is neither systemd nor cron. Invalid: cron has no such interval.
    """
    if has_systemd(environment):
        folder = _units(environment)
        timer = f"{job.name}.timer"
        return Plan(
            kind="systemd",
            files={folder / f"{job.name}.service": _service(job), folder / timer: _timer(job)},
            commands=(_systemctl("daemon-reload"), _systemctl("enable", timer), _systemctl("restart", timer)),
            note="It runs while you are logged in; always: loginctl enable-linger",
        )
    _require_cron(environment)
    table = _without(_crontab(environment), job.name) + _entry(job)
    return Plan(kind="cron", files={Path("crontab"): table}, commands=(("crontab", "-"),))


def to_remove(name: str, environment: Mapping[str, str]) -> Plan:
    """How what was set up is taken away; with nothing there, nothing is written."""
    folder, timer = _units(environment), f"{name}.timer"
    there = [file for file in (folder / timer, folder / f"{name}.service") if file.exists()]
    if there:
        stop = [_systemctl("disable", "--now", timer), _systemctl("daemon-reload")]
        return Plan(
            kind="systemd",
            files=dict.fromkeys(there),
            commands=stop if has_systemd(environment) else [],
        )
    if _which("crontab", environment) is None:
        return Plan(kind="cron", files={}, commands=())
    table = _crontab(environment)
    left = _without(table, name)
    if left == table:
        return Plan(kind="cron", files={}, commands=())
    return Plan(kind="cron", files={Path("crontab"): left}, commands=(("crontab", "-"),))


def carry_out(plan: Plan, environment: Mapping[str, str]) -> None:
    """Do it.

    Raises:
        VdictlError: a file cannot be written, or a command fails.
    """
    if plan.kind == "cron":
        for table in plan.files.values():
            _run(("crontab", "-"), environment, stdin=table or "")
        return
    before, after = (plan.commands[:1], plan.commands[1:]) if None in plan.files.values() else ((), plan.commands)
    for command in before:
        _run(command, environment)
    for file, text in plan.files.items():
        _write(file, text)
    for command in after:
        _run(command, environment)


def has_systemd(environment: Mapping[str, str]) -> bool:
    """Whether a user manager answers."""
    if _which("systemctl", environment) is None:
        return False
    try:
        return _call(_systemctl("show-environment"), environment).returncode == 0
    except VdictlError:
        return False


# -- systemd ----------------------------------------------------------------------------------------------------------


def _units(environment: Mapping[str, str]) -> Path:
    return paths.config_home(environment) / "systemd/user"


def _service(job: Job) -> str:
    lines = [f"Environment={_quote(f'{name}={value}')}" for name, value in job.environment.items()]
    command = " ".join(_quote(word, command=True) for word in job.argv)
    parts = ["[Unit]", f"Description=vdictl: {job.name}", "", "[Service]", "Type=oneshot", *lines]
    return "\n".join([*parts, f"ExecStart={command}", ""])


def _timer(job: Job) -> str:
    times = ["OnStartupSec=2min", f"OnUnitActiveSec={job.every}s"]
    install = ["[Install]", "WantedBy=timers.target", ""]
    return "\n".join(
        ["[Unit]", f"Description=vdictl: {job.name}, again and again", "", "[Timer]", *times, "", *install]
    )


def _quote(word: str, *, command: bool = False) -> str:
    """As systemd reads it: `%` and, in a command, `$` mean something to it."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return '"' + (word.replace("$", "$$") if command else word) + '"'


def _systemctl(*words: str) -> tuple[str, ...]:
    return ("systemctl", "--user", *words)


# -- cron -------------------------------------------------------------------------------------------------------------


def _entry(job: Job) -> str:
    words = ["env", *(f"{name}={value}" for name, value in job.environment.items()), *job.argv]
    line = shlex.join(words).replace("%", "\\%")
    return f"{_begin(job.name)}\n{_interval(job.every)} {line}\n{_end(job.name)}\n"


def _begin(name: str) -> str:
    return f"# {name}: begin"


def _end(name: str) -> str:
    return f"# {name}: end"


def _interval(every: int) -> str:
    minutes, rest = divmod(every, 60)
    if not rest and minutes < 60 and 60 % minutes == 0:
        return f"*/{minutes} * * * *" if minutes > 1 else "* * * * *"
    hours, rest = divmod(every, 3600)
    if not rest and hours <= 24 and 24 % hours == 0:
        return f"0 */{hours} * * *" if hours < 24 else "0 0 * * *"
    raise Invalid("--every: cron cannot do that.", advice="It can do 1m, 5m, 10m, 15m, 20m, 30m, 1h, 2h, 6h, 12h, 1d.")


def _without(table: str, name: str) -> str:
    """The table without our entry; all other lines as they are."""
    kept: list[str] = []
    ours = False
    for line in table.splitlines(keepends=True):
        ours = ours or line.rstrip("\n") == _begin(name)
        if not ours:
            kept.append(line)
        ours = ours and line.rstrip("\n") != _end(name)
    if ours:
        raise VdictlError(
            "The crontab holds the begin of our entry and not its end.",
            details=_begin(name),
            advice="Put it in order: crontab -e",
        )
    return "".join(kept)


def _require_cron(environment: Mapping[str, str]) -> None:
    if _which("crontab", environment) is None:
        raise Unsupported(
            "This machine has neither a systemd user manager that answers nor cron.",
            advice="Run it by what there is: vdictl gc --yes -q",
        )


def _crontab(environment: Mapping[str, str]) -> str:
    done = _call(("crontab", "-l"), environment)
    if done.returncode and "no crontab" not in done.stderr.lower():
        raise NotConfigured("The crontab cannot be read.", details=done.stderr.strip())
    if done.returncode:
        return ""
    return done.stdout if done.stdout.endswith("\n") or not done.stdout else done.stdout + "\n"


# -- both -------------------------------------------------------------------------------------------------------------


def _which(program: str, environment: Mapping[str, str]) -> str | None:
    from shutil import which  # brings compression libraries

    return which(program, path=environment.get("PATH"))


def _call(
    command: Sequence[str], environment: Mapping[str, str], *, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=dict(environment) | {"LC_ALL": "C"},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise VdictlError(f"{command[0]} cannot be run.", details=str(error)) from error


def _run(command: Sequence[str], environment: Mapping[str, str], *, stdin: str | None = None) -> None:
    done = _call(command, environment, stdin=stdin)
    if done.returncode:
        raise VdictlError(f"{shlex.join(command)} failed.", details=done.stderr.strip() or f"exit {done.returncode}")


def _write(file: Path, text: str | None) -> None:
    """Whole or not at all; `None` removes it."""
    try:
        if text is None:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VdictlError(f"{file} cannot be written.", details=str(error)) from error
    with Draft(file, replace=True) as draft:
        draft.finish(text)
