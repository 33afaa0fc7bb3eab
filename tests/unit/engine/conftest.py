"""A pretended engine: a small program in a temporary folder that does as the test says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vdictl.engine.engine import Engine

FakeEngine = Callable[..., Engine]


@pytest.fixture
def fake(tmp_path: Path) -> FakeEngine:
    """Makes an engine whose binary is the given shell script; `$1` and so on are the engine's arguments."""

    def make(script: str, *, kind: str = "podman", timeout: float = 5.0, facts: Path | None = None) -> Engine:
        binary = tmp_path / kind
        binary.write_text(f"#!/bin/sh\n{script}\n")
        binary.chmod(0o755)
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        return Engine("podman" if kind == "podman" else "docker", str(binary), env, timeout, facts=facts)

    return make
