"""The timer of `gc`: shown as it will be, then set up or taken away."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from vdictl.cli.durations import seconds
from vdictl.cli.reporting import printable
from vdictl.cli.run import Run
from vdictl.core import settings, timers
from vdictl.core.timers import Plan


def install(run: Run, options: Iterable[str], *, every: str, only_print: bool) -> None:
    """Let `vdictl gc --yes` run again and again, as this run would."""
    known = [s for s in settings.everything(run.context) if s.name.startswith("providers.")]
    more = [s.origin.removeprefix("variable ") for s in known if s.origin.startswith("variable ") and not s.secret]
    argv = [*_program(), "gc", "--yes", "-q", *_globals(run), *options]
    job = timers.job(_name(run), argv, seconds(every, option="--every"), run.context.environment, more=more)
    plan = timers.to_install(job, run.context.environment)
    _do(run, plan, only_print=only_print, done=f"The timer {job.name} runs every {every}.")
    hidden = sorted({s.value.removeprefix("env:") for s in known if s.secret and s.value.startswith("env:")})
    if hidden:
        run.context.progress.warn(
            f"Not in the timer, because they are secrets: {', '.join(hidden)}. "
            "For it, name a file: or keyring: in the config."
        )


def remove(run: Run, *, only_print: bool) -> None:
    """Take it away; not there is success."""
    plan = timers.to_remove(_name(run), run.context.environment)
    if not plan.files:
        run.say("There is no timer.")
    _do(run, plan, only_print=only_print, done="The timer is gone." if plan.files else "")


def _do(run: Run, plan: Plan, *, only_print: bool, done: str) -> None:
    """Show exactly what is written and run; then, unless it is only to be shown, do it."""
    lines = [line for file, text in plan.files.items() for line in _shown(plan, file, text)]
    lines += [f"$ {shlex.join(command)}" for command in plan.commands]
    if not run.output.is_data:
        sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
        sys.stdout.flush()
    if not only_print:
        timers.carry_out(plan, run.context.environment)
    record = {
        "name": _name(run),
        "kind": plan.kind,
        "files": [{"path": str(file), "text": text} for file, text in plan.files.items()],
        "commands": [list(command) for command in plan.commands],
        "done": not only_print,
    }
    if run.output.is_data:
        run.output.one(record, [])
    if done and not only_print:
        run.say(f"{done} {plan.note}".rstrip())


def _shown(plan: Plan, file: Path, text: str | None) -> list[str]:
    if text is None:
        return [f"--- {file}: removed"]
    return [f"--- {'the whole crontab' if plan.kind == 'cron' else file}:", *text.splitlines()]


def _program() -> list[str]:
    """This program, by paths that hold in any folder."""
    started = Path(sys.argv[0])
    if started.name == "vdictl" and started.is_file():
        return [str(started.resolve())]
    return [sys.executable, "-m", "vdictl"]


def _globals(run: Run) -> list[str]:
    profile = run.context.config.profile
    words = ["--fleet", run.context.fleet, "--owner", run.context.owner]
    words += ["--profile", profile] if profile else []
    return [*words, "-p", run.provider] if run.provider else words


def _name(run: Run) -> str:
    """One for each fleet, owner and profile."""
    parts = [run.context.owner, run.context.config.profile, run.provider]
    fleet = run.context.fleet
    return timers.unit_name("-".join(filter(None, ["vdictl-gc", fleet, *parts])))
