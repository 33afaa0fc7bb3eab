"""The site is built of the pages without a warning and without a network, and its pictures are what the code says."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']([^"']+)|<link(?=[^>]*stylesheet)[^>]*href=["']([^"']+)"""
)
FETCHED = re.compile(r"""url\(\s*["']?((?:https?:)?//[^"')]+)|@import\s+["']([^"']+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    missing = [name for name in ("sphinx", "furo", "myst_parser") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)} (pip install --group docs)")
    folder = tmp_path_factory.mktemp("site")
    strictly = ["-W", "--keep-going", "-n", "-q", "-d", str(folder / "trees")]
    program = [sys.executable, "-m", "sphinx", *strictly, str(ROOT / "docs"), str(folder / "html")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_each_page_is_in_the_site_and_in_its_contents(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in ROOT.glob("docs/**/*.md")}
    assert {name for name in pages if not (site / name).is_file()} == set()
    front = (site / "index.html").read_text(encoding="utf-8")
    assert {name for name in pages - {"README.html"} if f'href="{name}"' not in front} == set()


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in [*site.rglob("*.html"), *site.rglob("*.css")]}
    loaded = [group for text in texts.values() for found in LOADED.findall(text) for group in found if group]
    fetched = [group for text in texts.values() for found in FETCHED.findall(text) for group in found if group]
    assert loaded
    assert {name for name in (*loaded, *fetched) if re.match(r"(?:https?:)?//", name)} == set()


def test_the_pictures_are_what_the_code_says() -> None:
    program = [sys.executable, str(ROOT / "scripts/pictures.py"), "--check"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
