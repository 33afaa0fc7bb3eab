"""Documents that say what a desktop is to be: TOML or YAML, by hand or as `show -o yaml` prints them.

What stands in a document is what the desktop shall be; what does not stand there is left as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any, Final

from vdictl.contract.errors import Invalid
from vdictl.contract.mark import check_name
from vdictl.contract.model import NEVER, DesktopSpec

#: Of a spec, and of a document of its own right; the rest of a record that `show` prints are facts.
_SPEC: Final = {field.name for field in fields(DesktopSpec)} - {"name", "owner", "fleet", "expires", "labels"}
_TOP: Final = ("name", "owner", "fleet", "provider", "labels", "expires", "ttl", "spec")
_TEXTS: Final = frozenset({"plan", "region", "image", "flavor", "from_snapshot", "home", "git", "dotfiles"})
_NUMBERS: Final = frozenset({"memory_mib", "disk_gib", "gpu"})
_MAPS: Final = frozenset({"inputs", "options"})


@dataclass(frozen=True, kw_only=True)
class Document:
    """One desktop as it shall be. `None`: the document does not say."""

    name: str
    provider: str = ""
    owner: str | None = None
    fleet: str | None = None
    labels: Mapping[str, str] | None = None
    expires: datetime | None = None  #: `NEVER`: it shall have no end
    ttl: str | None = None  #: how long it lives from its creation on; counts for nothing afterwards
    spec: Mapping[str, Any]


def read(text: str, *, where: str) -> list[Document]:
    """All documents of a text; `where` is what to call it, and its ending tells what it is.

    Raises:
        Invalid: it is neither TOML nor YAML, there is none in it, or one says what cannot be meant.
    """
    data = _parsed(text, where)
    if not data:
        raise Invalid(f"There is no document in {where}.")
    found = [_document(one, f"{where}, document {number}") for number, one in enumerate(data, 1)]
    names = [document.name for document in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid(f"Two documents of {where} are called {twice[0]}.")
    return found


def _parsed(text: str, where: str) -> list[Any]:
    """The documents as plain data."""
    if where.endswith(".toml"):
        return _toml(text, where)
    if not where.endswith((".yaml", ".yml", ".json")):
        try:
            return _toml(text, where)
        except Invalid:
            pass  # a text of no known ending: a YAML mapping is no TOML
    return _yaml(text, where)


def _toml(text: str, where: str) -> list[Any]:
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of a wrong text, and of a number with thousands of digits
        raise Invalid(f"{where} is no TOML.", details=str(error)) from error
    several = data.get("desktop")
    return several if list(data) == ["desktop"] and isinstance(several, list) else [data] if data else []


def _yaml(text: str, where: str) -> list[Any]:
    import yaml  # only where one is read

    try:
        stream = [one for one in yaml.safe_load_all(text) if one is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid(f"{where} is no YAML.", details=str(error)[:500]) from error
    return [one for part in stream for one in (part if isinstance(part, list) else [part])]


def _document(data: Any, where: str) -> Document:
    if not isinstance(data, dict):
        raise Invalid(f"{where}: a desktop is a mapping of keys to values.")
    _require_known(data, where)
    name = _text(data.get("name"), f"{where}: name")
    if name is None:
        raise Invalid(f"{where} has no name.", advice="Say: name: web")
    labels = data.get("labels")
    return Document(
        name=check_name("desktop", name),
        provider=_text(data.get("provider"), f"{where}: provider") or "",
        owner=_text(data.get("owner"), f"{where}: owner"),
        fleet=_text(data.get("fleet"), f"{where}: fleet"),
        labels=None if labels is None else _texts(labels, f"{where}: labels"),
        expires=_moment(data["expires"], f"{where}: expires") if "expires" in data else None,
        ttl=_text(data.get("ttl"), f"{where}: ttl"),
        spec=_spec(data.get("spec"), f"{where}: spec"),
    )


def _require_known(data: Mapping[Any, Any], where: str) -> None:
    """A record that `show` printed has a key, and facts besides; in a document by hand each word counts."""
    for word in data if "key" not in data else ():
        if word in _SPEC:
            raise Invalid(f"{where}: {word} stands under spec.", advice=f"Write: spec: {{{word}: ...}}")
        if word not in _TOP:
            raise _unknown(word, _TOP, where)


def _unknown(word: Any, known: tuple[str, ...], where: str) -> Invalid:
    near = get_close_matches(str(word), known, n=1)
    there = f"There are: {', '.join(known)}."
    return Invalid(f"{where}: there is no {_shown(word)}.", advice=f"Did you mean {near[0]}?" if near else there)


def _spec(data: Any, where: str) -> dict[str, Any]:
    """What is asked, in the kinds that a `DesktopSpec` has."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Invalid(f"{where} is a mapping of keys to values.")
    found = {}
    for word, value in data.items():
        if word not in _SPEC:
            raise _unknown(word, tuple(sorted(_SPEC)), where)
        if value is not None:
            found[word] = _value(word, value, f"{where}.{word}")
    return found


def _value(word: str, value: Any, where: str) -> Any:
    if word in _TEXTS:
        return _text(value, where)
    if word in _MAPS:
        return _texts(value, where)
    if word == "packages":
        return tuple(sorted(set(_list(value, where))))
    if word == "sudo":
        return _kind(value, where, "yes or no", lambda it: isinstance(it, bool))
    if word in _NUMBERS:
        return _kind(value, where, "a whole number above zero", lambda it: type(it) is int and 0 < it < 1 << 31)
    number = _kind(value, where, "a number above zero", lambda it: type(it) in (int, float) and 0 < it <= 1024)
    return float(number)


def _kind(value: Any, where: str, what: str, fits: Callable[[Any], bool]) -> Any:
    if not fits(value):
        raise Invalid(f"{where}: {_shown(value)} is not {what}.")
    return value


def _text(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or len(value) > 500 or not value.isprintable():
        raise Invalid(f"{where}: {_shown(value)} is no text that could be meant.")
    return value


def _shown(value: Any) -> str:
    """Short and printable. What is nested is not walked through: a few lines of YAML can stand for a billion values."""
    if isinstance(value, str | float | bool | date) or (isinstance(value, int) and value.bit_length() < 64):
        return ascii(str(value)[:60])
    return f"a {type(value).__name__}"


def _list(value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        raise Invalid(f"{where}: {_shown(value)} is no list.")
    return [text for each in value if (text := _text(each, where))]


def _texts(value: Any, where: str) -> dict[str, str]:
    """A mapping of texts; numbers and yes/no are written as a person would read them."""
    if not isinstance(value, dict):
        raise Invalid(f"{where} is a mapping of keys to texts.")
    found = {}
    for key, each in value.items():
        name = _text(key, f"{where}: a key") or ""
        if isinstance(each, bool):
            found[name] = str(each).lower()
        elif isinstance(each, float) or (isinstance(each, int) and each.bit_length() < 64):
            found[name] = str(each)
        else:
            found[name] = "" if each == "" else _text(each, f"{where}.{_shown(name)}") or ""
    return found


def _moment(value: Any, where: str) -> datetime:
    """A time with an offset, or this machine's; `NEVER` for null."""
    if value is None:
        return NEVER
    try:
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        time = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value, where) or "")
        return time.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            f"{where}: {_shown(value)} is no time.", advice="Write it as 2030-01-31T18:00:00Z, or null."
        ) from error
