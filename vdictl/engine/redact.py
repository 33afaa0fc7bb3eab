"""Keeps values that may be secret out of error texts and logs."""

from __future__ import annotations

from collections.abc import Sequence

_CARRIES_VALUE = ("-e", "--env", "--build-arg", "--creds", "--password", "-p=")


def redact(argv: Sequence[str]) -> tuple[str, ...]:
    """The arguments with each value of an environment variable, build argument or password as `***`."""
    shown: list[str] = []
    hide_next = False
    for word in argv:
        if hide_next:
            shown.append(_hide_value(word))
        elif word.startswith(("--env=", "--build-arg=", "--creds=", "--password=")):
            option, _, value = word.partition("=")
            shown.append(f"{option}={_hide_value(value)}")
        else:
            shown.append(word)
        hide_next = word in _CARRIES_VALUE
    return tuple(shown)


def _hide_value(word: str) -> str:
    name, equals, _ = word.partition("=")
    return f"{name}=***" if equals else "***"
