"""Start-up is held by what is imported, not by a clock: a fresh process runs the command and we look at its modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Runs one command line as `vdictl` does, and writes what was imported to the file named first.
PROGRAM = """
import json, sys
file, *argv = sys.argv[1:]
from vdictl.cli.main import main
try:
    code = main(argv)
except SystemExit as end:
    code = end.code
with open(file, "w") as out:
    json.dump({"code": code, "modules": sorted(sys.modules)}, out)
"""
SDKS = {"httpx", "requests", "pydantic", "asyncio", "boto3", "botocore", "kubernetes", "fastapi", "aiohttp", "keyring"}
#: Slow parts of the standard library, or of our own, that these commands have no use for.
LATE = {
    *("rich", "yaml", "tomlkit", "csv", "importlib.metadata", "email", "ssl", "multiprocessing"),
    *("concurrent.futures", "Crypto"),
}


def modules_of(tmp_path: Path, *words: str, code: int = 0, env: dict[str, str] | None = None) -> set[str]:
    """The modules that a run has imported; it must end with `code`."""
    file = tmp_path / "modules.json"
    state = tmp_path / "cloud.json"
    config = tmp_path / "config.toml"
    memory = f'[providers.memory]\npackage = "vdictl.testing.memory"\nstate = "{state}"\nboot = "0.02"\n'
    config.write_text(f'default_provider = "memory"\n{memory}[providers.local]\nengine = "/nonexistent/engine"\n')
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "providers"))),
        "VDICTL_CONFIG": str(config),
        **(env or {}),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = json.loads(file.read_text()) if file.exists() else None
    assert told is not None and told["code"] == code, (told and told["code"], done.stdout, done.stderr)
    return set(told["modules"])


def verbs_in(modules: set[str]) -> set[str]:
    return {name.rpartition(".")[2] for name in modules if name.startswith("vdictl.cli.commands.")}


def rooms_in(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("vdictl.")} | {
        name for name in modules if name.startswith("vdictl_")
    }


@pytest.mark.parametrize(
    ("words", "code", "env"),
    [
        (["--version"], 0, {}),
        (["--help"], 0, {}),
        ([], 2, {}),
        (["lits"], 2, {}),
        (["--no-such-option"], 2, {}),
    ],
)
def test_what_needs_no_verb_imports_none_and_nothing_slow(
    tmp_path: Path, words: list[str], code: int, env: dict[str, str]
) -> None:
    modules = modules_of(tmp_path, *words, code=code, env=env)
    assert modules & (SDKS | LATE) == set()
    assert verbs_in(modules) == set()
    assert rooms_in(modules) <= {"cli", "contract"}


@pytest.mark.parametrize("line", ["vdictl ", "vdictl create --pl", "vdictl destroy d", "vdictl create --plan=m"])
def test_completion_imports_no_verb_no_provider_and_no_library(tmp_path: Path, line: str) -> None:
    modules_of(tmp_path, "create", "--no-wait")
    ask = {"_VDICTL_COMPLETE": "bash", "_VDICTL_LINE": line}
    modules_of(tmp_path, env=ask)  # the first time looks at all verbs
    modules = modules_of(tmp_path, env=ask)
    assert modules & (SDKS | LATE | {"typer", "click", "difflib", "subprocess", "argparse"}) == set()
    assert verbs_in(modules) == set()
    assert rooms_in(modules) <= {"cli", "contract", "core"}
    assert {m for m in modules if m.startswith("vdictl.core.")} == {"vdictl.core.lexicon", "vdictl.core.paths"}


@pytest.mark.parametrize("words", [["create", "--help"], ["create", "--memory"], ["destroy", "--al"]])
def test_help_and_mistakes_of_a_verb_import_that_verb_only(tmp_path: Path, words: list[str]) -> None:
    modules = modules_of(tmp_path, *words, code=0 if "--help" in words else 2)
    assert modules & (SDKS | LATE) == set()
    assert verbs_in(modules) == {words[0]}
    assert rooms_in(modules) & {"connect", "engine", "guest", "testing", "vdictl_local"} == set()


def test_a_list_through_a_pipe_imports_nothing_slow(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, "list", "-p", "memory")
    assert modules & (SDKS | LATE) == set()
    assert verbs_in(modules) == {"list"}
    assert rooms_in(modules) & {"connect", "engine", "guest", "vdictl_local"} == set()


def test_the_local_provider_imports_nothing_slow_until_it_misses_its_engine(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, "list", "-p", "local", code=5)
    assert modules & (SDKS | LATE) == set()
    assert "connect" not in rooms_in(modules)


@pytest.mark.engine
def test_a_list_of_the_local_provider_imports_nothing_slow(tmp_path: Path, desktop_engine: dict[str, str]) -> None:
    config = tmp_path / "local.toml"
    config.write_text("")
    env = {**desktop_engine, "VDICTL_CONFIG": str(config), "VDICTL_FLEET": "t-startup"}
    modules_of(tmp_path, "list", env=env)  # the first time looks for the engine
    modules = modules_of(tmp_path, "list", env=env)
    assert modules & (SDKS | LATE) == set()
    assert rooms_in(modules) & {"connect", "testing"} == set()
    assert {"vdictl.engine.candidates", "vdictl.engine.hosts"} & modules == set()


def test_a_create_that_does_not_wait_loads_no_rfb_and_no_http(tmp_path: Path) -> None:
    modules = modules_of(tmp_path, "create", "--no-wait", "-o", "json")
    assert {"vdictl.connect.rfb", "vdictl.connect.probes", "http.client"} & modules == set()
    assert modules & SDKS == set()


def test_json_needs_no_table_and_a_table_on_a_pipe_needs_no_rich(tmp_path: Path) -> None:
    modules_of(tmp_path, "create", "--detach")
    for form in ("table", "json", "name"):
        assert modules_of(tmp_path, "list", "-p", "memory", "-o", form) & {"rich", "yaml"} == set()
    assert "yaml" in modules_of(tmp_path, "list", "-p", "memory", "-o", "yaml")  # the look itself can see
