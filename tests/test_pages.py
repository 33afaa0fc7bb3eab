"""The pages as text: each block of code is run, parsed or says why not; links, anchors and the catalogue hold."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.test_docs import RUN, documents
from vdictl.cli.verbs import VERBS
from vdictl.contract import errors
from vdictl.contract.errors import VdictlError

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^(?P<before>[^\n]*)\n+```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
WHY = re.compile(r"<!-- not run: .{10,} -->")
COMMAND = re.compile(r"^(\$ |vdictl [a-z])", re.MULTILINE)
LINK = re.compile(r"\]\((?P<file>[^)#\s]*)#(?P<anchor>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
#: Pages whose blocks are run, and by which test.
WITH_A_TEST = dict.fromkeys(RUN, "tests/test_docs.py") | {
    "docs/write-a-provider.md": "tests/unit/testing/test_write_a_provider.py"
}
REFERENCE = "docs/reference/"  # its examples are run by tests/cli/test_examples.py


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def is_tied(page: Path, block: re.Match[str]) -> bool:
    """Whether a block is run by a test, shows no more than an output, or says why it is not run."""
    if name_of(page).startswith(REFERENCE) or WHY.search(block["before"]):
        return True
    if block["language"] == "text":
        return not COMMAND.search(block["text"])
    return name_of(page) in WITH_A_TEST and block["language"] in {"sh", "python"}


def loose_blocks(page: Path) -> Iterator[str]:
    """What is neither run, nor parsed here, nor says why."""
    parsers: dict[str, Callable[[str], object]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": lambda text: list(yaml.safe_load_all(text)),
    }
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if parse := parsers.get(block["language"]):
            parse(block["text"])
        elif not is_tied(page, block):
            yield f"{name_of(page)}: ```{block['language']} {block['text'].splitlines()[0]}"


def anchors(page: Path) -> set[str]:
    """As the usual web sites make them from headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)|[`*]", r"\1", title) for title in HEADING.findall(text)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in plain}


def error_classes() -> dict[str, type[VdictlError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VdictlError)]
    return {kind.slug: kind for kind in found}


def listed_errors() -> dict[str, int]:
    """Slug -> exit code, as the catalogue says."""
    rows = re.findall(r"^\| (\d+) \| ([^|]*) \|", (ROOT / "docs/errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {slug: int(code) for code, slugs in rows for slug in re.findall(r"`([\w-]+)`", slugs)}


def test_each_block_of_code_is_run_or_parsed_or_says_why_not() -> None:
    loose = [text for page in documents() for text in loose_blocks(page)]
    assert loose == [], "run it (tests/test_docs.py, RUN), or write before it: <!-- not run: the reason -->"


def test_each_anchor_is_a_heading() -> None:
    broken = []
    for page in documents():
        for link in LINK.finditer(page.read_text(encoding="utf-8")):
            target = page.parent / link["file"] if link["file"] else page
            if "://" not in link["file"] and link["anchor"] not in anchors(target):
                broken.append(f"{name_of(page)} -> {link['file']}#{link['anchor']}")
    assert broken == []


def test_the_catalogue_lists_each_error_with_its_code() -> None:
    of_the_code = {slug: kind.exit_code for slug, kind in error_classes().items()}
    assert listed_errors() == of_the_code | {"bug": 3}


def test_the_catalogue_tells_of_each_error_what_its_class_does() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (?:`(\w+)` )?\| (yes|no) \|", page, re.MULTILINE)
    of_the_code = [(slug, kind.__name__, "yes" if kind.passing else "no") for slug, kind in error_classes().items()]
    assert sorted(rows) == sorted([*of_the_code, ("bug", "", "no")])


@pytest.mark.parametrize("slug", [*error_classes(), "bug"])
def test_each_error_is_found_in_a_test(slug: str) -> None:
    kind = error_classes().get(slug)
    words = re.compile(rf'"{slug}"' + (rf"|\b{kind.__name__}\b" if kind else ""))
    tests = [p for p in ROOT.glob("tests/**/*.py") if p.name != Path(__file__).name]
    assert any(words.search(test.read_text(encoding="utf-8")) for test in tests), f"no test has {slug}"


@pytest.mark.parametrize("code", sorted({*listed_errors().values()}))
def test_each_exit_code_is_the_end_of_a_real_command_in_a_test(code: int) -> None:
    words = re.compile(rf"\bcode\b[^\n]*(==|in)[^\n]*\b{code}\b|returncode == {code}\b|code={code}\b")
    folders = (ROOT / "tests/cli", ROOT / "tests/integration", ROOT / "tests/faults")
    tests = [test for folder in folders for test in folder.glob("test_*.py")]
    assert any(words.search(test.read_text(encoding="utf-8")) for test in tests), f"no test ends with {code}"


def test_each_verb_is_told_of_outside_of_the_reference() -> None:
    pages = [page for page in documents() if not name_of(page).startswith(REFERENCE)]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    silent = [name for name, verb in VERBS.items() if not verb.hidden and not re.search(rf"vdictl {name}\b", text)]
    assert silent == [], "say in docs/how-to.md, or on a page of its own, what it is good for"
