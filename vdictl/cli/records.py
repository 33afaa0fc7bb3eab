"""Nouns as plain records: what `-o json` shows. Times in ISO 8601 UTC, money as text, no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from vdictl.contract.mark import asked
from vdictl.contract.model import Desktop, DesktopSpec, Price, Secret

#: Of a desktop, in this order; the rest of its fields is for the core alone.
_DESKTOP = (
    *("key", "name", "provider", "state", "owner", "fleet", "plan", "created", "expires", "image", "region"),
    *("address", "home", "id", "labels", "doing", "progress", "reason", "price", "engine", "facts"),
)


def of_desktop(desktop: Desktop) -> dict[str, Any]:
    """A desktop as the verbs show it; `operation` is the open one's verb, `spec` what was asked (if known)."""
    record = {name: plain(getattr(desktop, name)) for name in _DESKTOP}
    record["operation"] = desktop.operation.verb if desktop.operation else None
    record["spec"] = asked(desktop.spec) if desktop.spec else None
    return record


def of(noun: Any) -> dict[str, Any]:
    """Any other noun, field by field."""
    return {field.name: plain(getattr(noun, field.name)) for field in fields(noun)}


def plain(value: Any) -> Any:  # a table of kinds
    """`value` as JSON can hold it."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"  # never 1E-7
    if isinstance(value, DesktopSpec):
        return asked(value)
    if is_dataclass(value) and not isinstance(value, type):
        return of(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def text(value: Any) -> str:
    """A plain value for people: a price, a list, a table, a word."""
    if isinstance(value, dict):
        if {"amount", "currency", "per"} <= value.keys():
            return f"{value['amount']} {value['currency']}/{value['per']}"
        return ", ".join(f"{key}={text(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def money(price: Price | None) -> str:
    """A price for people."""
    return f"{price.amount} {price.currency}/{price.per}" if price else ""
