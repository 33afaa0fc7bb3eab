"""All commands with their options as plain data: what completion reads instead of importing them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vdictl import __version__
from vdictl.cli import verbs

Node = dict[str, Any]

#: What a value is, by the name of the option.
_OPTIONS = {
    **{name: name for name in ("plan", "region", "provider", "profile", "image")},
    "flavor": "image",
    "from_snapshot": "snapshot",
    "home": "volume",
    "output": "output",
}
#: What an argument is, by its name; then by the command's words, which win.
_ARGUMENTS = {"name": "desktop", "names": "desktop", "snapshot": "snapshot", "volume": "volume"}
_ARGUMENTS_OF = {
    "snapshot create": {"snapshot": ""},
    "snapshot delete": {"which": "snapshot"},
    "volume create": {"name": ""},
    "volume delete": {"which": "volume"},
    "images build": {"flavor": "image"},
    "screenshot": {"words": "desktop"},
    "cp": {"source": "inside", "target": "inside"},
    **{f"config {word}": {"name": "setting"} for word in ("get", "set", "unset", "explain")},
}


def load(state_dir: Path) -> Node:
    """The tree, kept in a file as long as this vdictl is the same; making it imports every verb, and takes a while."""
    file, stamp = state_dir / "completion" / "commands.json", _stamp()
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["stamp"] == stamp:
            return dict(kept["tree"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    tree = make()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = file.with_name(f".{file.name}-{os.getpid()}")
        temporary.write_text(json.dumps({"stamp": stamp, "tree": tree}), encoding="utf-8")
        temporary.replace(file)
    return tree


def _stamp() -> str:
    """Changes with the version, and with any verb of a working copy."""
    here = Path(verbs.__file__).parent
    files = [*sorted((here / "commands").glob("*.py")), here / "verbs.py", here / "app.py", Path(__file__)]
    return f"{__version__} {here} {len(files)} {max(file.stat().st_mtime_ns for file in files)}"


def make() -> Node:
    """The tree from the commands themselves."""
    from vdictl.cli.app import build

    root = build()
    tree = _node(root, "")
    tree["commands"] = {n: _node(root.get_command(None, n), n) | {"help": v.summary} for n, v in verbs.VERBS.items()}
    for name, verb in verbs.VERBS.items():
        if verb.hidden:
            del tree["commands"][name]
    return tree


def _node(command: Any, path: str) -> Node:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options: Node = {"--help": {"takes": False, "help": "Show help."}}
    for param in command.params:
        if param.param_type_name == "option" and not getattr(param, "hidden", False):
            shape = _option(param)
            options |= dict.fromkeys(param.opts, shape)
            options |= {word: shape | {"takes": False} for word in param.secondary_opts}
    below = getattr(command, "commands", {})
    return {
        "help": (command.help or "").strip().partition("\n")[0],
        "options": options,
        "arguments": [_argument(param, path) for param in arguments],
        "commands": {name: _node(sub, f"{path} {name}") for name, sub in below.items() if not sub.hidden},
        "default": getattr(command, "default_command", ""),
    }


def _option(param: Any) -> Node:
    kind = _OPTIONS.get(param.name, "file" if "Path" in type(param.type).__name__ else "")
    takes = not (param.is_flag or param.count)
    return {
        "takes": takes,
        "kind": kind,
        "choices": _choices(param) if takes else [],
        "again": bool(param.multiple),
        "help": " ".join((param.help or "").split()),
    }


def _argument(param: Any, path: str) -> Node:
    special: Mapping[str, str] = _ARGUMENTS_OF.get(path, {})
    kind = special.get(param.name, _ARGUMENTS.get(param.name, ""))
    return {"kind": kind, "choices": _choices(param), "many": param.nargs == -1}


def _choices(param: Any) -> list[str]:
    return [str(getattr(choice, "value", choice)) for choice in getattr(param.type, "choices", ())]
