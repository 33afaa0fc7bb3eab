"""Deliberately broken providers, each with the named test that must catch it, and the words it must catch it with."""

from __future__ import annotations

from tests.conformance.broken import advancing, creating, deleting, listing, optional, remarking, speaking, stored
from tests.conformance.broken.base import Broken

_THEMES = (creating, listing, advancing, deleting, speaking, optional, remarking, stored)
BROKEN: list[type[Broken]] = [
    each
    for theme in _THEMES
    for each in vars(theme).values()
    if isinstance(each, type) and issubclass(each, Broken) and each.__module__ == theme.__name__
]
