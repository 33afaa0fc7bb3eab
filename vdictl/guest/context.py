"""From a flavor to what an engine needs to build its image: plain data, the same on every machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from string import Template
from types import MappingProxyType
from typing import Final

from vdictl.guest.flavors import FLAVORS, Flavor
from vdictl.guest.paths import HOME, PAGE_PORT, STATE_DIR, USER, USER_UID, VERSION

#: The base of every flavor. Where no registry answers, the engine bootstraps one and passes it as `BASE`.
BASE: Final = "docker.io/library/debian:bookworm-slim"
#: The flavor `code`: the newest code-server when this was written, and the node that it asks for.
CODE_SERVER: Final = "4.139.1"
NODE: Final = "24.*"
REPOSITORY: Final = "localhost/vdictl"

#: Debian policy 5.6.1 (package names), and the architecture suffix that apt takes. Nothing that a shell or apt would
#: read as something else: no leading dash, no `=`, no `/`. A trailing dash is refused too: apt reads it as "remove".
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """All inputs of one image. `files` holds the Containerfile too, under that name."""

    tag: str  #: localhost/vdictl/FLAVOR:HASH, the hash of all inputs, the parent's included
    flavor: str
    base: str  #: what `ARG BASE` means unless told otherwise; the parent's tag in a derived image
    files: Mapping[str, bytes]  #: path relative to the context -> content
    labels: Mapping[str, str]
    build_args: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    parent: BuildContext | None = None  #: to be built first
    #: Programs that fetch over TLS in this build (npm). Where the machine's own trust differs from Debian's (a
    #: company's proxy), pass its bundle as the build secret `ca`: `--secret id=ca,src=FILE`. Optional.
    wants_ca: bool = False


def context(flavor: str, *, packages: Sequence[str] = (), sudo: bool = False) -> BuildContext:
    """What to build for `flavor`, with more Debian `packages` in an image derived from it.

    `sudo` gives the user root inside without a password; it means nothing unless the container's system is writable.
    Raises `ValueError` for a flavor that is not there and for a name that no Debian package can have.
    """
    if flavor not in FLAVORS:
        raise ValueError(f"no flavor {flavor!r}; there are: {', '.join(FLAVORS)}")
    extra = _checked(packages)
    parent = _flavor_context(FLAVORS[flavor], sudo=sudo)
    return _derived(parent, extra) if extra else parent


def _flavor_context(flavor: Flavor, *, sudo: bool) -> BuildContext:
    image = files("vdictl.guest") / "image"
    text = Template((image / f"{flavor.recipe}.Containerfile").read_text("utf-8")).substitute(
        _values(image, flavor, sudo=sudo)
    )
    tree = {f"etc/{path}": body for path, body in _tree(image / "etc")}
    tree |= {f"share/{path}": body for path, body in _tree(image / "share")}
    tree |= {f"inside/{path}": body for path, body in _tree(files("vdictl.guest") / "inside")}
    tree |= {f"page/{path}": body for path, body in _tree(files("vdictl.guest") / "page")}
    tree["bin/vdictl-guest"] = (image / "vdictl-guest").read_bytes()
    return _context(flavor.name, BASE, text, tree, None, wants_ca=flavor.recipe == "code")


def _values(image: Traversable, flavor: Flavor, *, sudo: bool) -> dict[str, str]:
    """What the texts of the image leave open."""
    etc = sorted(path for path, _ in _tree(image / "etc"))
    folders = sorted({str(folder) for path in etc for folder in PurePosixPath("/etc", path).parents[:-2]})
    values = {
        "base": BASE,
        "flavor": flavor.name,
        "packages": " ".join(sorted(flavor.packages)),
        "user": USER,
        "uid": str(USER_UID),
        "home": HOME,
        "state": STATE_DIR,
        "port": str(PAGE_PORT),
        "node": NODE,
        "code_server": CODE_SERVER,
        "etc_files": " ".join(f"/etc/{path}" for path in etc),
        "etc_folders": " ".join(folders),
        "root": "",
    }
    for part in ("system", *(("root",) if sudo else ()), "guest"):
        values[part] = Template((image / f"{part}.part").read_text("utf-8")).substitute(values).strip()
    return values


def _derived(parent: BuildContext, packages: Sequence[str]) -> BuildContext:
    text = (
        f"FROM {parent.tag}\nUSER root\n"
        "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -- \\\n"
        f"    {' '.join(packages)} \\\n && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*\nUSER {USER}\n"
    )
    return _context(parent.flavor, parent.tag, text, {}, parent)


def _context(
    flavor: str, base: str, text: str, tree: Mapping[str, bytes], parent: BuildContext | None, *, wants_ca: bool = False
) -> BuildContext:
    # The labels come after the hash (they hold the tag) and last in the file, so that they spoil no layer.
    tag = f"{REPOSITORY}/{flavor}:{_digest({**tree, 'Containerfile': text.encode()}, base)}"
    labels = {"vdictl.image": flavor, "vdictl.tag": tag, "vdictl.guest": VERSION}
    text += "LABEL " + " ".join(f'{name}="{value}"' for name, value in labels.items()) + "\n"
    return BuildContext(
        tag=tag,
        flavor=flavor,
        base=base,
        files=MappingProxyType({**tree, "Containerfile": text.encode()}),
        labels=MappingProxyType(labels),
        parent=parent,
        wants_ca=wants_ca,
    )


def _digest(tree: Mapping[str, bytes], base: str) -> str:
    total = hashlib.sha256(f"{VERSION}\0{base}\0".encode())
    for path in sorted(tree):
        total.update(f"{path}\0{len(tree[path])}\0".encode())
        total.update(tree[path])
    return total.hexdigest()[:12]


def _checked(packages: Sequence[str]) -> tuple[str, ...]:
    for name in packages:
        if not _PACKAGE.fullmatch(name) or name.endswith("-"):
            raise ValueError(f"not the name of a Debian package: {name!r}")
    return tuple(sorted(set(packages)))


def _tree(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.name == "__pycache__" or entry.name.endswith((".pyc", ".swp", "~")):
            continue
        if entry.is_dir():
            found += _tree(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, entry.read_bytes()))
    return found
