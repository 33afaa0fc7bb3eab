"""How the site is made of these pages: `python -m sphinx -W docs build/site`. Neither needs a network."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vdictl import __version__

project = "vdictl"
author = "the vdictl authors"
copyright = f"{author}, Apache-2.0"
release = version = __version__

extensions = ["myst_parser"]
root_doc = "README"
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # links to a heading are checked
nitpicky = True

html_theme = "furo"
html_title = f"vdictl {release}"
html_copy_source = False
html_show_sphinx = False

#: What the side bar shows, under captions. It stands here, so that the pages read well where nobody builds them. A page
#: belongs to the first caption that names it.
CONTENTS: dict[str, dict[str, list[str]]] = {
    "README": {
        "Use it": [
            *("tutorial", "how-to", "configuration", "reference/README", "errors", "schemas/README"),
            *("security", "speed", "limits"),
        ],
        "Providers": ["providers/*", "write-a-provider", "contract", "quality"],
        "How it is built": ["architecture", "adr/README"],
        "More": ["*", "*/README"],
    },
    "reference/README": {"Verbs": ["reference/*"]},
    "adr/README": {"Decisions": ["adr/*"]},
}


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Append the tables of contents to the pages that have one."""
    named = {name}
    for caption, patterns in CONTENTS.get(name, {}).items():
        found = [p.relative_to(app.srcdir) for pattern in patterns for p in sorted(app.srcdir.glob(f"{pattern}.md"))]
        pages = [f"/{path.with_suffix('')}" for path in found if str(path.with_suffix("")) not in named]
        named |= {page[1:] for page in pages}
        if pages:
            source[0] += "\n".join(["\n\n```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```\n"])


def hand_out_what_is_no_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Links to texts outside of this folder (the changelog) become downloads."""

    def link(found: re.Match[str]) -> str:
        file = (app.srcdir / name).parent / found[1]
        return f"](path:{found[1]})" if file.is_file() and app.srcdir not in file.resolve().parents else found[0]

    source[0] = re.sub(r"\]\(([^)#:\s]+\.md)(?:#[^)\s]*)?\)", link, source[0])


def add_front_door(app: Sphinx, error: Exception | None) -> None:
    """A folder on a web server opens with index.html."""
    if error is None and app.builder.name == "html":
        shutil.copy(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", hand_out_what_is_no_page)
    app.connect("source-read", add_contents)
    app.connect("build-finished", add_front_door)
