"""What an image is made from: the same everywhere, another tag for another input, and no odd package names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdictl.guest import BASE, FLAVORS, BuildContext, context


@pytest.mark.parametrize("flavor", FLAVORS)
def test_same_inputs_same_context(flavor: str) -> None:
    assert context(flavor) == context(flavor)
    assert context(flavor).tag.startswith(f"localhost/vdictl/{flavor}:")
    assert len(context(flavor).tag.rpartition(":")[2]) == 12


def test_every_input_changes_the_tag() -> None:
    tags = [context(flavor, sudo=sudo).tag for flavor in FLAVORS for sudo in (False, True)]
    tags += [context("minimal", packages=names).tag for names in (["jq"], ["jq", "tree"], ["tree"])]
    tags.append(context("minimal", packages=["jq"], sudo=True).tag)
    assert len(set(tags)) == len(tags)
    assert context("minimal", packages=["tree", "jq", "jq"]).tag == context("minimal", packages=["jq", "tree"]).tag


@pytest.mark.parametrize("flavor", FLAVORS)
def test_containerfile_is_whole(flavor: str) -> None:
    made = context(flavor)
    text = made.files["Containerfile"].decode()
    assert f"ARG BASE={BASE}" in text
    assert "FROM ${BASE}" in text
    for name in FLAVORS[flavor].packages:
        assert f" {name} " in f"{text} ".replace("\n", " ").replace("\\", " "), name
    for line in text.splitlines():
        assert "$packages" not in line and "$system" not in line
    for needed in ("inside/main.py", "page/desktop.html", "page/vendor/novnc/core/rfb.js", "bin/vdictl-guest"):
        assert made.files[needed]
    assert not [path for path in made.files if "__pycache__" in path or path.endswith(".pyc")]
    assert text.index("apt-get") < text.index("COPY inside/")  # an edit of the guest does not run apt again
    assert f'vdictl.tag="{made.tag}"' in text
    assert made.labels["vdictl.image"] == flavor


def test_vendored_library_keeps_its_licence() -> None:
    files = context("minimal").files
    for name in ("LICENSE.txt", "AUTHORS", "VERSION", "docs/LICENSE.MPL-2.0", "vendor/pako/LICENSE"):
        assert files[f"page/vendor/novnc/{name}"].strip(), name


def test_more_packages_make_a_derived_image() -> None:
    made = context("xfce", packages=["g++", "libreoffice-calc", "python3.11-venv"])
    parent = context("xfce")
    assert made.parent == parent
    assert made.base == parent.tag
    text = made.files["Containerfile"].decode()
    assert text.startswith(f"FROM {parent.tag}\n")
    assert "g++ libreoffice-calc python3.11-venv" in text
    assert context("xfce", packages=[]).parent is None


@pytest.mark.parametrize(
    "name",
    ["", "a", "-y", "--allow-unauthenticated", "jq;id", "jq id", "jq\nRUN id", "jq=1.0", "jq/sid", "vim-", "JQ",
     "jq$(id)", "./x.deb", "jq\\", "'", "é", "jq\u200b", "jq:amd64:x"],
)  # fmt: skip
def test_odd_package_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        context("minimal", packages=["tree", name])


@given(st.text(max_size=30))
def test_no_name_breaks_out_of_its_line(name: str) -> None:
    try:
        made: BuildContext = context("minimal", packages=[name])
    except ValueError:
        return
    lines = made.files["Containerfile"].decode().splitlines()
    assert lines[3].split("\\")[0].strip() == name


def test_unknown_flavor_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="xfce, minimal, code"):
        context("kde")


def test_root_only_when_asked_for() -> None:
    plain, root = (context("minimal", sudo=sudo).files["Containerfile"].decode() for sudo in (False, True))
    assert " sudo " not in plain
    assert " sudo " in root
    for text in (plain, root):
        assert "USER user" in text
