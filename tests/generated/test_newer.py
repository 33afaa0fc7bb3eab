"""Two versions of vdictl at once: what bears a newer mark can be looked at, and nothing of it is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.generated.inprocess import Machine, sky
from vdictl.contract import mark as marks

READS = ("list -o json", "show one -o json", "snapshot list -o json", "volume list -o json", "config list")
WRITES = (
    "create one --no-wait", "stop one", "start one --no-wait", "restart one --no-wait", "destroy one --yes",
    "destroy --all --yes", "snapshot create one more", "snapshot restore one kept --yes", "rename one two",
    "label one a=b", "extend one 20h", "resize one --plan mem-2c-4gb --yes", "gc --yes --older-than 1s",
)  # fmt: skip


@pytest.mark.parametrize("running", [True, False])
def test_a_newer_mark_is_read_only(tmp_path: Path, running: bool) -> None:
    with sky() as above:
        machine = Machine(tmp_path, above)
        for line in ("create one --no-wait --ttl 8h", "snapshot create one kept", *([] if running else ["stop one"])):
            assert machine(*line.split()).code == 0
        above.calm()
        with above.cloud.store.change() as state:
            (raw,) = state["machines"].values()
            mark = marks.decode(raw["label"])
            raw["label"] = marks.encode(replace(mark, version=marks.VERSION + 1))
            before = json.dumps([state["machines"], state["volumes"], state["snapshots"]], sort_keys=True)
        for line in READS:
            assert machine(*line.split()).code == 0, line
        for line in WRITES:
            result = machine(*line.split())
            above.calm()
            # What is as it is wanted already needs no writing, and is success.
            assert result.code in ({0, 9} if line.split()[0] in {"create", "start", "stop", "gc"} else {9}), result
            with above.cloud.store.change() as state:
                now = json.dumps([state["machines"], state["volumes"], state["snapshots"]], sort_keys=True)
            assert now == before, f"{line}: {result}"
