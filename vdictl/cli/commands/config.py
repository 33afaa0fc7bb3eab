"""`vdictl config`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from vdictl.cli import records, variables
from vdictl.cli.app import verb_app
from vdictl.cli.configuring import example, require_sound
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Output
from vdictl.cli.run import Run, running
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import Invalid, VdictlError
from vdictl.core import editing, paths, settings
from vdictl.core.clock import SystemClock
from vdictl.core.config import Config
from vdictl.core.registry import Registry
from vdictl.core.settings import Explained

app = verb_app(invoke_without_command=True)


@app.callback()
def config(ctx: typer.Context) -> None:
    """Show and change settings, and tell where each one comes from; alone, it lists them.

    Example: vdictl config explain all

    An option wins over a variable of the environment, that over the profile, that over the file, that over the
    default. Secrets are shown as where they come from, never themselves. Every option of every verb has a variable:
    VDICTL_ and the words of the command, as VDICTL_CREATE_TTL is create --ttl.
    """
    if ctx.invoked_subcommand is None:
        list_(ctx)


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the config file is, or would be.

    Example: ${EDITOR:-vi} "$(vdictl config path)"
    """
    file = paths.config_file(os.environ)
    output = _output(ctx)  # no run: the way to the file must be told also when it is broken
    if output.is_data and output.form != "name":
        output.one({"name": str(file), "exists": file.exists()}, [])
    else:
        typer.echo(str(file))


@app.command("list", cls=Listing)
def list_(ctx: typer.Context) -> None:
    """List all settings with their values and where each comes from.

    Example: vdictl config list -o json
    """
    with running(ctx) as run:
        found = _of(run)
        run.context.lexicon.keep("setting", {run.provider: [("", setting.name) for setting in found]})
        run.output.many([records.of(setting) for setting in found], COLUMNS)


@app.command()
def get(ctx: typer.Context, name: str = typer.Argument(..., help="Such as fleet or providers.local.engine.")) -> None:
    """Print the value of one setting, and nothing else. What is not set is an empty line.

    Example: vdictl config get default_provider
    """
    with running(ctx) as run:
        found = settings.one(run.context, name)
        if run.output.form in {"json", "yaml"}:
            run.output.one(records.of(found), [])
        else:
            typer.echo(found.value)


@app.command()
def explain(ctx: typer.Context, name: str = typer.Argument(..., help="A setting, a variable, or: all.")) -> None:
    """Explain a setting: what it means, its value, where that comes from, and how to set it.

    Example: vdictl config explain fleet

    Example: vdictl config explain VDICTL_CREATE_TTL

    The name of a variable will do, also that of an option.
    """
    with running(ctx) as run:
        chosen = _of(run) if name == "all" else [_named(run, name)]
        if run.output.is_data:
            run.output.many([records.of(s) for s in chosen], COLUMNS)
            return
        for number, setting in enumerate(chosen):
            if number:
                typer.echo()
            run.output.one({}, _lines(setting, file=str(run.context.config.file)))


@app.command("set")
def set_(
    ctx: typer.Context,
    name: str = typer.Argument(..., help="Such as fleet or providers.local.engine."),
    value: str = typer.Argument(..., help="Of a secret, where it comes from: env:NAME, file:PATH, ..."),
) -> None:
    """Write a setting into the config file; comments and order stay. With --profile, into that profile.

    Example: vdictl config set default_name work

    Example: vdictl config set fleet office --profile work
    """
    file, profile, registry = _to_write(ctx)
    way = settings.way(name, registry, profile=profile)
    require_sound(name, value, registry)

    def check(data: Mapping[str, Any]) -> None:
        Config.of(data, file=file, environment=os.environ, profile=profile)

    editing.put(file, way, value, check=check, clock=SystemClock())
    _show_written(ctx, name, profile)


@app.command()
def unset(ctx: typer.Context, name: str = typer.Argument(..., help="Also one that nobody knows.")) -> None:
    """Take a setting out of the config file, so that the default holds again. With --profile, out of that profile.

    Example: vdictl config unset default_name
    """
    file, profile, registry = _to_write(ctx)
    inside = ("profiles", profile) if profile else ()
    if not editing.drop(file, (*inside, *name.split(".")), clock=SystemClock()):
        settings.way(name, registry)  # raises for one that nobody knows
    _show_written(ctx, name, profile)


@app.command()
def init(ctx: typer.Context) -> None:
    """Write a first config file that explains every setting. One that is there is never written over (exit 9).

    Example: vdictl config init
    """
    file, _, registry = _to_write(ctx)
    editing.begin(file, example(registry.manifests().values()))
    _output(ctx).words({"name": str(file), "exists": True}, [str(file)])


def _to_write(ctx: typer.Context) -> tuple[Path, str, Registry]:
    """The file, the profile and the providers. No run: a config that is wrong must be open to correction."""
    file = paths.config_file(os.environ)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        packages = Config.of(data, file=file, environment={}).packages()
    except (OSError, ValueError, Invalid):
        packages = {}
    return file, ctx.ensure_object(Wishes).profile or os.environ.get("VDICTL_PROFILE", ""), Registry(packages)


def _show_written(ctx: typer.Context, name: str, profile: str) -> None:
    """What holds now: a variable of the environment may win over what was written."""
    ctx.ensure_object(Wishes).profile = profile
    try:
        with running(ctx) as run:
            now = settings.one(run.context, name)
    except VdictlError:  # something else in the file is wrong, or nobody knew this one
        now = Explained(name=name, value="", origin=str(paths.config_file(os.environ)), summary="")
    _output(ctx).words(records.of(now), [f"{name} = {now.value or 'not set'}  ({now.origin})"])


def _output(ctx: typer.Context) -> Output:
    wishes = ctx.ensure_object(Wishes)
    return Output(wishes, "json" if wishes.fields else wishes.output or os.environ.get("VDICTL_OUTPUT") or "table")


def _named(run: Run, name: str) -> Explained:
    """By its own name, or by that of a variable."""
    if not name.startswith("VDICTL_"):
        return settings.one(run.context, name)
    for setting in settings.everything(run.context):
        if name in setting.variables:
            return setting
    return variables.explain(name, os.environ)


def _of(run: Run) -> list[Explained]:
    """All of them; with -p those of one provider."""
    if run.provider:
        run.context.registry.manifest(run.provider)  # raises for an unknown one
    prefix = f"providers.{run.provider}." if run.provider else ""
    return [s for s in settings.everything(run.context) if s.name.startswith(prefix)]


def _lines(setting: Explained, *, file: str) -> list[tuple[str, str]]:
    example = "env:NAME, file:PATH, keyring:NAME or cmd:COMMAND" if setting.secret else "..."
    table, _, key = setting.name.rpartition(".")
    return [
        ("setting", setting.name + (" (required)" if setting.required else "")),
        ("meaning", setting.summary),
        ("value", setting.value or "not set"),
        ("from", setting.origin),
        ("default", setting.default or "none"),
        ("set it by", " or ".join(setting.variables)),
        ("or in", f'{file}: {f"[{table}] " if table else ""}{key} = "{example}"'),
    ]


def _value(record: Any) -> str:
    return str(record["value"]) or "-"


COLUMNS = (
    Column("SETTING", lambda r: str(r["name"])),
    Column("VALUE", _value, wraps=True),
    Column("FROM", lambda r: str(r["origin"]), wraps=True),
)
