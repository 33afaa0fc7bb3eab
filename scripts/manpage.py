"""The man page, from the code: `page()` is the text of docs/man/vdictl.1, which scripts/reference.py writes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "providers")]

from vdictl import __version__  # noqa: E402 - the folder must be on the path first
from vdictl.cli.app import HELP, build  # noqa: E402
from vdictl.cli.verbs import VERBS  # noqa: E402
from vdictl.contract import errors  # noqa: E402
from vdictl.core.config import KEYS  # noqa: E402

DATE = "2026-11-27"  #: of this layout: a page that is made anew every day could not be compared
FILE = ROOT / "docs/man/vdictl.1"
_NAMES = {"\\": r"\e", "-": r"\-", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", "'": r"\(aq"}
EXAMPLE = re.compile(r"^Example: (.+)$", re.MULTILINE)


def page() -> str:
    """All of it, in the man(7) macros."""
    root = build()
    context = root.make_context("vdictl", [], resilient_parsing=True)
    lines = [
        r".\" Made from the code by scripts/reference.py. Do not edit.",
        f'.TH VDICTL 1 {DATE} "vdictl {__version__}" "vdictl"',
        *(".SH NAME", r"vdictl \- virtual desktops on any cloud"),
        *(".SH SYNOPSIS", r".B vdictl", r"[\fIOPTIONS\fR] \fIVERB\fR [\fIARGUMENTS\fR]"),
        *(".SH DESCRIPTION", *_prose(HELP.partition("\n\n")[0])),
        *_paragraph("Each verb is told of below; \\fBvdictl help\\fR \\fIVERB\\fR says the same.", escaped=True),
        *(".SH OPTIONS", *_paragraph("They may stand before the verb or after it; the later one wins.")),
        *(line for param in root.params for line in _option(param, context)),
    ]
    for section in dict.fromkeys(verb.section for verb in VERBS.values()):
        lines.append(f".SH {_text(section.upper())}")
        for name in (n for n, verb in VERBS.items() if verb.section == section and not verb.hidden):
            lines += _command(f"vdictl {name}", root.get_command(context, name), VERBS[name].summary)
    text = "\n".join([*lines, *_exits(), *_environment(), *_files()]) + "\n"
    return re.sub(r"^(\.S[HS] .*\n)\.PP\n", r"\1", text, flags=re.MULTILINE)  # a heading begins a paragraph by itself


def _command(path: str, command: Any, summary: str) -> Iterator[str]:
    text = cleandoc(command.help or summary)
    below = getattr(command, "commands", {})
    context = command.make_context(path, [], resilient_parsing=True)
    yield f".SS {_text(path)}"
    if not below:
        yield from (".nf", _text(context.get_usage().removeprefix("Usage: ")), ".fi")
    yield from _prose(EXAMPLE.sub("", text))
    everywhere = {param.name for param in build().params} | {"help"}
    own = [p for p in command.params if p.name not in everywhere and not getattr(p, "hidden", False)]
    for param in own:
        yield from _option(param, context)
    for example in EXAMPLE.findall(text) if not below else ():
        yield from (".PP", "Example:", ".PP", ".nf", _text(f"    {example}"), ".fi")
    for name, sub in below.items():
        if not sub.hidden:
            yield from _command(f"{path} {name}", sub, "")


def _option(param: Any, context: Any) -> Iterator[str]:
    yield ".TP"
    if param.param_type_name == "argument":
        yield rf"\fI{_text(param.make_metavar(context))}\fR"
    else:
        words = [*sorted(param.opts, key=len), *param.secondary_opts]
        follows = "" if param.is_flag or param.count else rf" \fI{_text(param.metavar or param.type.name.upper())}\fR"
        yield ", ".join(rf"\fB{_text(word)}\fR" for word in words) + follows
    yield _text(" ".join((getattr(param, "help", None) or "Show help.").split()))


def _exits() -> Iterator[str]:
    yield from (".SH EXIT STATUS", ".TP", "0", "Done.")
    codes: dict[int, str] = {3: "A bug in vdictl; the log file is named."}
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.VdictlError):
            codes.setdefault(kind.exit_code, (kind.__doc__ or "").partition("\n")[0])
    codes[1] = "Failed, or the provider did not answer."
    for code, meaning in sorted(codes.items()):
        yield from (".TP", str(code), _text(meaning))


def _environment() -> Iterator[str]:
    yield ".SH ENVIRONMENT"
    rule = "Every option has a variable: VDICTL_ and the words of the command, in capitals, with _ for - :"
    yield from _paragraph(f"{rule} VDICTL_CREATE_TTL is --ttl of create. An option wins over its variable.")
    for name, key in KEYS.items():
        yield from (".TP", rf"\fBVDICTL_{name.upper()}\fR", _text(f"{key.summary[0].upper()}{key.summary[1:]}."))
    yield from (".TP", r"\fBVDICTL_PROFILE\fR", "The profile of the config.")
    yield from (".TP", r"\fBVDICTL_CONFIG\fR", "The config file, in place of the usual one.")
    yield from (".TP", r"\fBNO_COLOR\fR, \fBFORCE_COLOR\fR", "Never bold or colour; always, also through a pipe.")


def _files() -> Iterator[str]:
    yield ".SH FILES"
    yield from (".TP", r"\fI~/.config/vdictl/config.toml\fR", "Settings; $XDG_CONFIG_HOME is kept to.")
    yield from (".TP", r"\fI~/.local/state/vdictl\fR", "Journal and caches; deleting them loses nothing.")


def _prose(text: str) -> Iterator[str]:
    """Paragraphs; those that Click must not wrap stay as they are."""
    for block in re.split(r"\n{2,}", text.strip()):
        if block.startswith("\b"):
            yield from (".PP", ".nf", *(_text(f"  {line}") for line in block.splitlines()[1:]), ".fi")
        elif block.strip():
            yield from _paragraph(" ".join(block.split()))


def _paragraph(text: str, *, escaped: bool = False) -> tuple[str, str]:
    return ".PP", text if escaped else _text(text)


def _text(text: str) -> str:
    """As troff reads it: no line of ours is a command, and a minus is one that can be copied."""
    plain = "".join(_NAMES.get(letter, letter) for letter in text)
    return f"\\&{plain}" if plain.startswith(".") else plain
