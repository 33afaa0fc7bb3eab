"""`vdictl plans`."""

from __future__ import annotations

import typer

from vdictl.cli import orders, records, sizes
from vdictl.cli.app import verb_app
from vdictl.cli.listing import Listing
from vdictl.cli.output import Column, Record
from vdictl.cli.run import running
from vdictl.core.offers import Offer, list_plans

app = verb_app()


@app.command(cls=Listing)
def plans(
    ctx: typer.Context,
    gpu: bool = typer.Option(False, "--gpu", help="Only those with a GPU."),
    region: str = typer.Option("", metavar="REGION", help="Only those on offer in this region."),
) -> None:
    """List the sizes on offer, cheapest first.

    Example: vdictl plans -o json

    Without -p all configured providers are asked. Prices in several currencies are listed currency by currency;
    a plan of a place that charges nothing (this machine) comes first, one without a known price last.
    """
    with running(ctx) as run:
        told = list_plans(run.context, run.provider)
        chosen = [o for o in told.offers if (o.plan.gpu or not gpu) and (not region or region in o.plan.regions)]
        run.output.many([_record(o) for o in chosen], COLUMNS, empty="No such plan is on offer.")
        told.require_complete()


def _record(offer: Offer) -> Record:
    return {"name": offer.plan.id, "provider": offer.provider} | records.of(offer.plan)


def _price(record: Record) -> str:
    price = record["price"]
    return f"{price['amount']} {price['currency']}/{price['per']}" if price else ""


def _disk(record: Record) -> str:
    return f"{record['disk_gib']} GiB" if record["disk_gib"] else ""


def _gpu(record: Record) -> str:
    return f"{record['gpu']} {record['gpu_model']}".strip() if record["gpu"] else ""


def _stock(record: Record) -> str:
    return {True: "yes", False: "no", None: ""}[record["available"]]


COLUMNS = (
    Column("PLAN", lambda r: str(r["name"])),
    Column("PROVIDER", lambda r: str(r["provider"])),
    Column("CPUS", lambda r: f"{r['cpus']:g}", right=True, order=orders.field("cpus")),
    Column("MEMORY", lambda r: sizes.of_mebibytes(r["memory_mib"]), right=True, order=orders.field("memory_mib")),
    Column("DISK", _disk, right=True, optional=True, order=orders.field("disk_gib")),
    Column("GPU", _gpu, optional=True),
    Column("PRICE", _price, right=True, optional=True, order=orders.price),
    Column("IN STOCK", _stock, optional=True),
    Column("NOTE", lambda r: str(r["note"]), wraps=True, optional=True),
)
