"""`vdictl completion`."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from vdictl.cli import command_tree, shells
from vdictl.cli.app import verb_app
from vdictl.core import paths

app = verb_app()


class Shell(StrEnum):
    """Shells that can be helped."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish|powershell", help="Your shell.")]) -> None:
    """Print the script with which a shell completes verbs, options and names of desktops, plans, snapshots and more.

    Example: vdictl completion bash

    Names are those that your last lists have shown: nobody is asked while you type. To have it in every shell:

    \b
    bash        vdictl completion bash > ~/.local/share/bash-completion/completions/vdictl
    zsh         vdictl completion zsh > a folder of $fpath, as _vdictl
    fish        vdictl completion fish > ~/.config/fish/completions/vdictl.fish
    powershell  vdictl completion powershell >> $PROFILE
    """
    sys.stdout.write(shells.SCRIPTS[shell.value])
    if sys.stdout.isatty():
        sys.stderr.write(f"# Where this belongs: {shells.PLACES[shell.value]}\n")
    command_tree.load(paths.state_dir(os.environ))  # so that the first Tab is as quick as the next
