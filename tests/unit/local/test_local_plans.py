"""Sizes: what fits, what is chosen, what is refused; and GPUs as CDI describes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdictl.contract.errors import Invalid, QuotaExceeded, Unsupported
from vdictl.contract.model import DesktopSpec
from vdictl_local import gpu
from vdictl_local.plans import Machine, Size, plans, size

LAPTOP = Machine(cpus=4, memory_mib=7800)  # sold as 8 GB


def spec(**more: object) -> DesktopSpec:
    return DesktopSpec(name="one", owner="alice", **more)  # type: ignore[arg-type]


def test_the_ladder_ends_at_the_machine() -> None:
    assert [one.id for one in plans(LAPTOP)] == ["local-1c-1gb", "local-1c-2gb", "local-2c-4gb", "local-4c-8gb"]
    assert [one.id for one in plans(Machine(1, 300))] == ["local-1c-1gb"]


@given(st.integers(1, 512), st.integers(256, 2**21))
def test_every_plan_on_offer_can_be_had(cpus: int, memory: int) -> None:
    machine = Machine(cpus, memory)
    offered = plans(machine)
    assert [(one.cpus, one.memory_mib) for one in offered] == sorted((one.cpus, one.memory_mib) for one in offered)
    for one in offered:
        if memory >= 1024:
            assert size(spec(plan=one.id), machine, least_mib=0) == Size(one.id, float(one.cpus), one.memory_mib)


@pytest.mark.parametrize(
    ("machine", "least", "plan"),
    [
        (LAPTOP, 2048, "local-2c-4gb"),
        (LAPTOP, 512, "local-2c-4gb"),
        (Machine(1, 4000), 2048, "local-1c-2gb"),
        (Machine(1, 1000), 2048, "local-1c-1gb"),
        (Machine(64, 10**6), 2048, "local-2c-4gb"),
    ],
)
def test_the_default_serves_the_flavor(machine: Machine, least: int, plan: str) -> None:
    assert size(spec(), machine, least_mib=least).plan == plan


def test_a_size_of_ones_own() -> None:
    assert size(spec(cpus=1.5, memory_mib=3000), LAPTOP, least_mib=0) == Size("custom", 1.5, 3000)
    assert size(spec(plan="local-1c-2gb", memory_mib=4096), LAPTOP, least_mib=0) == Size("custom", 1.0, 4096)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"plan": "vc2-1c-1gb"}, Invalid),
        ({"plan": "local-64c-128gb"}, QuotaExceeded),
        ({"cpus": 5.0}, QuotaExceeded),
        ({"memory_mib": 9000}, QuotaExceeded),
        ({"cpus": 0.0}, Invalid),
        ({"memory_mib": 100}, Invalid),
        ({"disk_gib": 20}, Unsupported),
    ],
)
def test_what_cannot_be(more: dict[str, object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        size(spec(**more), LAPTOP, least_mib=0)


def test_this_machine() -> None:
    here = Machine.here()
    assert here.cpus >= 1
    assert here.memory_mib > 100


NVIDIA_YAML = """cdiVersion: 0.5.0
containerEdits:
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-ctk
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia1
  name: "1"
- name: GPU-6bd6cc0a
- name: all
kind: nvidia.com/gpu
"""


def test_gpus_from_yaml_and_json(tmp_path: Path) -> None:
    assert gpu.devices([tmp_path]) == []
    (tmp_path / "nvidia.yaml").write_text(NVIDIA_YAML)
    assert gpu.devices([tmp_path, tmp_path / "none"]) == ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]
    data = {"cdiVersion": "0.6.0", "kind": "amd.com/gpu", "devices": [{"name": "0"}, {"name": "all"}]}
    (tmp_path / "amd.json").write_text(json.dumps(data))
    (tmp_path / "broken.json").write_text("{")
    assert "amd.com/gpu=0" in gpu.devices([tmp_path])


def test_gpu_flags() -> None:
    two = ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]
    assert gpu.flags(1, two) == ["--device", "nvidia.com/gpu=0"]
    assert gpu.flags(0, []) == []
    with pytest.raises(Unsupported) as none:
        gpu.flags(1, [])
    assert "nvidia-ctk" in none.value.advice
    with pytest.raises(QuotaExceeded):
        gpu.flags(3, two)
