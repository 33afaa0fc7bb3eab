"""Providers found and asked: registry, fan-out, running what is inside."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from vdictl.contract.errors import Conflict, Invalid, NotConfigured, Partial, Unavailable, VdictlError
from vdictl.contract.model import Command
from vdictl.core import running
from vdictl.core.fanout import gather, require_all
from vdictl.core.registry import Registry

# -- registry ---------------------------------------------------------------------------------------------------------


def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> Registry:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return Registry({"odd": name})


def test_a_mistyped_provider_gets_a_hint() -> None:
    with pytest.raises(Invalid) as caught:
        Registry().manifest("locl")
    assert caught.value.advice == "Did you mean local?"


def test_what_is_not_installed_says_how_to_install_it() -> None:
    registry = Registry({"odd": "no_such_package_of_vdictl"})
    with pytest.raises(NotConfigured) as caught:
        registry.manifest("odd")
    assert caught.value.advice == "Install it: pip install 'vdictl[odd]'"
    assert "odd" in registry.names() and "odd" not in registry.manifests()


@pytest.mark.parametrize(
    "text", ["x = 1", "def (", "raise ImportError('lib')", "from vdictl import nothing", "1 / 0", "MANIFEST = 3"]
)
def test_a_broken_package_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    name = f"odd_{abs(hash(text))}"
    registry = package(tmp_path, monkeypatch, name, text)
    with pytest.raises(NotConfigured):
        registry.manifest("odd")
    assert "local" in registry.manifests()


def test_what_is_no_name_of_a_package_is_refused() -> None:
    for package_name in ("../x", "", "a b"):
        with pytest.raises(NotConfigured):
            Registry({"odd": package_name}).manifest("odd")


def test_another_contract_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from vdictl.contract.provider import Manifest\n"
    text += "MANIFEST = Manifest(name='odd', title='', summary='', entry='a:B', contract=99)"
    with pytest.raises(NotConfigured, match="contract 99"):
        package(tmp_path, monkeypatch, "odd_contract", text).manifest("odd")


def test_the_package_of_the_config_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Registry({"local": "vdictl.testing.memory"}).manifest("local").name == "memory"


# -- fan-out ----------------------------------------------------------------------------------------------------------


def fail(error: BaseException) -> str:
    raise error


def test_results_and_failures_in_the_order_of_the_jobs() -> None:
    jobs = {name: (lambda n=name: n.upper()) for name in "cab"} | {"x": lambda: fail(Conflict("no"))}
    results, failures = gather(jobs, timeout=10)
    assert list(results.items()) == [("c", "C"), ("a", "A"), ("b", "B")]
    assert list(failures) == ["x"]


def test_a_hung_job_is_left_behind() -> None:
    never = threading.Event()
    begun = time.monotonic()
    results, failures = gather({"hung": lambda: never.wait(60) or "late", "quick": lambda: "now"}, timeout=0.2)
    assert results == {"quick": "now"} and isinstance(failures["hung"], Unavailable)
    assert time.monotonic() - begun < 5
    never.set()


def test_the_time_limit_is_one_for_all_not_one_for_each() -> None:
    """Answers that drip in must not hold a hung one's verdict back."""
    never = threading.Event()
    jobs = {f"slow{n}": (lambda n=n: never.wait(0.1 * n) or "late") for n in range(1, 8)}
    begun = time.monotonic()
    gather(jobs | {"hung": lambda: never.wait(60) or "late"}, timeout=0.4)
    assert time.monotonic() - begun < 1.0
    never.set()


def test_a_bug_in_a_job_is_raised_where_it_is_seen() -> None:
    with pytest.raises(ZeroDivisionError):
        gather({"bug": lambda: 1 // 0}, timeout=10)


def test_no_jobs_no_answers() -> None:
    assert gather({}, timeout=0) == ({}, {})


def test_failures_are_named_together() -> None:
    require_all({})
    with pytest.raises(Partial) as caught:
        require_all({"a": Unavailable("down"), "b": Conflict("no")})
    assert caught.value.details == "a: down\nb: no"


# -- inside -----------------------------------------------------------------------------------------------------------


def python(text: str, **environment: str) -> Command:
    return Command(argv=(sys.executable, "-c", text), environment=environment)


def test_what_a_command_says_as_json() -> None:
    echo = "import sys; sys.stdout.write(sys.stdin.read())"
    assert running.answer(python(echo), stdin=b'{"a": 1}', timeout=30) == {"a": 1}
    for odd in (b"no json", b"", b"\xff"):
        with pytest.raises(Unavailable, match="no JSON"):
            running.answer(python(echo), stdin=odd, timeout=30)
    with pytest.raises(VdictlError, match="another form"):
        running.answer(python(echo), stdin=b"[1]", timeout=30)


def test_the_environment_is_the_commands_own() -> None:
    shown = running.output(python("import os; print(sorted(os.environ)[:1])", AAA="x"), timeout=30)
    assert shown.decode().strip() == "['AAA']"


def test_a_command_that_fails_hangs_or_is_not_there() -> None:
    with pytest.raises(Unavailable) as caught:
        running.output(python("import sys; sys.exit('why it failed')"), timeout=30)
    assert caught.value.details == "why it failed"
    with pytest.raises(Unavailable, match="within 0 seconds"):
        running.output(python("import time; time.sleep(60)"), timeout=0.2)
    with pytest.raises(Unavailable, match="could not be started"):
        running.output(Command(argv=("/nonexistent/program",)), timeout=30)
