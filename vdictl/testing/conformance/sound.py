"""Is a noun what it says it is? Types as annotated, aware times, whole numbers, decimal money."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

from vdictl.contract import model

_NOUNS = {each for each in vars(model).values() if isinstance(each, type) and is_dataclass(each)}

_KNOWN: dict[type, dict[str, Any]] = {}


def faults_of(noun: Any) -> list[str]:
    """What is wrong with a noun, field by field; empty: nothing."""
    return list(_look(noun, type(noun), type(noun).__name__))


def _hints(noun: type) -> dict[str, Any]:
    if noun not in _KNOWN:
        _KNOWN[noun] = get_type_hints(noun)  # once a class: it is slow
    return _KNOWN[noun]


def _look(value: Any, kind: Any, where: str) -> Iterator[str]:
    if get_origin(kind) in (Union, types.UnionType):
        yield from _one_of(value, get_args(kind), where)
    elif get_origin(kind) is tuple:
        if type(value) is not tuple:
            yield f"{where} is a {type(value).__name__}, not a tuple"
            return
        for each in value:
            yield from _look(each, get_args(kind)[0], f"{where}[]")
    elif get_origin(kind) is not None:
        yield from _mapping(value, where)
    elif kind in _NOUNS:
        yield from _noun(value, kind, where)
    else:
        yield from _plain(value, kind, where)


def _one_of(value: Any, kinds: tuple[Any, ...], where: str) -> Iterator[str]:
    if value is None and types.NoneType in kinds:
        return
    faults = [list(_look(value, kind, where)) for kind in kinds if kind is not types.NoneType]
    if all(faults):
        yield from faults[0]


def _mapping(value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where} is a {type(value).__name__}, not a mapping"
    elif not all(isinstance(key, str) and isinstance(each, str) for key, each in value.items()):
        yield f"{where} holds something that is no text"


def _noun(value: Any, kind: type, where: str) -> Iterator[str]:
    if type(value) is not kind:
        yield f"{where} is a {type(value).__name__}, not a {kind.__name__}"
        return
    for field in fields(kind):
        yield from _look(getattr(value, field.name), _hints(kind)[field.name], f"{where}.{field.name}")


def _plain(value: Any, kind: type, where: str) -> Iterator[str]:
    if kind is float and type(value) is int:
        return
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield f"{where} is a {type(value).__name__}, not a {kind.__name__}"
    elif isinstance(value, datetime) and value.utcoffset() != timedelta(0):
        yield f"{where} is not an aware UTC time: {value!r}"
    elif isinstance(value, Decimal) and not value.is_finite():
        yield f"{where} is no number: {value}"
