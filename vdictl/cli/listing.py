"""Options that every list has alike: which columns, in which order. A verb that lists says `cls=Listing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from vdictl.cli import records
from vdictl.cli.output import Column, Record
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import Invalid


class Listing(TyperCommand):
    """A command that lists: it has `--sort` and `--columns`, which `Output.many` keeps to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As the library's, with the two options."""
        super().__init__(*args, **kwargs)
        self.params += [
            _option("--sort", "COLUMN", "Sort by a column or field; with - before it, the other way round."),
            _option("--columns", "A,B,...", "Only these columns or fields, in this order."),
        ]


def _option(word: str, metavar: str, text: str) -> TyperOption:
    name = word.lstrip("-")
    return TyperOption(
        param_decls=[name, word], metavar=metavar, help=text, default=None, expose_value=False, callback=_store
    )


def _store(ctx: typer.Context, param: Any, value: Any) -> Any:
    if value is not None and not ctx.resilient_parsing:
        setattr(ctx.ensure_object(Wishes), param.name, value)
    return value


def arranged(
    wishes: Wishes, rows: Sequence[Record], columns: Sequence[Column], *, form: str
) -> tuple[Sequence[Record], Sequence[Column]]:
    """The records sorted, and the columns chosen, as was wished.

    Raises:
        Invalid: there is no such column or field, or columns were chosen for a form that has none.
    """
    if wishes.sort:
        rows = _sorted(wishes.sort, rows, columns)
    names = [name.strip() for name in wishes.columns.split(",") if name.strip()]
    if not names:
        return rows, columns
    if form not in {"table", "csv"}:
        raise Invalid(f"--columns is for tables and csv, not for {form}.", advice="Fields of JSON: --json name,state")
    chosen = [_column(name, rows, columns, option="--columns") for name in names]
    if form == "csv":
        rows = [{name: _raw(name, column, row) for name, column in zip(names, chosen, strict=True)} for row in rows]
    return rows, chosen


def _sorted(by: str, rows: Sequence[Record], columns: Sequence[Column]) -> list[Record]:
    column = _column(by.removeprefix("-"), rows, columns, option="--sort")
    order: Callable[[Record], Any] = column.order or (lambda row: column.show(row).casefold())
    known = [row for row in rows if order(row) is not None]
    unknown = [row for row in rows if order(row) is None]  # last, either way
    return [*sorted(known, key=order, reverse=by.startswith("-")), *unknown]


def _column(name: str, rows: Sequence[Record], columns: Sequence[Column], *, option: str) -> Column:
    """A column by its name, else a field of the records as a column."""
    for column in columns:
        if column.name == name:
            return column
    fields = list(rows[0]) if rows else []
    if rows and name not in fields:
        there = list(dict.fromkeys([*(column.name for column in columns), *fields]))
        raise Invalid(f"{option}: there is no column {name[:40]!a}.", details=f"There are: {', '.join(there)}.")
    return Column(name.upper(), lambda row: records.text(row[name]), wraps=True, order=lambda row: _plain(row[name]))


def _plain(value: Any) -> Any:
    """What can be compared with others of its field."""
    return value if value is None or isinstance(value, int | float) else records.text(value).casefold()


def _raw(name: str, column: Column, row: Record) -> Any:
    return row[name] if name in row else column.show(row)
