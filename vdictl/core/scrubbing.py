"""Take secrets out of texts that leave the machine, and names too where that is wanted."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets as random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vdictl.contract.errors import VdictlError
from vdictl.core import secrets
from vdictl.core.config import Config
from vdictl.core.registry import Registry

HIDDEN = "***"
_SHORTEST = 6  #: characters: what is shorter would garble the texts, and can be guessed anyway
_MOST_BYTES = 1 << 20  #: of a file that a command line names
_TELLING = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|APIKEY|API_KEY|PRIVATE|_KEY$|_PAT$|_AUTH$", re.IGNORECASE)
_URL_LOGIN = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
_URL_TOKEN = re.compile(r"((?:token|password|secret|key|sig|auth)=)[^&\s\"'#]+", re.IGNORECASE)
#: Names that tell nothing of anybody, and are words besides.
_COMMON = frozenset({"default", "desktop", "user", "root", "ci", "local", "memory", "home", "none", "ephemeral"})


class Scrubber:
    """Replaces known secrets, what looks like one in a URL, and (by request) names."""

    def __init__(self, known: Iterable[str], *, names: Iterable[str] = ()) -> None:
        """`names` are replaced by hashes that are the same within this scrubber, and mean nothing outside."""
        forms = {form for text in known for form in _forms(text)}
        self._secrets = _any_of(forms)
        self._salt = random.token_bytes(16)
        self._names = _any_of({n for n in names if len(n) > 1 and n not in _COMMON}, whole=True)

    def text(self, text: str) -> str:
        """`text` without them."""
        text = self._secrets.sub(HIDDEN, text) if self._secrets else text
        text = _URL_TOKEN.sub(rf"\g<1>{HIDDEN}", _URL_LOGIN.sub(HIDDEN, text))
        return self._names.sub(lambda found: self._hash(found[0]), text) if self._names else text

    def data(self, data: Any) -> Any:
        """The same for every text in JSON data; keys stay."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            return {key: self.data(value) for key, value in data.items()}
        return [self.data(each) for each in data] if isinstance(data, list | tuple) else data

    def _hash(self, name: str) -> str:
        return f"name-{hashlib.sha256(self._salt + name.encode()).hexdigest()[:8]}"


def known_secrets(config: Config | None, registry: Registry | None, environment: Mapping[str, str]) -> Iterator[str]:
    """Every secret that can be had here: of the settings, and of variables whose name tells that they hold one."""
    yield from secrets.given()
    yield from (value for name, value in environment.items() if _TELLING.search(name))
    if config is None or registry is None:
        return
    for manifest in registry.manifests().values():
        for setting in (one for one in manifest.settings if one.secret):
            text = config.provider_value(manifest, setting).text
            if text and not secrets.is_reference(text):
                yield text
            elif text:
                with contextlib.suppress(VdictlError, OSError):
                    yield secrets.resolve(text, key=setting.name, environment=environment).reveal()


def said(words: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """What a command line may hold or name that is secret: values, variables of these names, lines of these files."""
    for word in words:
        value = word.partition("=")[2] if word.startswith("-") else word
        yield from (value, value.partition("=")[2], environment.get(value, ""))
        yield from _lines(value)


def _lines(name: str) -> Iterator[str]:
    try:
        with Path(name).open("rb") as file:
            text = file.read(_MOST_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        return
    for line in text.splitlines():
        yield from (line, line.partition("=")[2])


def _forms(text: str) -> Iterator[str]:
    """As it is, and as it stands in JSON, in Python and in a URL; of several lines, each."""
    for line in {text.strip(), *map(str.strip, text.splitlines())}:
        if len(line) >= _SHORTEST:
            yield from (line, json.dumps(line)[1:-1], repr(line)[1:-1], quote(line, safe=""))


def _any_of(texts: Iterable[str], *, whole: bool = False) -> re.Pattern[str] | None:
    found = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    if not found:
        return None
    return re.compile(rf"(?<![A-Za-z0-9])(?:{found})(?![A-Za-z0-9])" if whole else found)
