"""Words for the shell's completion: names that lists have shown, so that nobody is asked while a person types.

A small file per fleet and profile, for this user only, without a secret. It may be old or gone: that harms nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

#: kind ("desktop", "plan", ...) -> provider -> owner (empty: nobody's) -> words
Words = dict[str, dict[str, dict[str, list[str]]]]
_MOST = 1000  #: words of one owner that are worth keeping


def file_for(state_dir: Path, fleet: str, profile: str) -> Path:
    """Where the words of a fleet and profile are."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else f"%{ord(c):x}" for c in profile)
    return state_dir / "completion" / f"{fleet}@{plain[:100]}.json"


def read(file: Path) -> Words:
    """What was kept; nothing where the file is gone or torn."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


class Lexicon:
    """Keeps words as verbs come by them. Trouble with the file is nobody's trouble."""

    def __init__(self, file: Path, *, usual: str) -> None:
        """No I/O yet. `usual`: the owner where nobody says; completion has no time to find out."""
        self._file, self._usual = file, usual

    def keep(self, kind: str, told: Mapping[str, Iterable[tuple[str, str]]]) -> None:
        """All words of a kind that providers told just now, each as (owner, word)."""
        words = read(self._file)
        for provider, pairs in told.items():
            by_owner: dict[str, list[str]] = {}
            for owner, word in pairs:
                by_owner.setdefault(owner, []).append(word)
            words.setdefault(kind, {})[provider] = {o: sorted(set(each))[:_MOST] for o, each in by_owner.items()}
        self._write(words)

    def add(self, kind: str, provider: str, owner: str, word: str) -> None:
        """One that is new."""
        words = read(self._file)
        there = words.setdefault(kind, {}).setdefault(provider, {}).setdefault(owner, [])
        if word not in there:
            there.append(word)
            there.sort()
            self._write(words)

    def drop(self, kind: str, provider: str, owner: str, word: str) -> None:
        """One that is gone."""
        words = read(self._file)
        there = words.get(kind, {}).get(provider, {}).get(owner, [])
        if word in there:
            there.remove(word)
            self._write(words)

    def _write(self, words: Words) -> None:
        words["usual"] = {"": {"": [self._usual]}}
        if words == read(self._file):
            return
        temporary = self._file.with_name(f".{self._file.name}-{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                json.dump(words, opened)
            temporary.replace(self._file)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
