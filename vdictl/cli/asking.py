"""What a create is asked for: texts of the command line become parts of a `DesktopSpec`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qsl, urlsplit

from vdictl.cli.durations import mebibytes
from vdictl.contract.errors import Invalid
from vdictl.contract.mark import check_name
from vdictl.contract.model import Secret

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](?::[a-z0-9]+)?")
_SECRET_WORDS = ("token", "secret", "password", "passwd", "key", "auth")
_MOST_BYTES = 1 << 20  #: of a script or a file of variables
HOMES = ("none", "ephemeral")


def pairs(texts: Iterable[str], *, option: str) -> dict[str, str]:
    """`K=V` each; the last of a key wins.

    Raises:
        Invalid: one has no `=` or no key.
    """
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise Invalid(f"{option}: {text[:40]!a} is not KEY=VALUE.")
        found[key] = value
    return found


def labels(texts: Iterable[str]) -> dict[str, str]:
    """Labels of a desktop.

    Raises:
        Invalid: a key or value cannot be carried everywhere.
    """
    return checked_labels(pairs(texts, option="--label"), option="--label")


def checked_labels(found: Mapping[str, str], *, option: str) -> dict[str, str]:
    """Give labels back.

    Raises:
        Invalid: a key or value cannot be carried everywhere.
    """
    for key, value in found.items():
        if not _LABEL.fullmatch(key):
            advice = "Use 1 to 63 letters, digits and . _ / -"
            raise Invalid(f"{option}: {key[:60]!a} cannot be the key of a label.", advice=advice)
        if len(value) > 200 or not value.isprintable():
            raise Invalid(f"{option}: the value of {key} is too long or not printable.")
    return dict(found)


def variables(
    texts: Iterable[str], *, files: Iterable[Path], environment: Mapping[str, str], stdin: TextIO
) -> dict[str, Secret]:
    """Variables for inside: those of the files first, then `K=V`, or `K` alone, which takes it from the environment.

    Raises:
        Invalid: a name is none, a file cannot be read, or a variable is not set here.
    """
    found = {}
    for file in files:
        for number, line in _lines(file, stdin):
            try:
                name, value = _variable(line, environment)
            except Invalid:  # nothing of the line is shown: of a value over several lines it would be a secret
                raise Invalid(
                    f"--env-file: line {number} of {str(file)[:100]!a} is no variable.",
                    advice="Write NAME=VALUE on one line, or the NAME alone of one that is set here.",
                ) from None
            found[name] = value
    return found | dict(_variable(text, environment) for text in texts)


def script(file: Path, *, stdin: TextIO) -> Secret:
    """The text of a script; `-` is standard input.

    Raises:
        Invalid: it cannot be read, is no text, or is too long.
    """
    return Secret(text(file, option="--setup", stdin=stdin))


def repository(url: str | None, *, option: str) -> str | None:
    """A URL that git can clone, without credentials: it goes into the mark, which everybody may read.

    Raises:
        Invalid: it has some, or is no URL.
    """
    if url is None:
        return None
    shown = ascii(url[:80])
    if not url or url.startswith("-") or not url.isprintable() or " " in url or len(url) > 500:
        raise Invalid(f"{option}: {shown} is no URL.")
    try:
        parts = urlsplit(url)
        user, password = parts.username, parts.password
    except ValueError as error:
        raise Invalid(f"{option}: {shown} is no URL.") from error
    query = [key.lower() for key, _ in parse_qsl(parts.query)]
    hidden = any(word in key for key in query for word in _SECRET_WORDS)
    in_front = "://" not in url and re.match(r"[^/@:]+:[^/@]*@", url)  # scp's way of writing it
    if password or hidden or in_front or (user and parts.scheme in {"http", "https"}):
        raise Invalid(
            f"{option}: the URL holds credentials, and would show them to everybody who sees the desktop.",
            advice="Deliver them with --env and --setup instead.",
        )
    return url


def home(text: str | None) -> str | None:
    """A volume's name, `none` or `ephemeral`."""
    return text if text is None or text in HOMES else check_name("home", text)


def packages(texts: Iterable[str]) -> tuple[str, ...]:
    """`a,b`, sorted and each once: the same packages make the same image.

    Raises:
        Invalid: one cannot be the name of a Debian package.
    """
    found = tuple(sorted({part.strip() for text in texts for part in text.split(",") if part.strip()}))
    for name in found:
        if not _PACKAGE.fullmatch(name) or len(name) > 100:
            raise Invalid(f"--packages: {name[:60]!a} cannot be the name of a Debian package.")
    return found


def processors(number: float | None) -> float | None:
    """How many; the option's own limits let `nan` through.

    Raises:
        Invalid: it is no number.
    """
    if number is not None and math.isnan(number):
        raise Invalid("--cpus: 'nan' is no number.")
    return number


def gibibytes(text: str, *, option: str) -> int:
    """A size of a disk in GiB, rounded up."""
    return -(-mebibytes(text, option=option) // 1024)


def whole(text: str | None, *, option: str) -> str | None:
    """A plan, image, flavor or region: one printable word of the provider's.

    Raises:
        Invalid: it is none.
    """
    if text is None:
        return None
    if not text or len(text) > 200 or not text.isprintable() or text.startswith("-") or " " in text:
        raise Invalid(f"{option}: {text[:60]!a} cannot be meant.")
    return text


def text(file: Path, *, option: str, stdin: TextIO) -> str:
    """What is in a file; `-` is standard input.

    Raises:
        Invalid: it cannot be read, is no text, or is too long.
    """
    shown = ascii(str(file)[:100])
    try:
        if str(file) == "-":
            data = stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(_MOST_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise Invalid(f"{option}: {shown} cannot be read.", details=reason) from error
    if len(data) > _MOST_BYTES or "\0" in text:
        raise Invalid(f"{option}: {shown} is no text of at most one mebibyte.")
    return text


def _variable(text: str, environment: Mapping[str, str]) -> tuple[str, Secret]:
    name, equals, value = text.partition("=")
    if not _VARIABLE.fullmatch(name):
        raise Invalid(f"--env: {name[:40]!a} cannot be the name of a variable.")
    if not equals:
        if name not in environment:
            raise Invalid(f"--env: the variable {name} is not set here.", advice=f"Set it, or say --env {name}=VALUE.")
        value = environment[name]
    if "\0" in value:
        raise Invalid(f"--env: the value of {name} holds a null character.")
    return name, Secret(value)


def _lines(file: Path, stdin: TextIO) -> list[tuple[int, str]]:
    """Those that say something, with their numbers."""
    lines = enumerate(text(file, option="--env-file", stdin=stdin).splitlines(), 1)
    stripped = ((number, line.strip()) for number, line in lines)
    return [(n, line.removeprefix("export ").lstrip()) for n, line in stripped if line and not line.startswith("#")]
