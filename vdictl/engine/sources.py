"""Reads the machine's apt sources: only Debian's own main archive is taken, to build a Debian from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SCHEMES = ("http://", "https://", "file:", "copy:")
_KEPT = ("signed-by", "trusted", "check-valid-until", "check-date", "architectures")


@dataclass(frozen=True, slots=True)
class Source:
    """One archive: where, which suites, which components, and the options that go with it (lower-case names)."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()


def read(apt: Path) -> list[Source]:
    """All enabled binary sources under an apt folder (usually /etc/apt), in both of apt's formats."""
    lists = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    stanzas = sorted((apt / "sources.list.d").glob("*.sources"))
    found = [source for file in lists for source in one_line(_text(file))]
    return found + [source for file in stanzas for source in deb822(_text(file))]


def one_line(text: str) -> Iterator[Source]:
    """The format of sources.list: `deb [option=value ...] uri suite component ...`."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            pairs = (word.partition("=") for word in (options or "").split())
            kept = tuple((name.lower(), value) for name, _, value in pairs)
            yield Source((uri,), (suite,), tuple(components.split()), kept)


def deb822(text: str) -> Iterator[Source]:
    """The format of *.sources: stanzas of fields; a field goes on in lines that begin with a blank."""
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n[ \t]*\n", without_comments):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0") or "deb" not in fields.get("types", "").split():
            continue
        yield Source(
            tuple(fields.get("uris", "").split()),
            tuple(fields.get("suites", "").split()),
            tuple(fields.get("components", "").split()),
            tuple((key, fields[key]) for key in fields if key not in ("types", "uris", "suites", "components")),
        )


def debian_only(sources: Iterable[Source], host_suite: str, wanted_suite: str) -> str:
    """A deb822 text of Debian's own main entries, for `wanted_suite`; empty where there is none.

    An entry is Debian's own where its suite is the host's (or its updates or security suite), its component is main,
    it is not signed by somebody else's key and needs no transport of its own. The suite is rewritten where the host
    is another Debian than the wanted one: the archives hold them side by side.
    """
    stanzas: list[str] = []
    for source in sources:
        suites = [name for suite in source.suites if (name := _suite(suite, host_suite, wanted_suite))]
        uris = [uri for uri in source.uris if uri.startswith(_SCHEMES)]
        signed_by = dict(source.options).get("signed-by", "")
        foreign = signed_by and "debian-archive" not in signed_by and "PGP PUBLIC KEY" not in signed_by
        if not suites or not uris or "main" not in source.components or foreign:
            continue
        lines = ["Types: deb", f"URIs: {' '.join(uris)}", f"Suites: {' '.join(suites)}", "Components: main"]
        lines += [f"{name.title()}: {value}" for name, value in source.options if name in _KEPT]
        stanzas.append("\n".join(lines) + "\n")
    return "\n".join(stanzas)


def _suite(name: str, host: str, wanted: str) -> str | None:
    match = re.fullmatch(rf"(?:{re.escape(host)}|stable)([-/](?:updates|security))?", name)
    if not match:
        return None
    return wanted + (match.group(1) or "").replace("/updates", "-security").replace("/", "-")


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
