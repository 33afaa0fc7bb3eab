"""`vdictl config`."""

from __future__ import annotations

import os
from typing import Any

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.output import Column, Output
from vdictl.cli.run import Run, running
from vdictl.cli.wishes import Wishes
from vdictl.core import paths, settings
from vdictl.core.settings import Explained

app = verb_app(invoke_without_command=True)


@app.callback()
def config(ctx: typer.Context) -> None:
    """Show settings and where each one comes from; alone, it lists them.

    Example: vdictl config explain all

    An option wins over a variable of the environment, that over the profile, that over the file, that over the
    default. Secrets are shown as where they come from, never themselves.
    """
    if ctx.invoked_subcommand is None:
        list_(ctx)


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the config file is, or would be.

    Example: ${EDITOR:-vi} "$(vdictl config path)"
    """
    wishes = ctx.ensure_object(Wishes)  # no run: the way to the file must be told also when it is broken
    file = paths.config_file(os.environ)
    output = Output(wishes, "json" if wishes.fields else wishes.output or "table")
    if output.is_data and output.form != "name":
        output.one({"name": str(file), "exists": file.exists()}, [])
    else:
        typer.echo(str(file))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List all settings with their values and where each comes from.

    Example: vdictl config list -o json
    """
    with running(ctx) as run:
        run.output.many([records.of(s) for s in _of(run)], COLUMNS)


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
def explain(ctx: typer.Context, name: str = typer.Argument(..., help="A setting, or: all.")) -> None:
    """Explain a setting: what it means, its value, where that comes from, and how to set it.

    Example: vdictl config explain fleet
    """
    with running(ctx) as run:
        chosen = _of(run) if name == "all" else [settings.one(run.context, name)]
        if run.output.is_data:
            run.output.many([records.of(s) for s in chosen], COLUMNS)
            return
        for number, setting in enumerate(chosen):
            if number:
                typer.echo()
            run.output.one({}, _lines(setting, file=str(run.context.config.file)))


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
