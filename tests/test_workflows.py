"""The workflows: sound by actionlint, with no more rights than they need, and as the project says of itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted(ROOT.glob(".github/workflows/*.yml"))
each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def load(file: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_actionlint_finds_nothing() -> None:
    beside = Path(sys.executable).with_name("actionlint")
    program = str(beside) if beside.exists() else shutil.which("actionlint")
    if program is None:
        pytest.skip("no actionlint here (go install github.com/rhysd/actionlint/cmd/actionlint@latest)")
    done = subprocess.run([program, *map(str, FILES)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each
def test_rights_are_given_to_the_job_that_needs_them(file: Path) -> None:
    workflow = load(file)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job in workflow["jobs"].values():
        written = {right for right, kind in job.get("permissions", {}).items() if kind == "write"}
        assert written <= {"id-token", "attestations"} or written == {"contents"}


@each
def test_every_job_ends_by_itself_and_no_credentials_stay_in_the_checkout(file: Path) -> None:
    workflow = load(file)
    assert "concurrency" in workflow
    assert [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job] == []
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each
def test_actions_are_pinned_by_version(file: Path) -> None:
    used = [step["uses"] for step in steps(load(file)) if "uses" in step]
    assert used
    assert [name for name in used if not re.search(r"@(v\d+|release/v\d+)$", name)] == []


@each
def test_nothing_that_others_write_becomes_a_command(file: Path) -> None:
    commands = [step["run"] for step in steps(load(file)) if "run" in step]
    assert [text for text in commands if "${{" in text] == [], "hand it over by env"


@each
def test_scripts_and_tests_that_a_workflow_names_are_there(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:scripts|tests)/[\w./-]*[\w]", text)) | set(re.findall(r"\.ci/\w+", text))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_python_that_is_promised_is_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    tried = load(ROOT / ".github/workflows/ci.yml")["jobs"]["python"]["strategy"]["matrix"]["python"]
    assert tried == promised


def test_the_report_of_a_bug_asks_for_the_bundle() -> None:
    form = load(ROOT / ".github/ISSUE_TEMPLATE/bug.yml")
    support = next(field for field in form["body"] if field.get("id") == "support")
    assert "vdictl support" in support["attributes"]["label"]
