"""What `--sort` compares in columns whose text does not sort by itself. None goes last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from vdictl.cli.output import Record
from vdictl.core.offers import HOURS_OF_A_MONTH


def field(name: str) -> Callable[[Record], Any]:
    """The field itself: a number, or a time in ISO 8601."""
    return lambda record: record[name]


def age(record: Record) -> float | None:
    """The youngest first."""
    return -datetime.fromisoformat(record["created"]).timestamp() if record["created"] else None


def price(record: Record) -> tuple[str, Decimal] | None:
    """Currency by currency, the cheapest first."""
    told = record["price"]
    hours = HOURS_OF_A_MONTH if told and told["per"] == "month" else 1
    return (told["currency"], Decimal(told["amount"]) / hours) if told else None
