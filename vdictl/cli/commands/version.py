"""`vdictl version`."""

from __future__ import annotations

import platform

import typer

from vdictl import __version__
from vdictl.cli.app import verb_app
from vdictl.cli.run import running
from vdictl.contract.provider import CONTRACT_VERSION

app = verb_app()


@app.command()
def version(ctx: typer.Context) -> None:
    """Print the version of vdictl, of its provider contract and of Python.

    Example: vdictl version -o json
    """
    with running(ctx) as run:
        facts = {"version": __version__, "contract": CONTRACT_VERSION, "python": platform.python_version()}
        run.output.one({"name": "vdictl", **facts}, [(label, str(text)) for label, text in facts.items()])
