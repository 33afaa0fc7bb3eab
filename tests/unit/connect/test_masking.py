"""What is written before a secret in CI."""

from __future__ import annotations

import pytest

from vdictl.connect.masking import Masking, masking
from vdictl.contract.model import Secret

LINK = Secret("http://127.0.0.1:1/#token=100%")


def test_outside_of_ci_nothing_is_done() -> None:
    assert masking({}, LINK) == Masking()
    assert masking({"CI": "false", "GITHUB_ACTIONS": ""}, LINK) == Masking()


def test_github() -> None:
    done = masking(
        {"CI": "true", "GITHUB_ACTIONS": "true"}, Secret("abcd%1"), Secret("two1\ntwo2\nx"), Secret("abcd%1")
    )
    assert done.lines == (
        "::add-mask::abcd%251", "::add-mask::abcd%25251", "::add-mask::two1", "::add-mask::two2",
    )  # fmt: skip
    assert done.note == ""
    assert "abcd" not in repr(done)


def test_azure() -> None:
    assert masking({"TF_BUILD": "True"}, Secret("abcd")).lines == ("##vso[task.setsecret]abcd",)


@pytest.mark.parametrize(("variable", "name"), [("GITLAB_CI", "GitLab"), ("CI", "This CI system")])
def test_those_who_cannot_say_so(variable: str, name: str) -> None:
    done = masking({variable: "true", "CI": "true"}, LINK)
    assert done.lines == ()
    assert done.note.startswith(name)
    assert "token" not in done.note
