#!/usr/bin/env python3
"""Make docs/reference/ (a page a verb) and docs/man/vdictl.1 from the code; `--check` says what differs.

Usage: .venv/bin/python scripts/reference.py [--check]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import cleandoc, getsource
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "providers")]

from scripts import manpage  # noqa: E402 - the folder must be on the path first
from vdictl.cli.app import build  # noqa: E402 - the folder must be on the path first
from vdictl.cli.verbs import VERBS  # noqa: E402

MAN = "../man/vdictl.1"
FOLDER = ROOT / "docs/reference"
AGAIN = "python scripts/reference.py"
NOTE = f"<!-- Made from the code by scripts/reference.py. Do not edit; make it anew: .venv/bin/{AGAIN} -->\n\n"
VARIABLE = re.compile(r"\s*\[(VDICTL_\w+)\]")
EXAMPLE = re.compile(r"^Example: (.+)$", re.MULTILINE)
#: An exit code belongs to a verb whose module has one of these words in its source.
EXITS = (
    ("0", r"", "done"),
    ("1", r"running\(", "it failed, or the provider did not answer"),
    ("2", r"", "wrong usage: nothing was changed"),
    (
        "4",
        r"(?<!\.)\bone\(run|selection|find\(|snapshots\.|diagnosing|NotFound|applying|make\(",
        "what was named is not there",
    ),
    ("5", r"running\(", "no provider is configured, or it refused the login"),
    (
        "6",
        r"Operator\(|\.need\(|doors|opening|timers|changing|applying|adopting|Unsupported|make\(",
        "the provider cannot do that; who can is named",
    ),
    (
        "7",
        r"(?<!\.)\bone\(run|selection|find\(|Partial|require_complete|raise_outcome|make\(",
        "partly done, or not everybody could be asked; the rest is named on stderr",
    ),
    ("8", r"run\.timeout\(", "the time was over; the work may go on"),
    (
        "9",
        r"Operator\(|Conflict|make\(|doors|opening|changing|applying|adopting",
        "a conflict: in use, locked, not running, changed meanwhile",
    ),
    ("10", r"make\(|snapshot_create|resize|Creator\(", "quota, stock, budget, or a full disk"),
    ("130", r"running\(", "Ctrl-C, or the process was asked to end"),
    ("any other", r"run_through\(.*typer\.Exit\(code\)", "that of the command inside"),
)


EVERYWHERE = {param.name for param in build().params} | {"help"}


def pages() -> dict[str, str]:
    """File name -> text, of the whole folder."""
    root = build()
    context = root.make_context("vdictl", [], resilient_parsing=True)
    verbs = {name: root.get_command(context, name) for name, verb in VERBS.items() if not verb.hidden}
    made = {"README.md": _index(root, context)}
    made |= {f"{name}.md": _verb(name, command) for name, command in verbs.items()}
    return made


def _index(root: Any, context: Any) -> str:
    parts = ["# Reference: every verb\n", "```text", context.get_usage().removeprefix("Usage: "), "```\n"]
    parts.append("Made from the code; `vdictl VERB --help` says the same. Each example is run by a test.\n")
    for section in dict.fromkeys(verb.section for verb in VERBS.values()):
        verbs = [(name, verb.summary) for name, verb in VERBS.items() if verb.section == section and not verb.hidden]
        rows = [(f"[{name}]({name}.md)", _cell(summary)) for name, summary in verbs]
        parts += [f"## {section}\n", *_table(("verb", "does"), rows), ""]
    parts += ["## Options of every verb\n", "They may stand before the verb or after it; the later one wins.\n"]
    options = [(_names(p), _meaning(p, context), _variable(p)) for p in root.params if not p.is_eager]
    parts += _table(("option", "meaning", "variable"), options)
    parts += ["", "Exit codes: [errors.md](../errors.md). Settings and variables: `vdictl config explain all`.", ""]
    return NOTE + "\n".join(parts)


def _verb(name: str, command: Any) -> str:
    parts = [f"# vdictl {name}\n"]
    below = getattr(command, "commands", {})
    if below:
        parts += [_prose(command.help or VERBS[name].summary), ""]
        rows = [(f"[{word}](#{_anchor(f'vdictl {name} {word}')})", _first(c.help)) for word, c in below.items()]
        parts += [*_table(("command", "does"), rows), ""]
    else:
        parts += _command(f"vdictl {name}", command)
    for word, subcommand in below.items():
        parts += [f"## vdictl {name} {word}\n", *_command(f"vdictl {name} {word}", subcommand)]
    parts += ["## Exit codes\n", *_table(("code", "when"), _exits(name)), ""]
    parts += [f"[All codes](../errors.md). Every verb takes [{_everywhere()}](README.md#options-of-every-verb).", ""]
    return NOTE + "\n".join(parts)


def _everywhere() -> str:
    """The options of every verb, in words."""
    names = [f"`{max(param.opts, key=len)}`" for param in build().params if not param.is_eager]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _command(path: str, command: Any) -> Iterator[str]:
    """Prose, usage, arguments, options and examples of one command."""
    text = cleandoc(command.help or "")
    context = command.make_context(path, [], resilient_parsing=True)
    yield from (_prose(EXAMPLE.sub("", text)), "")
    yield from ("```text", context.get_usage().removeprefix("Usage: "), "```\n")
    own = [p for p in command.params if p.name not in EVERYWHERE and not getattr(p, "hidden", False)]
    arguments = [p for p in own if p.param_type_name == "argument"]
    options = [p for p in own if p.param_type_name == "option"]
    if arguments:
        rows = [(f"`{p.make_metavar(context)}`", _meaning(p, context)) for p in arguments]
        yield from (*_table(("argument", "meaning"), rows), "")
    if options:
        triples = [(_names(p), _meaning(p, context), _variable(p)) for p in options]
        yield from (*_table(("option", "meaning", "variable"), triples), "")
    examples = EXAMPLE.findall(text)
    if examples:
        yield f"{'Example' if len(examples) == 1 else 'Examples'}:\n"
        yield from ("```sh", *examples, "```\n")
    if schemas := _schemas(path.removeprefix("vdictl ")):
        yield f"With `-o json`: {schemas}.\n"


def _schemas(path: str) -> str:
    """Links to the schemas of what a command prints; some options give another form."""
    of_all: dict[str, str | None] = json.loads((ROOT / "docs/schemas/verbs.json").read_text(encoding="utf-8"))
    mine = {name.removeprefix(path).strip(): file for name, file in of_all.items() if f"{name} ".startswith(f"{path} ")}
    forms = [(f"with `{option}` " if option else "", file) for option, file in sorted(mine.items()) if file]
    return ", ".join(f"{form}[{file}](../schemas/{file})" for form, file in forms)


def _names(param: Any) -> str:
    """`-o`, `--output OUTPUT`: the spellings, and what follows."""
    both = (param.opts, param.secondary_opts)
    spellings = [", ".join(f"`{word}`" for word in sorted(words, key=len)) for words in both if words]
    follows = "" if param.is_flag or param.count else f" `{_cell(param.metavar or param.type.name.upper())}`"
    return " / ".join(spellings) + follows


def _meaning(param: Any, context: Any) -> str:
    """What help says of it, and the default where that is more than "not given"."""
    help_text = _cell(VARIABLE.sub("", getattr(param, "help", None) or ""))
    default = param.get_default(context, call=False)
    notes = []
    if getattr(param, "multiple", False) and "epeatable" not in help_text:
        notes.append("may be given several times")
    if not (default in (None, False, ()) or callable(default) or "efault" in help_text):
        notes.append(f"default: `{_default(param, default)}`")
    if param.required and param.param_type_name == "option":
        notes.append("must be given")
    return " ".join(part for part in (help_text, f"({', '.join(notes)})" if notes else "") if part)


def _variable(param: Any) -> str:
    """The variable of the environment that stands for it."""
    named = VARIABLE.search(getattr(param, "help", None) or "")
    variable = getattr(param, "envvar", None) or (named[1] if named else "")
    return f"`{variable}`" if variable else ""


def _default(param: Any, default: Any) -> str:
    if getattr(param, "is_flag", False):
        return str((param.opts if default else param.secondary_opts or param.opts)[0])
    return str(getattr(default, "value", default))


def _exits(name: str) -> list[tuple[str, str]]:
    """The codes with which a verb may end: by what stands in its module, and in those that only it imports."""
    sources = {verb: getsource(import_module(f"vdictl.cli.commands.{verb.replace('-', '_')}")) for verb in VERBS}
    parts = {verb: _parts(source) for verb, source in sources.items()}
    own = [part for part in sorted(parts[name]) if sum(part in others for others in parts.values()) == 1]
    source = "\n".join([sources[name], *(getsource(import_module(part)) for part in own)])
    return [(code, when) for code, words, when in EXITS if re.search(words, source, re.DOTALL)]


def _parts(source: str) -> set[str]:
    """The modules of the command line and of the core that a source imports."""
    names = re.findall(r"from (vdictl\.(?:cli|core)\.\w+) import", source)
    for room, line in re.findall(r"from (vdictl\.(?:cli|core)) import ([\w, ]+)", source):
        names += [f"{room}.{part.split()[0]}" for part in line.split(",")]
    return set(names)


def _first(text: str | None) -> str:
    """The first sentence or line, for a table."""
    return _cell(cleandoc(text or "").partition("\n\n")[0])


def _prose(text: str) -> str:
    """Help as Markdown: what could be taken for HTML is not, paragraphs stay paragraphs."""
    kept = re.sub(r"\n{3,}", "\n\n", text.replace("\b", "")).strip()
    return kept.replace("<", "&lt;").replace("*", r"\*")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from (f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    """Write the pages, or with --check compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page is not as the code")
    check = parser.parse_args().check
    wanted = pages()
    wanted[MAN] = manpage.page()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    if manpage.FILE.exists():
        there[MAN] = manpage.FILE.read_text(encoding="utf-8")
    differing = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if check:
        for name in differing:
            print(f"docs/reference/{name} is not what the code says", file=sys.stderr)
        if differing:
            print(f"Make it anew, and commit it: .venv/bin/{AGAIN}", file=sys.stderr)
        return 1 if differing else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in differing:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8", newline="\n")
        else:
            (FOLDER / name).unlink()
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
