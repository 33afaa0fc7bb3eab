#!/usr/bin/env python3
"""Complete a CycloneDX bill of an environment: our version, the parts we ship of others, and not the installer's.

Usage: python scripts/complete_bill.py BILL.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = {"pip", "setuptools"}  # of the environment that was looked at, not of ours
NOVNC = ROOT / "vdictl/guest/page/vendor/novnc"


def version() -> str:
    """Our own."""
    found = re.search(r'__version__ = "([^"]+)"', (ROOT / "vdictl/__init__.py").read_text(encoding="utf-8"))
    assert found, "vdictl/__init__.py names no version"
    return found[1]


def shipped() -> list[dict[str, Any]]:
    """What THIRD_PARTY.md lists."""
    novnc = (NOVNC / "VERSION").read_text(encoding="utf-8").strip()
    purl = f"pkg:npm/%40novnc/novnc@{novnc}"
    parts = (("noVNC", novnc, "MPL-2.0", purl), ("pako", f"as in noVNC {novnc}", "MIT AND Zlib", f"{purl}#vendor/pako"))
    return [
        {
            "type": "library",
            "bom-ref": f"shipped-{name}",
            "name": name,
            "version": number,
            "licenses": [{"expression": licence, "acknowledgement": "declared"}],
            "purl": where,
        }
        for name, number, licence, where in parts
    ]


def complete(bill: dict[str, Any]) -> dict[str, Any]:
    """The bill with ours, and without the tools."""
    dropped = {part["bom-ref"] for part in bill["components"] if part["name"] in TOOLS}
    parts = [part for part in bill["components"] if part["bom-ref"] not in dropped] + shipped()
    root = bill["metadata"]["component"] | {"version": version()}
    needs = [entry for entry in bill["dependencies"] if entry["ref"] not in dropped]
    for entry in needs:
        if entry["ref"] == root["bom-ref"]:
            entry["dependsOn"] = sorted({*entry.get("dependsOn", ()), *(part["bom-ref"] for part in shipped())})
    needs += [{"ref": part["bom-ref"]} for part in shipped()]
    return bill | {"components": parts, "dependencies": needs, "metadata": bill["metadata"] | {"component": root}}


def main(name: str) -> int:
    """Complete the file in place."""
    file = Path(name)
    bill = complete(json.loads(file.read_text(encoding="utf-8")))
    file.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    print(f"{len(bill['components'])} parts", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
