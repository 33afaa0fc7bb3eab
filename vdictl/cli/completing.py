"""What the shell asks while a person types. Imports no verb, no provider and no library; nobody is asked.

The scripts of `vdictl completion` set `_VDICTL_COMPLETE` to the shell's name and hand on the words up to the cursor;
each candidate is a line, then a tab and what it means. No line: the shell offers files.
"""

from __future__ import annotations

import os
import shlex
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vdictl.cli import command_tree
from vdictl.cli.wishes import FORMATS
from vdictl.core import lexicon, paths

VARIABLE = "_VDICTL_COMPLETE"
_BREAKS = ":="  #: where bash begins a new word


def complete(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Answer one question of a shell."""
    shell = environment[VARIABLE]
    words = _words_of_line(environment.get("_VDICTL_LINE", "")) if shell == "bash" else list(argv)
    if shell == "powershell":  # it drops empty words
        words = [*words, environment.get("_VDICTL_WORD", "")]
    words = words or [""]
    cut = max(words[-1].rfind(mark) for mark in _BREAKS) + 1 if shell == "bash" else 0
    try:
        found = dict(_Completion(environment, words).candidates())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # a torn file: a person types, and needs no word
        return 0
    sys.stdout.write("".join(f"{word[cut:]}\t{' '.join(means.split())}\n" for word, means in found.items()))
    return 0


def _words_of_line(line: str) -> list[str]:
    """The words after the program's name; the last one is what is being typed, and may be empty."""
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(line + closing)
        except ValueError:
            continue
        return [*words[1:], ""] if not closing and line[-1:].isspace() else words[1:]
    return []


@dataclass
class _Completion:
    """One question: the words before, and the beginning of the one that is being typed."""

    environment: Mapping[str, str]
    words: Sequence[str]
    _options: dict[str, Any] = field(default_factory=dict)  #: of the command that is reached
    _given: dict[str, str] = field(default_factory=dict)  #: options with their values
    _placed: list[str] = field(default_factory=list)  #: words that are no options, since the command

    def candidates(self) -> Iterator[tuple[str, str]]:
        """Words that may stand here, and what each means."""
        state_dir = paths.state_dir(self.environment)
        tree = command_tree.load(state_dir)
        node, pending, ended = self._walk(tree)
        typed = self.words[-1]
        name, equals, begun = typed.partition("=")
        if pending is not None:
            found: Iterator[tuple[str, str]] = self._values(pending, state_dir)
        elif equals and name in self._options and not ended:
            typed = begun
            values = self._values(self._options[name], state_dir)
            found = ((f"{name}={value}", means) for value, means in values if value.startswith(begun))
            yield from found
            return
        elif typed.startswith("-") and not ended:
            found = ((word, shape["help"]) for word, shape in self._options.items() if self._is_free(word, shape))
        else:
            found = self._words_here(node, state_dir)
        yield from ((word, means) for word, means in found if word.startswith(typed))

    def _walk(self, tree: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any, bool]:
        """From the root to the command that the words reach; the option that waits for a value; whether `--` stood."""
        node, pending, ended = tree, None, False
        self._options = dict(tree["options"])
        last = ""
        for word in self.words[:-1]:
            if pending is not None:
                self._given[last], pending = word, None
            elif ended or not word.startswith("-") or word == "-":
                if not self._placed and word in node["commands"]:
                    node = node["commands"][word]
                    self._options |= node["options"]
                else:
                    self._placed.append(word)
            elif word == "--":
                ended = True
            else:
                last, equals, value = word.partition("=")
                shape = self._options.get(last, {})
                self._given[last] = value
                pending = shape if shape.get("takes") and not equals else None
        return node, pending, ended

    def _is_free(self, word: str, shape: Mapping[str, Any]) -> bool:
        return word not in self._given or bool(shape.get("again"))

    def _words_here(self, node: Mapping[str, Any], state_dir: Path) -> Iterator[tuple[str, str]]:
        if not self._placed:
            yield from ((name, below["help"]) for name, below in node["commands"].items())
        default = node["commands"].get(node.get("default") or "", {})
        arguments = node["arguments"] or default.get("arguments", [])
        if not arguments:
            return
        place = min(len(self._placed), len(arguments) - 1)
        if len(self._placed) < len(arguments) or arguments[-1]["many"]:
            taken = set(self._placed) if arguments[place]["many"] else set()
            yield from (pair for pair in self._values(arguments[place], state_dir) if pair[0] not in taken)

    def _values(self, shape: Mapping[str, Any], state_dir: Path) -> Iterator[tuple[str, str]]:
        """What an option or argument of this shape takes."""
        kind = shape.get("kind", "")
        if shape.get("choices"):
            yield from ((choice, "") for choice in shape["choices"])
        elif kind == "output":
            yield from ((form, "") for form in FORMATS)
        elif kind not in {"", "file"}:
            yield from self._known(kind, state_dir)

    def _known(self, kind: str, state_dir: Path) -> Iterator[tuple[str, str]]:
        """Names that lists have shown."""
        config = _config(self.environment)
        profile = self._given.get("--profile") or self.environment.get("VDICTL_PROFILE", "")
        layer = {**config, **config.get("profiles", {}).get(profile, {})}
        if kind == "profile":
            yield from ((str(name), "") for name in config.get("profiles", {}))
            return
        fleet = self._setting("fleet", layer) or "default"
        words = lexicon.read(lexicon.file_for(state_dir, fleet, profile))
        only = self._given.get("-p") or self._given.get("--provider") or self.environment.get("VDICTL_PROVIDER", "")
        wanted = {"inside": "desktop"}.get(kind, kind)
        owner = self._setting("owner", layer) or next(iter(words.get("usual", {}).get("", {}).get("", [])), "")
        for provider, by_owner in sorted(words.get(wanted, {}).items()):
            if only in ("", provider):
                for word in [*by_owner.get("", []), *by_owner.get(owner, [])]:
                    yield from self._shaped(kind, word, provider)

    def _shaped(self, kind: str, word: str, provider: str) -> Iterator[tuple[str, str]]:
        if kind == "inside":
            yield f"{word}:", provider
        elif kind == "snapshot" and self._placed:  # of the desktop that was named before
            desktop, _, name = word.partition("/")
            if desktop == self._placed[0]:
                yield name, provider
        else:
            yield word, provider

    def _setting(self, name: str, layer: Mapping[str, Any]) -> str:
        given = self._given.get(f"--{name}") or self.environment.get(f"VDICTL_{name.upper()}")
        return given or str(layer.get(name, ""))


def _config(environment: Mapping[str, str]) -> dict[str, Any]:
    try:
        return tomllib.loads(paths.config_file(environment).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def answer(argv: Sequence[str]) -> int:
    """As `complete`, with this process's environment."""
    return complete(argv, dict(os.environ))
