"""What tests of every room share."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No time is asserted, by the library that makes examples neither: the machine may be loaded. In CI the same code gets
# the same examples.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def desktop_engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for a run of vdictl with a container engine; the test is left out, with the reason, where none is."""
    from vdictl.engine.discovery import open_engine  # here, not above: these need a system like Unix
    from vdictl.engine.errors import EngineError

    state = tmp_path_factory.mktemp("state")
    try:
        open_engine(dict(os.environ), state_dir=state / "vdictl" / "local", prefer=os.environ.get("VDICTL_ENGINE"))
    except EngineError as error:
        pytest.skip(f"no container engine answers here: {error}")
    named = {name: os.environ[name] for name in ("VDICTL_ENGINE", "DOCKER_HOST") if name in os.environ}
    return {"XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("config")), **named}


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium to drive; the test is left out, with the reason, where none is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium)")
    subprocess.run([found, "--version"], check=True, capture_output=True, timeout=60)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    made = tmp_path / "home"
    made.mkdir()
    return made
