"""Data on stdout: a table for people, JSON, YAML, CSV or names for programs. The same records serve all forms."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vdictl.cli.reporting import printable
from vdictl.cli.wishes import Wishes
from vdictl.contract.errors import Invalid

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of a table: its heading, and what of a record stands in it."""

    heading: str
    show: Callable[[Record], str]
    right: bool = False
    wraps: bool = False  #: long text: on a narrow terminal it goes on in a next line, so that the others stay whole
    optional: bool = False  #: left out where it would be empty in every row
    order: Callable[[Record], Any] | None = None  #: what `--sort` compares, where that is not the text; None goes last

    @property
    def name(self) -> str:
        """What `--columns` and `--sort` call it."""
        return self.heading.lower().replace(" ", "-")


@dataclass(frozen=True)
class Output:
    """Writes records as the user wished."""

    wishes: Wishes
    form: str = "table"

    @property
    def is_data(self) -> bool:
        """Whether a program reads it: then nothing but data may be written to stdout."""
        return self.form != "table"

    def many(self, records: Sequence[Record], columns: Sequence[Column], *, empty: str = "") -> None:
        """A list: a bare array in JSON. `empty` is said on stderr where a table would have no row."""
        if self.wishes.sort or self.wishes.columns:
            from vdictl.cli.listing import arranged  # only for who asks for it

            records, columns = arranged(self.wishes, records, columns, form=self.form)
        if self._data(list(records), [str(r.get("name", "")) for r in records]):
            return
        if not records:
            sys.stderr.write(f"{empty}\n" if empty and not self.wishes.quiet else "")
            return
        from vdictl.cli.tables import draw  # only for people

        draw(records, columns, chosen=bool(self.wishes.columns), quiet=self.wishes.quiet)

    def one(self, record: Record, lines: Sequence[tuple[str, str]]) -> None:
        """One thing: an object in JSON, `lines` (label, text) for people."""
        if self._data(dict(record), [str(record.get("name", ""))]):
            return
        width = max((len(label) for label, _ in lines), default=0)
        for label, text in lines:
            sys.stdout.write(f"{label:<{width}}  {printable(text)}".rstrip() + "\n")

    def words(self, record: Record, lines: Sequence[str]) -> None:
        """One thing: an object in JSON, whole lines for people."""
        if not self._data(dict(record), [str(record.get("name", ""))]):
            sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))

    def _data(self, data: list[Record] | dict[str, Any], names: Sequence[str]) -> bool:
        if self.form == "name":
            sys.stdout.write("".join(f"{name}\n" for name in names))
        elif self.form == "json":
            # Elsewhere than in UTF-8 a letter that the stream lacks would become an escape that JSON does not know.
            indent = None if self.wishes.lines else 2
            sys.stdout.write(json.dumps(self._chosen(data), indent=indent, ensure_ascii=not _is_utf8()) + "\n")
        elif self.form == "yaml":
            import yaml  # only for who asks for it

            mark = "---\n" if self.wishes.lines else ""
            sys.stdout.write(mark + yaml.safe_dump(self._chosen(data), sort_keys=False, allow_unicode=_is_utf8()))
        elif self.form == "csv":
            from vdictl.cli.spreadsheet import write  # likewise

            write([data] if isinstance(data, dict) else data, sys.stdout)
        else:
            return False
        return True

    def _chosen(self, data: list[Record] | dict[str, Any]) -> Any:
        """Only the fields of `--json`, if it was given."""
        fields = [f.strip() for f in self.wishes.fields.split(",") if f.strip()]
        if not fields:
            return data
        return [_pick(r, fields) for r in data] if isinstance(data, list) else _pick(data, fields)


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _pick(record: Record, fields: Sequence[str]) -> dict[str, Any]:
    unknown = [f for f in fields if f not in record]
    if unknown:
        raise Invalid(f"There is no field {unknown[0]!a}.", details=f"There are: {', '.join(record)}.")
    return {f: record[f] for f in fields}
