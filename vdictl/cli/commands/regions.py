"""`vdictl regions`."""

from __future__ import annotations

import typer

from vdictl.cli import records
from vdictl.cli.app import verb_app
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column
from vdictl.cli.run import running
from vdictl.contract.capabilities import SupportsCatalogue
from vdictl.core.everywhere import ask

app = verb_app()

_AVAILABLE = {True: "yes", False: "no", None: ""}
COLUMNS = (
    Column("REGION", lambda r: str(r["id"])),
    Column("PROVIDER", lambda r: str(r["provider"])),
    Column("NAME", lambda r: str(r["name"]), wraps=True),
    Column("COUNTRY", lambda r: str(r["country"]), optional=True),
    Column("AVAILABLE", lambda r: _AVAILABLE[r["available"]], optional=True),
)


@app.command(cls=Listing)
def regions(ctx: typer.Context) -> None:
    """List the places where providers have machines.

    Example: vdictl regions -p local

    What stands under REGION is what --region takes. A provider with one place lists none, and takes no --region.
    """
    with running(ctx) as run:
        told = ask(run.context, run.provider, SupportsCatalogue, lambda able: able.regions(), to="list regions")
        run.context.lexicon.keep("region", {at: [("", r.id) for r in found] for at, found in told.given.items()})
        rows = [{"provider": name} | records.of(region) for name, found in told.given.items() for region in found]
        run.output.many(rows, COLUMNS, empty="There is just one place: nothing has to be chosen.")
        told.require_complete()
