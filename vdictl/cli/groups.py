"""A verb with commands of its own, one of which is meant where none is named."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


def group_with(default: str) -> type[TyperGroup]:
    """A group in which `share NAME` means `share create NAME`, if `default` is "create"."""

    class Group(TyperGroup):
        default_command = default

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            """Put the command's name in, where the first word that is no global option is none."""
            place = _first_word(self, args)
            if place < len(args) and args[place] not in {*self.commands, *ctx.help_option_names}:
                args = [*args[:place], default, *args[place:]]
            return list(super().parse_args(ctx, args))

    return Group


def _first_word(group: TyperGroup, args: list[str]) -> int:
    """Where the options of the group itself end."""
    takes = {name: not getattr(param, "is_flag", False) for param in group.params for name in param.opts}
    place = 0
    while place < len(args) and args[place].partition("=")[0] in takes:
        name, equals, _ = args[place].partition("=")
        place += 2 if takes[name] and not equals else 1
    return min(place, len(args))
