"""`vdictl providers`."""

from __future__ import annotations

from typing import Any

import typer

from vdictl.cli.app import verb_app
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column
from vdictl.cli.run import running
from vdictl.core.surveying import Standing, survey

app = verb_app()


@app.command(cls=Listing)
def providers(ctx: typer.Context) -> None:
    """List the providers, whether each is configured on this machine, and what each one can do.

    Example: vdictl providers -o json

    Configured means: its settings are there; where it needs none, that it answers. What stands in the way of one
    that is not: vdictl doctor -p NAME
    """
    with running(ctx) as run:
        run.output.many([_record(s) for s in survey(run.context, run.provider)], COLUMNS)


def _record(standing: Standing) -> dict[str, Any]:
    manifest, trouble = standing.manifest, standing.trouble
    return {
        "name": standing.name,
        "title": manifest.title if manifest else "",
        "summary": manifest.summary if manifest else "",
        "installed": manifest is not None,
        "configured": standing.configured,
        "account": standing.account.name if standing.account else "",
        "trouble": trouble.as_dict() if trouble else None,
        "capabilities": list(standing.abilities),
        "options": dict(manifest.options) if manifest else {},
        "settings": [_setting(s.name, s.summary, s.variables, s.required) for s in manifest.settings]
        if manifest
        else [],
    }


def _setting(name: str, summary: str, variables: tuple[str, ...], required: bool) -> dict[str, Any]:
    return {"name": name, "summary": summary, "variables": list(variables), "required": required}


def _configured(record: Any) -> str:
    if record["configured"]:
        return "yes, but: " + record["trouble"]["brief"] if record["trouble"] else "yes"
    return "no: " + record["trouble"]["brief"] if record["trouble"] else "no"


COLUMNS = (
    Column("PROVIDER", lambda r: str(r["name"])),
    Column("WHAT", lambda r: str(r["summary"]), wraps=True),
    Column("CONFIGURED", _configured, wraps=True),
    Column("CAN", lambda r: ", ".join(r["capabilities"]), wraps=True),
)
